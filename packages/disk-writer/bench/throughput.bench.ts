// Question: how many events a second go into files, and how far is that from the least code that does it by hand?
import { join } from 'node:path';
import { FileDiskWriter } from '@relaykit/disk-writer';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';
import { benchDirectory, pageViews } from './page-views.ts';
import { RawWriter } from './raw-writer.ts';

const directory = benchDirectory();
const BATCH = isSmall ? 100 : 1_000;
const BATCHES = isSmall ? 2 : 10;
const events = pageViews(BATCH);
const raw = new RawWriter(join(directory, 'raw'));
let stored = 0;

const bench = new Bench(benchTimes());
bench.add('JSON.stringify alone, no I/O', () => {
  for (let batch = 0; batch < BATCHES; batch += 1) for (const event of events) stored += JSON.stringify(event).length;
});
bench.add('by hand: joined strings, one write a batch', () => {
  for (let batch = 0; batch < BATCHES; batch += 1) {
    raw.encode(events);
    stored += raw.flush();
  }
});
for (const flushMode of ['append', 'atomic'] as const) {
  const writer = new FileDiskWriter<object>({ directory: join(directory, flushMode), flushMode });
  await writer.open();
  bench.add(`add and commit, ${flushMode}`, async () => {
    for (let turn = 0; turn < BATCHES; turn += 1) {
      const batch = writer.openBatch();
      for (const event of events) batch.add(event);
      stored += (await writer.commit(batch)).eventCount;
    }
  });
}
await bench.run();
raw.close();
printComparison(bench, { unit: 'events', perIteration: BATCH * BATCHES, batch: BATCH, stored });
