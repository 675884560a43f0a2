// Question: events are in memory, encoded: how long until one flush has brought them to the operating system or to the
// disk, and how long is the event loop held by it?
import { join } from 'node:path';
import { retainTotalBytes } from '@relaykit/rotation';
import type { RetentionPolicy } from '@relaykit/types';
import { type Case, type Cases, parameter, type Rounds, type Sample } from '../case.ts';
import { readLines } from '../disk.ts';
import { type PageView, pageViews } from '../events.ts';
import { nextTurn, percentile, TurnWatch } from '../measure.ts';
import { RawFile } from '../raw-file.ts';
import { closeRelay, makeRelay, segmentsIn } from '../relay.ts';

/** Reached while warming up: from then on, every new segment is paid for by giving up the oldest. */
const FULL_SPOOL_BYTES = 64 * 1024 * 1024;

interface Target {
  add(event: PageView): void;
  flush(): void | Promise<void>;
  close(): Promise<number>;
}

/** What a flush costs as long as hardly anything is compiled. */
const COLD_FLUSHES = 50;
/** Enough of them to go through all code that a larger flush does. */
const WARM_UP_EVENTS = 1_000;

function flushing(open: (directory: string, isSynced: boolean) => Target): Case {
  return async function* (context): Rounds {
    const eventCount = parameter(context, 'eventCount');
    const flushes = parameter(context, 'flushes');
    const target = open(context.directory, parameter(context, 'isSynced') === 1);
    const events = pageViews(eventCount);
    const flushOften = async (count: number, flushed = events): Promise<Sample> => {
      const latenciesMs: number[] = [];
      const holdsMs: number[] = [];
      for (let flush = 0; flush < count; flush += 1) {
        for (const event of flushed) target.add(event);
        const watch = new TurnWatch();
        const startedMs = performance.now();
        await target.flush();
        latenciesMs.push(performance.now() - startedMs);
        // What is done after the answer belongs to the hold, too.
        await nextTurn();
        holdsMs.push(watch.stop().holdMaxMs);
        await nextTurn();
      }
      return {
        p50Ms: percentile(latenciesMs, 0.5),
        worstMs: Math.max(...latenciesMs),
        holdP50Ms: percentile(holdsMs, 0.5),
        holdP99Ms: percentile(holdsMs, 0.99),
        holdMaxMs: Math.max(...holdsMs),
      };
    };
    const warmUpFlushes = parameter(context, 'warmUpFlushes');
    const cold = Math.min(COLD_FLUSHES, warmUpFlushes);
    const { p50Ms: coldP50Ms = Number.NaN } = await flushOften(cold);
    const warmUp = events.slice(0, WARM_UP_EVENTS);
    await flushOften(warmUpFlushes, warmUp);
    let expected = cold * eventCount + warmUpFlushes * warmUp.length;
    for (let goesOn = true; goesOn; expected += flushes * eventCount) {
      goesOn = yield { ...(await flushOften(flushes)), coldP50Ms };
    }
    const found = await target.close();
    if (found !== expected) throw new Error(`${expected} events were flushed and ${found} are on disk`);
  };
}

function relay(retention: RetentionPolicy): Case {
  return flushing((directory, isSynced) => {
    const pipeline = makeRelay(directory, { retention, onSegmentDropped: () => undefined });
    return {
      add(event) {
        if (pipeline.add(event).status !== 'added') throw new Error('the buffer is full');
      },
      flush: () => pipeline.flush(isSynced ? { durability: 'synced' } : {}),
      async close() {
        await closeRelay(pipeline);
        return readLines(segmentsIn(directory)).lines + pipeline.counts().droppedFromSpool.events;
      },
    };
  });
}

export const cases: Cases = {
  raw: flushing((directory, isSynced) => {
    const path = join(directory, 'raw.ndjson');
    const file = new RawFile(path);
    return {
      add: (event) => file.add(event),
      flush() {
        file.writeSync();
        return isSynced ? file.sync() : undefined;
      },
      async close() {
        file.close();
        return readLines([path]).lines;
      },
    };
  }),
  relay: relay(retainTotalBytes(Number.MAX_SAFE_INTEGER)),
  relayAtLimit: relay(retainTotalBytes(FULL_SPOOL_BYTES)),
};
