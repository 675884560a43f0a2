// Question: what does a spool that holds much cost whoever opens or lists it?
// Method: sealed segments with metadata on the real disk; nothing is unfinished, so no segment is read.
import { accountForSpool, openSegmentStore } from '@relaykit/segments';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';
import { lineFormat } from './line-format.ts';
import { placeSealed, temporarySpool } from './spool-on-disk.ts';

let seenNames = 0;
for (const count of isSmall ? [10, 100] : [100, 10_000]) {
  const spool = temporarySpool();
  const { directory } = spool;
  placeSealed(spool, count);
  const store = await openSegmentStore({ directory, serializers: [lineFormat] });
  const bench = new Bench(benchTimes());
  bench.add(`open a spool of ${count} segments, recovery included`, async () => {
    const opened = await openSegmentStore({ directory, serializers: [lineFormat] });
    await opened.close();
  });
  bench.add(`list ${count} segments`, async () => {
    let found = 0;
    for await (const { id } of store.list()) found += id.length > 0 ? 1 : 0;
    if (found !== count) throw new Error(`listed ${found} of ${count} segments`);
    seenNames += found;
  });
  bench.add(`account for ${count} segments, by their metadata`, async () => {
    const { pending } = await accountForSpool(store.spool);
    if (pending !== count) throw new Error(`found ${pending} of ${count} events`);
  });
  await bench.run();
  printComparison(bench, { unit: 'segments', perIteration: count, seenNames });
}
