// Question: how long does a batch take until it survives a power cut, one batch after the other?
import { type Cases, parameter, type Rounds } from '../case.ts';
import { POOL_EVENTS, pageViews } from '../events.ts';
import { nextTurn, percentile, perEvent, startUsage, TurnWatch } from '../measure.ts';
import { stores } from '../synced-stores.ts';

export const cases: Cases = Object.fromEntries(
  Object.entries(stores).map(([name, open]) => [
    name,
    async function* (context): Rounds {
      const [batchEvents, batches] = [parameter(context, 'batchEvents'), parameter(context, 'batches')];
      const events = pageViews(POOL_EVENTS);
      const store = await open(context.directory);
      let first = 0;
      const nextBatch = () => {
        if (first + batchEvents > POOL_EVENTS) first = 0;
        first += batchEvents;
        return events.slice(first - batchEvents, first);
      };
      const storeBatches = async (count: number): Promise<number[]> => {
        const latenciesMs: number[] = [];
        for (let batch = 0; batch < count; batch += 1) {
          const startedMs = performance.now();
          await store.store(nextBatch());
          latenciesMs.push(performance.now() - startedMs);
          // Batches come in turns of their own, also where storing one never lets the event loop turn.
          await nextTurn();
        }
        return latenciesMs;
      };
      const warmUp = parameter(context, 'warmUpBatches');
      await storeBatches(warmUp);
      let stored = warmUp;
      const watched = Math.ceil(batches / 2);
      for (let goesOn = true; goesOn; stored += batches + watched) {
        const stop = startUsage();
        const latenciesMs = await storeBatches(batches);
        const usage = stop();
        // Watching the turns keeps a processor busy, so it is done apart.
        const watch = new TurnWatch();
        await storeBatches(watched);
        goesOn = yield {
          ...perEvent(usage, batches * batchEvents),
          p50Ms: percentile(latenciesMs, 0.5),
          p99Ms: percentile(latenciesMs, 0.99),
          ...watch.stop(),
        };
      }
      const expected = stored * batchEvents;
      const found = await store.close();
      if (found !== expected) throw new Error(`${expected} events were stored and ${found} are on disk`);
    },
  ]),
);
