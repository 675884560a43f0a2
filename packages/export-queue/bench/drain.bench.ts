// Question: with how many waiting segments does the queue slow down? Time until the first upload begins, a whole cycle
// over segments that wait for a later attempt (names alone), and a cycle that delivers all.

import { DiskExportQueue } from '@relaykit/export-queue';
import { InMemorySegmentStore } from '@relaykit/testing';
import type { SegmentUploader } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';

const counts = isSmall ? [100, 1_000] : [1_000, 10_000];
let uploads = 0;

for (const count of counts) {
  const store = await storeOf(count);
  const firstUpload = async (): Promise<void> => {
    const abort = new AbortController();
    const uploader: SegmentUploader = {
      async upload() {
        uploads += 1;
        abort.abort();
        throw new Error('first upload began');
      },
    };
    // Ends at its first upload; what it costs to count the others is part of it.
    await new DiskExportQueue({ store, uploader }).drain({ signal: abort.signal });
  };

  const waiting = new DiskExportQueue({
    store: await storeOf(count, Date.now() + 1_800_000),
    uploader: { upload: () => Promise.reject(new Error('nothing is due')) },
  });
  const { remaining, retriesScheduled } = await waiting.drain();
  if (remaining !== count || retriesScheduled > 0) throw new Error(`${remaining} of ${count} wait`);

  const bench = new Bench(benchTimes());
  bench.add(`first upload, ${count} waiting`, firstUpload);
  bench.add(`cycle of names, ${count} waiting`, async () => void (await waiting.drain()));
  await bench.run();
  if (uploads === 0) throw new Error('no upload began');
  printComparison(bench, { unit: 'segments', perIteration: count, uploads });
}

const deliverCount = isSmall ? 200 : 10_000;
const store = await storeOf(deliverCount);
const queue = new DiskExportQueue({ store, uploader: { upload: async () => ({ status: 'accepted' }) } });
const heapBefore = process.memoryUsage().heapUsed;
const startMs = performance.now();
const report = await queue.drain();
const elapsedMs = performance.now() - startMs;
if (report.delivered !== deliverCount) throw new Error(`delivered ${report.delivered} of ${deliverCount}`);
const heapMb = (process.memoryUsage().heapUsed - heapBefore) / 1e6;
console.log(
  `delivering ${deliverCount}: ${elapsedMs.toFixed(0)} ms, ${((elapsedMs / deliverCount) * 1_000).toFixed(0)} µs a segment, heap ${heapMb.toFixed(1)} MB`,
);

async function storeOf(segmentCount: number, nextAttemptAtMs?: number): Promise<InMemorySegmentStore> {
  const store = new InMemorySegmentStore();
  for (let n = 0; n < segmentCount; n += 1) {
    const { id } = await store.addSegment({ content: `{"n":${n}}\n` });
    if (nextAttemptAtMs === undefined) continue;
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') throw new Error('a new segment can be leased');
    await attempt.lease.writeState({ attempts: 1, firstFailureAtMs: nextAttemptAtMs, nextAttemptAtMs });
    await attempt.lease.release();
  }
  return store;
}
