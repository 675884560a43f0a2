// Question: how many events a second go into a file, handed to the operating system and not synced, and what does each
// cost? The producer lets the event loop turn after every thousand.
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { retainTotalBytes } from '@relaykit/rotation';
import { type Case, type CaseContext, type Cases, parameter, type Sample } from '../case.ts';
import { filesBelow, requireLines, totalBytes } from '../disk.ts';
import { type PageView, POOL_EVENTS, pageViews } from '../events.ts';
import { nextTurn, peakRssMegabytes, perEvent, startUsage, TurnWatch } from '../measure.ts';
import { RawFile } from '../raw-file.ts';
import { addTo, closeRelay, makeRelay, segmentsIn } from '../relay.ts';

const TURN_EVENTS = 1_000;
/** By then files are open, and code is compiled: what follows is what goes on for days. */
const WARM_UP_EVENTS = 30_000;
const WATCHED_SHARE = 0.2;
/** A segment of the pipeline by default, for those who rotate by size. */
const ROTATE_MEGABYTES = 8;

interface Sink {
  add(event: PageView): undefined | Promise<unknown>;
  /** Called once a turn's events are in. */
  endTurn?(): undefined | Promise<unknown>;
  close(): void | Promise<void>;
  files(): string[];
}

function into(open: (directory: string) => Sink | Promise<Sink>): Case {
  return async (context: CaseContext): Promise<Sample> => {
    const eventCount = parameter(context, 'eventCount');
    const events = pageViews(POOL_EVENTS);
    const sink = await open(context.directory);
    const produce = async (count: number): Promise<void> => {
      for (let index = 0; index < count; ) {
        const waiting = sink.add(events[index % POOL_EVENTS] as PageView);
        if (waiting) await waiting;
        index += 1;
        if (index % TURN_EVENTS > 0) continue;
        await sink.endTurn?.();
        await nextTurn();
      }
    };
    const warmUp = Math.min(WARM_UP_EVENTS, eventCount);
    await produce(warmUp);
    // Watching the turns keeps a processor busy, so it is done apart.
    const watch = new TurnWatch();
    const watched = Math.ceil(eventCount * WATCHED_SHARE);
    await produce(watched);
    const turns = watch.stop();
    const stop = startUsage();
    await produce(eventCount);
    await sink.close();
    const usage = stop();
    const { lines, bytes } = requireLines(sink.files(), warmUp + watched + eventCount);
    return {
      ...perEvent(usage, eventCount),
      ...turns,
      peakRssMegabytes: peakRssMegabytes(),
      bytesPerEvent: bytes / lines,
    };
  };
}

function raw(write: (file: RawFile) => undefined | Promise<unknown>): Case {
  return into((directory) => {
    const path = join(directory, 'raw.ndjson');
    const file = new RawFile(path);
    return {
      add: (event) => void file.add(event),
      endTurn: () => write(file),
      close() {
        file.writeSync();
        file.close();
      },
      files: () => [path],
    };
  });
}

function stream(honoursDrain: boolean, open: (directory: string) => WriteStream | NodeJS.WritableStream): Case {
  return into((directory) => {
    const target = open(directory);
    return {
      add(event) {
        const hasRoom = target.write(`${JSON.stringify(event)}\n`);
        return hasRoom || !honoursDrain ? undefined : once(target, 'drain');
      },
      async close() {
        target.end();
        await once(target, 'close');
      },
      files: () => filesBelow(directory, /lines/u),
    };
  });
}

/** Turns and no output: what counting and turning cost by themselves is in every other figure. */
const stringifyAlone: Case = async (context) => {
  const eventCount = parameter(context, 'eventCount');
  const events = pageViews(POOL_EVENTS);
  const stop = startUsage();
  let units = 0;
  for (let index = 0; index < eventCount; ) {
    units += JSON.stringify(events[index % POOL_EVENTS]).length;
    index += 1;
    if (index % TURN_EVENTS === 0) await nextTurn();
  }
  const usage = stop();
  return { ...perEvent(usage, eventCount), peakRssMegabytes: peakRssMegabytes(), units };
};

export const cases: Cases = {
  stringify: stringifyAlone,
  raw: raw((file) => void file.writeSync()),
  rawAsynchronous: raw((file) => file.write()),
  relay: into((directory) => {
    // Room for every event, so that all of them can be counted.
    const relay = makeRelay(directory, { retention: retainTotalBytes(Number.MAX_SAFE_INTEGER) });
    return {
      add: (event) => addTo(relay, event),
      close: () => closeRelay(relay),
      files: () => segmentsIn(directory),
    };
  }),
  createWriteStream: stream(true, (directory) => createWriteStream(join(directory, 'lines'))),
  createWriteStreamIgnoringDrain: stream(false, (directory) => createWriteStream(join(directory, 'lines'))),
  rotatingFileStream: async (context) => {
    const { createStream } = await import('rotating-file-stream');
    return stream(true, (path) => createStream('lines', { path, size: `${ROTATE_MEGABYTES}M` }))(context);
  },
  pinoSync: pino(true),
  pinoAsync: pino(false),
  pinoRoll: into(async (directory) => {
    const { pino: createPino } = await import('pino');
    const transport = createPino.transport({
      target: 'pino-roll',
      options: { file: join(directory, 'lines'), size: `${ROTATE_MEGABYTES}m`, mkdir: true },
    });
    const logger = createPino({ base: null, timestamp: false }, transport);
    return {
      add: (event) => void logger.info(event),
      async close() {
        transport.end();
        await once(transport, 'close');
      },
      files: () => filesBelow(directory, /lines/u),
    };
  }),
  winston: into(async (directory) => {
    const { createLogger, format } = await import('winston');
    const { default: DailyRotateFile } = await import('winston-daily-rotate-file');
    const file = new DailyRotateFile({ dirname: directory, filename: 'lines-%DATE%', maxSize: `${ROTATE_MEGABYTES}m` });
    const logger = createLogger({ format: format.json(), transports: [file] });
    return {
      add: (event) => void logger.info('event', event),
      endTurn: () => (logger.writableNeedDrain ? once(logger, 'drain') : undefined),
      async close() {
        const finished = once(file, 'finish');
        logger.end();
        await finished;
        await settled(() => totalBytes(filesBelow(directory, /lines/u)));
      },
      files: () => filesBelow(directory, /^lines/u),
    };
  }),
};

function pino(sync: boolean): Case {
  return into(async (directory) => {
    const { pino: createPino } = await import('pino');
    const path = join(directory, 'lines');
    const destination = createPino.destination({ dest: path, sync, minLength: 4_096 });
    const logger = createPino({ base: null, timestamp: false }, destination);
    return {
      add: (event) => void logger.info(event),
      async close() {
        destination.end();
        await once(destination, 'close');
      },
      files: () => [path],
    };
  });
}

/** Some say that they have finished before their bytes are in the file. */
async function settled(measure: () => number): Promise<void> {
  for (let before = -1, now = measure(); now !== before; now = measure()) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
