// Question: 64 producers that each wait until their own event is synced: what does group commit give, and how far is it
// from a group commit written by hand?
import { join } from 'node:path';
import { FileDiskWriter } from '@relaykit/disk-writer';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';
import { benchDirectory, pageViews } from './page-views.ts';
import { RawWriter } from './raw-writer.ts';

const PRODUCERS = isSmall ? 8 : 64;
const EACH = isSmall ? 2 : 20;
const directory = benchDirectory();
const events = pageViews(PRODUCERS);
const writer = new FileDiskWriter<object>({ directory: join(directory, 'spool'), durability: 'synced' });
const raw = new RawWriter(join(directory, 'raw'));
const alone = new RawWriter(join(directory, 'alone'));
await writer.open();
let stored = 0;

/** Every producer sends its next event when the last one is acknowledged. */
async function produce(store: (event: object) => Promise<unknown>): Promise<void> {
  const producing = events.map(async (event) => {
    for (let sent = 0; sent < EACH; sent += 1) await store(event);
  });
  await Promise.all(producing);
  stored += PRODUCERS * EACH;
}

const bench = new Bench(benchTimes());
bench.add('group commit by hand', () =>
  produce((event) => {
    raw.encode([event]);
    return raw.groupSync();
  }),
);
bench.add('FileDiskWriter, write', () => produce((event) => writer.write([event])));
bench.add('FileDiskWriter, batches', () =>
  produce((event) => {
    const batch = writer.openBatch();
    batch.add(event);
    return writer.commit(batch);
  }),
);
let turn: Promise<unknown> = Promise.resolve();
bench.add('a sync for each event, by hand', () =>
  produce((event) => {
    turn = turn.then(() => {
      alone.encode([event]);
      alone.flush();
      return alone.sync();
    });
    return turn;
  }),
);
await bench.run();
await writer.close();
raw.close();
alone.close();
printComparison(bench, { unit: 'events', perIteration: PRODUCERS * EACH, producers: PRODUCERS, stored });
