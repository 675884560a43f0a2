// Question: how long does one flush of events take that were encoded when they were added, and how far is that from
// handing the same bytes to the file system by hand?
import { join } from 'node:path';
import { FileDiskWriter } from '@relaykit/disk-writer';
import type { EventBatch } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';
import { benchDirectory, pageViews } from './page-views.ts';
import { RawWriter } from './raw-writer.ts';

const directory = benchDirectory();
for (const eventCount of isSmall ? [100] : [1_000, 5_000, 10_000]) {
  for (const durability of ['written', 'synced'] as const) await compare(eventCount, durability);
}

async function compare(eventCount: number, durability: 'written' | 'synced'): Promise<void> {
  const events = pageViews(eventCount);
  const name = `${eventCount}-${durability}`;
  const writer = new FileDiskWriter<object>({ directory: join(directory, name), durability });
  const raw = new RawWriter(join(directory, `${name}.raw`));
  await writer.open();
  let batch: EventBatch<object> | undefined;
  let stored = 0;

  const bench = new Bench(benchTimes());
  bench.add(
    'bytes written by hand',
    async () => {
      stored += raw.flush();
      if (durability === 'synced') await raw.sync();
    },
    { beforeEach: () => raw.encode(events) },
  );
  bench.add(
    'commit of a batch',
    async () => {
      if (batch) stored += (await writer.commit(batch)).eventCount;
    },
    {
      beforeEach: () => {
        batch = writer.openBatch();
        for (const event of events) batch.add(event);
      },
    },
  );
  bench.add('write of objects', async () => {
    stored += (await writer.write(events)).eventCount;
  });
  await bench.run();
  await writer.close();
  raw.close();
  printComparison(bench, { unit: 'events', perIteration: eventCount, durability, stored });
}
