// Question: ten thousand events are added and flushed, again and again: how much memory does that come to need, and does
// the heap grow with the cycles? Memory is collected when the engine likes to, while its peak is watched; the heap is
// measured after collections in as many cycles more.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { retainTotalBytes } from '@relaykit/rotation';
import { type Case, type Cases, parameter } from '../case.ts';
import { type PageView, pageViews } from '../events.ts';
import { heapAfterCollectionMegabytes, nextTurn, peakRssMegabytes } from '../measure.ts';
import { RawFile } from '../raw-file.ts';
import { closeRelay, makeRelay } from '../relay.ts';

const CYCLE_EVENTS = 10_000;
const WARM_UP_CYCLES = 10;
const FULL_SPOOL_BYTES = 32 * 1024 * 1024;
/** Points of the line whose slope is told. */
const HEAP_SAMPLES = 20;

interface Keeper {
  add(event: PageView): void;
  flush(): unknown;
  close?(): Promise<unknown>;
}

function cycling(open: (directory: string) => Keeper | Promise<Keeper>): Case {
  return async (context) => {
    const cycles = parameter(context, 'cycles');
    const events = pageViews(CYCLE_EVENTS);
    const keeper = await open(context.directory);
    const cycle = async (): Promise<void> => {
      for (const event of events) keeper.add(event);
      await keeper.flush();
      await nextTurn();
    };
    const firstRssMegabytes = peakRssMegabytes();
    for (let index = 0; index < WARM_UP_CYCLES; index += 1) await cycle();
    const rssMegabytes = peakRssMegabytes();
    const startedMs = performance.now();
    for (let index = 0; index < cycles; index += 1) await cycle();
    const elapsedMs = performance.now() - startedMs;
    const lastRssMegabytes = peakRssMegabytes();
    const heapMegabytes = [heapAfterCollectionMegabytes()];
    const every = Math.max(1, Math.floor(cycles / HEAP_SAMPLES));
    for (let index = 1; index <= cycles; index += 1) {
      await cycle();
      if (index % every === 0) heapMegabytes.push(heapAfterCollectionMegabytes());
    }
    await keeper.close?.();
    return {
      eventsPerSecond: (cycles * CYCLE_EVENTS * 1_000) / elapsedMs,
      peakRssGrowthMegabytes: lastRssMegabytes - rssMegabytes,
      wholeRssGrowthMegabytes: lastRssMegabytes - firstRssMegabytes,
      heapSlopeBytesPerCycle: (slope(heapMegabytes) * 1e6) / every,
    };
  };
}

/** Of the least-squares line through values at 0, 1, 2 …. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let covariance = 0;
  let variance = 0;
  for (const [index, value] of values.entries()) {
    covariance += (index - middle) * (value - mean);
    variance += (index - middle) ** 2;
  }
  return covariance / variance;
}

function pino(sync: boolean): Case {
  return cycling(async (directory) => {
    const { pino: createPino } = await import('pino');
    const destination = createPino.destination({ dest: join(directory, 'lines'), sync, minLength: 4_096 });
    const logger = createPino({ base: null, timestamp: false }, destination);
    // As pino is used: nobody waits for what it writes.
    return { add: (event) => logger.info(event), flush: () => destination.flush() };
  });
}

export const cases: Cases = {
  relay: cycling((directory) => {
    // A spool that has reached its limits gives up segments, and says so: here that is meant to happen.
    // Reached soon: what a spool holds is remembered, segment by segment, until then.
    const relay = makeRelay(directory, {
      retention: retainTotalBytes(FULL_SPOOL_BYTES),
      onSegmentDropped: () => undefined,
    });
    return {
      add(event) {
        if (relay.add(event).status !== 'added') throw new Error('the buffer is full');
      },
      flush: () => relay.flush(),
      close: () => closeRelay(relay),
    };
  }),
  raw: cycling((directory) => {
    const file = new RawFile(join(directory, 'lines'));
    return { add: (event) => file.add(event), flush: () => file.writeSync() };
  }),
  objectsUntilFlush: cycling((directory) => {
    const file = createWriteStream(join(directory, 'lines'));
    let held: PageView[] = [];
    return {
      add: (event) => void held.push(event),
      flush: () => {
        const text = held.map((event) => `${JSON.stringify(event)}\n`).join('');
        held = [];
        return new Promise<void>((resolve, reject) => file.write(text, (error) => (error ? reject(error) : resolve())));
      },
    };
  }),
  pinoSync: pino(true),
  pinoAsync: pino(false),
};
