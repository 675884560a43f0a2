// Question: events are in memory, encoded: how long until one flush has brought them to the operating system or to the
// disk, and how long is the event loop held by it?
import { join } from 'node:path';
import { type Case, type Cases, parameter, type Rounds, type Sample } from '../case.ts';
import { readLines } from '../disk.ts';
import { type PageView, pageViews } from '../events.ts';
import { nextTurn, percentile, TurnWatch } from '../measure.ts';
import { RawFile } from '../raw-file.ts';
import { closeRelay, makeRelay, segmentsIn } from '../relay.ts';

interface Target {
  add(event: PageView): void;
  flush(): void | Promise<void>;
  close(): Promise<number>;
}

/** By then code is compiled, as it is in a process that has run for a minute. */
const WARM_UP_FLUSHES = 60;

function flushing(open: (directory: string, isSynced: boolean) => Target): Case {
  return async function* (context): Rounds {
    const eventCount = parameter(context, 'eventCount');
    const flushes = parameter(context, 'flushes');
    const target = open(context.directory, parameter(context, 'isSynced') === 1);
    const events = pageViews(eventCount);
    const flushOften = async (count: number): Promise<Sample> => {
      const latenciesMs: number[] = [];
      const holdsMs: number[] = [];
      for (let flush = 0; flush < count; flush += 1) {
        for (const event of events) target.add(event);
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
        p99Ms: percentile(latenciesMs, 0.99),
        holdP50Ms: percentile(holdsMs, 0.5),
        holdP99Ms: percentile(holdsMs, 0.99),
      };
    };
    const warmUp = flushes > 3 ? WARM_UP_FLUSHES : flushes;
    await flushOften(warmUp);
    let flushed = warmUp;
    for (let goesOn = true; goesOn; flushed += flushes) goesOn = yield await flushOften(flushes);
    const expected = flushed * eventCount;
    const found = await target.close();
    if (found !== expected) throw new Error(`${expected} events were flushed and ${found} are on disk`);
  };
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
  relay: flushing((directory, isSynced) => {
    const relay = makeRelay(directory);
    return {
      add(event) {
        if (relay.add(event).status !== 'added') throw new Error('the buffer is full');
      },
      flush: () => relay.flush(isSynced ? { durability: 'synced' } : {}),
      async close() {
        await closeRelay(relay);
        return readLines(segmentsIn(directory)).lines + relay.counts().droppedFromSpool.events;
      },
    };
  }),
};
