// Question: does a look at the limits, made before each batch, cost more in a large spool than in a small one?
// Method: spools within their limits, of segments that this process has sealed; nothing is to be removed.
import { RetentionKeeper, type Spool } from '@relaykit/segments';
import type { RetentionPolicy } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';
import { lineFormat } from './line-format.ts';
import { idAt, temporarySpool, WRITER } from './spool-on-disk.ts';

/** File count, total bytes, and the age of the oldest: what a spool is asked by default. */
const policy: RetentionPolicy = {
  select({ fileCount, totalBytes, oldestFirst }) {
    if (fileCount > 1_000_000 || totalBytes > 2 ** 50) throw new Error('this benchmark is to remove nothing');
    for (const { id, ageMs } of oldestFirst()) return ageMs > 2 ** 50 ? [{ id, reason: 'age' }] : [];
    return [];
  },
};

async function keeperOf(spool: Spool, count: number): Promise<RetentionKeeper> {
  const unsealed = () => ({ fileCount: 1, totalBytes: 1_000 });
  const keeper = new RetentionKeeper({
    spool,
    policy,
    whenFull: 'refuseNew',
    writerId: WRITER,
    unsealed,
    onDropped: () => undefined,
  });
  keeper.start();
  // The first listing is made in the background; the spool is empty.
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (let index = 0; index < count; index += 1) {
    keeper.noteSealed({
      formatVersion: 1,
      id: idAt(index),
      spoolId: spool.spoolId,
      writerId: WRITER,
      firstSequence: index,
      eventCount: 1,
      bytes: 1_000,
      sha256: '0'.repeat(64),
      format: lineFormat.format,
      createdAt: '',
      sealedAt: '',
      sealReason: 'bytes',
      exportReady: true,
    });
  }
  return keeper;
}

const bench = new Bench(benchTimes());
for (const count of isSmall ? [100, 1_000] : [100, 50_000]) {
  const keeper = await keeperOf(temporarySpool(), count);
  bench.add(`makeRoom with ${count.toLocaleString('en-US')} segments`, () => keeper.makeRoom());
}
await bench.run();
printComparison(bench, { unit: 'checks', perIteration: 1 });
