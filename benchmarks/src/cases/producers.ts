// Question: many producers, each of which waits until its own event survives a power cut before it sends the next: how
// many events a second do they get through together?
import { type Cases, parameter, type Rounds } from '../case.ts';
import { type PageView, POOL_EVENTS, pageViews } from '../events.ts';
import { nextTurn, percentile, perEvent, startUsage, TurnWatch } from '../measure.ts';
import { type SyncedStore, stores } from '../synced-stores.ts';

/** Each sends its next event when the last one is acknowledged, in a turn of its own as a server's requests are. */
async function produce(store: SyncedStore, events: readonly PageView[], producers: number, each: number) {
  const latenciesMs: number[] = [];
  const producing = Array.from({ length: producers }, async (_, producer) => {
    for (let sent = 0; sent < each; sent += 1) {
      const startedMs = performance.now();
      await store.store([events[(producer * each + sent) % events.length] as PageView]);
      latenciesMs.push(performance.now() - startedMs);
      await nextTurn();
    }
  });
  await Promise.all(producing);
  return latenciesMs;
}

export const cases: Cases = Object.fromEntries(
  Object.entries(stores).map(([name, open]) => [
    name,
    async function* (context): Rounds {
      const [producers, each] = [parameter(context, 'producers'), parameter(context, 'eventsEach')];
      const events = pageViews(POOL_EVENTS);
      const store = await open(context.directory);
      const warmUp = each * parameter(context, 'warmUpRounds');
      await produce(store, events, producers, warmUp);
      let stored = warmUp;
      const watched = Math.ceil(each / 2);
      for (let goesOn = true; goesOn; stored += each + watched) {
        const stop = startUsage();
        const latenciesMs = await produce(store, events, producers, each);
        const usage = stop();
        const watch = new TurnWatch();
        await produce(store, events, producers, watched);
        goesOn = yield {
          ...perEvent(usage, each * producers),
          p50Ms: percentile(latenciesMs, 0.5),
          p99Ms: percentile(latenciesMs, 0.99),
          ...watch.stop(),
        };
      }
      const expected = stored * producers;
      const found = await store.close();
      if (found !== expected) throw new Error(`${expected} events were stored and ${found} are on disk`);
    },
  ]),
);
