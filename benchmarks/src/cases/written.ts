// Question: how many events a second go into a file, handed to the operating system and not synced, and what does each
// cost? The producer lets the event loop turn after every thousand.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { retainTotalBytes } from '@relaykit/rotation';
import { type Case, type CaseContext, type Cases, parameter, type Rounds } from '../case.ts';
import { filesBelow, requireLines, totalBytes } from '../disk.ts';
import { type PageView, POOL_EVENTS, pageViews } from '../events.ts';
import { nextTurn, peakRssMegabytes, perEvent, startUsage, TurnWatch } from '../measure.ts';
import { RawFile } from '../raw-file.ts';
import { addTo, closeRelay, makeRelay, segmentsIn } from '../relay.ts';

const TURN_EVENTS = 1_000;
const WATCHED_SHARE = 0.2;
/** A segment of the pipeline by default, and how many of them may wait for their end. */
const SEGMENT_LINES = 10_000;
const MAX_SEALING = 4;
/** The same for those who rotate by size. */
const ROTATE_MEGABYTES = 8;

interface Sink {
  add(event: PageView): undefined | Promise<unknown>;
  /** Called once a turn's events are in. */
  endTurn?(): undefined | Promise<unknown>;
  /** Waits until what was handed over is with the operating system, where the events of a round could outlive it. */
  settle?(): Promise<unknown>;
  close(): void | Promise<void>;
  /** Missing where nothing is written. */
  files?(): string[];
}

function into(open: (directory: string) => Sink | Promise<Sink>): Case {
  return async function* (context: CaseContext): Rounds {
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
      await sink.settle?.();
    };
    const warmUp = eventCount * parameter(context, 'warmUpRounds');
    await produce(warmUp);
    let written = warmUp;
    const watched = Math.ceil(eventCount * WATCHED_SHARE);
    for (let goesOn = true; goesOn; written += eventCount + watched) {
      const stop = startUsage();
      await produce(eventCount);
      const usage = stop();
      // Watching the turns keeps a processor busy, so it is done apart.
      const watch = new TurnWatch();
      await produce(watched);
      goesOn = yield { ...perEvent(usage, eventCount), ...watch.stop(), peakRssMegabytes: peakRssMegabytes() };
    }
    await sink.close();
    if (sink.files) requireLines(sink.files(), written);
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

/** The same files as the pipeline makes, by hand: hashed, and synced in the background. */
const rawSegments = into((directory) => {
  const paths: string[] = [];
  const sealing: Promise<void>[] = [];
  let hash = createHash('sha256');
  let lines = 0;
  const open = (): RawFile => {
    paths.push(join(directory, `${paths.length}.ndjson`));
    return new RawFile(paths.at(-1) ?? '');
  };
  const seal = async (file: RawFile, sha256: string): Promise<void> => {
    await file.sync();
    file.close();
    await writeFile(`${paths[0]}.${sealing.length}.sha256`, sha256, { flush: true });
  };
  let file = open();
  const endTurn = (): Promise<void> | undefined => {
    hash.update(file.bytes());
    file.writeSync();
    if (lines < SEGMENT_LINES) return undefined;
    sealing.push(seal(file, hash.digest('hex')));
    hash = createHash('sha256');
    lines = 0;
    file = open();
    return sealing.at(-MAX_SEALING);
  };
  return {
    add(event) {
      file.add(event);
      lines += 1;
      return undefined;
    },
    endTurn,
    async close() {
      await endTurn();
      await Promise.all([...sealing, seal(file, hash.digest('hex'))]);
    },
    files: () => paths,
  };
});

function stream(honoursDrain: boolean, open: (directory: string) => Writable | Promise<Writable>): Case {
  return into(async (directory) => {
    const target = await open(directory);
    return {
      add(event) {
        const hasRoom = target.write(`${JSON.stringify(event)}\n`);
        return hasRoom || !honoursDrain ? undefined : once(target, 'drain');
      },
      settle: () => new Promise((resolve) => target.write('', resolve)),
      async close() {
        target.end();
        await once(target, 'close');
      },
      files: () => filesBelow(directory, /lines/u),
    };
  });
}

/** Turns and no output: what counting and turning cost by themselves is in every other figure. */
const stringifyAlone = into(() => {
  let units = 0;
  return {
    add(event) {
      units += JSON.stringify(event).length;
      return undefined;
    },
    close() {
      if (units === 0) throw new Error('nothing was encoded');
    },
  };
});

export const cases: Cases = {
  stringify: stringifyAlone,
  raw: raw((file) => void file.writeSync()),
  rawAsynchronous: raw((file) => file.write()),
  rawSegments,
  relay: into((directory) => {
    // Room for every event, so that all of them can be counted.
    const relay = makeRelay(directory, { retention: retainTotalBytes(Number.MAX_SAFE_INTEGER) });
    return {
      add: (event) => addTo(relay, event),
      settle: () => relay.flush(),
      close: () => closeRelay(relay),
      files: () => segmentsIn(directory),
    };
  }),
  createWriteStream: stream(true, (directory) => createWriteStream(join(directory, 'lines'))),
  createWriteStreamIgnoringDrain: stream(false, (directory) => createWriteStream(join(directory, 'lines'))),
  rotatingFileStream: stream(true, async (path) => {
    const { createStream } = await import('rotating-file-stream');
    return createStream('lines', { path, size: `${ROTATE_MEGABYTES}M` });
  }),
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
      settle: () => new Promise<void>((resolve) => logger.flush(() => resolve())),
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
      async settle() {
        while (logger.writableLength > 0) await nextTurn();
      },
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
      settle: () => new Promise<void>((resolve) => destination.flush(() => resolve())),
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
