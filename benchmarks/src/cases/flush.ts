// Question: events are in memory, encoded: how long until one flush has brought them to the operating system or to the
// disk, and how long is the event loop held by it?
import { join } from 'node:path';
import { type Case, type Cases, parameter } from '../case.ts';
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

const WARM_UP_FLUSHES = 10;

function flushing(open: (directory: string, isSynced: boolean) => Target): Case {
  return async (context) => {
    const eventCount = parameter(context, 'eventCount');
    const flushes = parameter(context, 'flushes');
    const target = open(context.directory, parameter(context, 'isSynced') === 1);
    const events = pageViews(eventCount);
    const latenciesMs: number[] = [];
    const holdsMs: number[] = [];
    for (let flush = 0; flush < WARM_UP_FLUSHES + flushes; flush += 1) {
      for (const event of events) target.add(event);
      const watch = new TurnWatch();
      const startedMs = performance.now();
      await target.flush();
      const endedMs = performance.now();
      // What is done after the answer belongs to the hold, too.
      await nextTurn();
      const { holdMaxMs } = watch.stop();
      await nextTurn();
      if (flush < WARM_UP_FLUSHES) continue;
      latenciesMs.push(endedMs - startedMs);
      holdsMs.push(holdMaxMs);
    }
    const expected = (WARM_UP_FLUSHES + flushes) * eventCount;
    const found = await target.close();
    if (found !== expected) throw new Error(`${expected} events were flushed and ${found} are on disk`);
    return {
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      holdP50Ms: percentile(holdsMs, 0.5),
      holdP99Ms: percentile(holdsMs, 0.99),
    };
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
