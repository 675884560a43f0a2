// Question: what does a large backlog on a real disk cost the queue: opening and listing it, the time until the first
// upload begins, and the memory? Each should grow as the number of waiting segments does, and memory by their names alone.
// Method: sealed segments in a temporary directory, at two sizes; the ratio of the two is printed beside that of the sizes.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskExportQueue } from '@relaykit/export-queue';
import { encodeMetadata, formatSegmentId, openSegmentStore, Spool } from '@relaykit/segments';
import type { SegmentUploader } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';

const counts = isSmall ? ([50, 500] as const) : ([1_000, 10_000] as const);
const DELIVERED = isSmall ? 20 : 300;
const medians = new Map<string, number[]>();

for (const count of counts) {
  const directory = spoolOf(count);
  const store = await openSegmentStore({ directory });
  let uploads = 0;
  const tasks: Readonly<Record<string, () => Promise<void>>> = {
    'open, recovery included': async () => (await openSegmentStore({ directory })).close(),
    'list names': async () => {
      let found = 0;
      for await (const { id } of store.list()) found += id.length > 0 ? 1 : 0;
      if (found !== count) throw new Error(`listed ${found} of ${count} segments`);
    },
    'until the first upload begins': async () => {
      const begun = withResolvers();
      const uploader: SegmentUploader = {
        upload: (_segment, { signal }) => {
          uploads += 1;
          begun.resolve();
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          });
        },
      };
      const queue = new DiskExportQueue({ store, uploader });
      queue.start();
      await begun.promise;
      await queue.close({ deadlineMs: 0 });
    },
  };
  const bench = new Bench(benchTimes());
  for (const [name, task] of Object.entries(tasks)) bench.add(`${name}, ${count} waiting`, task);
  await bench.run();
  if (uploads === 0) throw new Error('no upload began');
  printComparison(bench, { unit: 'segments', perIteration: count, uploads });
  for (const [index, name] of Object.keys(tasks).entries()) {
    const { result } = bench.tasks[index] ?? {};
    const median = result && 'latency' in result ? result.latency.p50 : Number.NaN;
    medians.set(name, [...(medians.get(name) ?? []), median]);
  }
  await deliverSome(directory, count);
}

const [few, many] = counts;
for (const [name, [first = 0, second = 0]] of medians) {
  console.log(`${name}: ${(second / first).toFixed(1)} times as long for ${many / few} times the segments`);
}

/** The oldest few of many: what one delivery costs, and how far memory grows meanwhile. */
async function deliverSome(directory: string, count: number): Promise<void> {
  const store = await openSegmentStore({ directory });
  const abort = new AbortController();
  let delivered = 0;
  const queue = new DiskExportQueue({ store, uploader: { upload: async () => ({ status: 'accepted' }) } });
  queue.on('uploaded', () => {
    delivered += 1;
    if (delivered === DELIVERED) abort.abort();
  });
  global.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const startMs = performance.now();
  await queue.drain({ signal: abort.signal });
  const elapsedMs = performance.now() - startMs;
  const heapMb = (process.memoryUsage().heapUsed - heapBefore) / 1e6;
  if (delivered < DELIVERED) throw new Error(`delivered ${delivered} of ${DELIVERED}`);
  const each = ((elapsedMs / delivered) * 1_000).toFixed(0);
  console.log(`delivering ${delivered} of ${count}: ${each} µs a segment, heap ${heapMb.toFixed(1)} MB more\n`);
}

function spoolOf(count: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const { spoolId } = Spool.openSync({ directory });
  const content = '{"n":1}\n';
  const sha256 = createHash('sha256').update(content).digest('hex');
  for (let index = 0; index < count; index += 1) {
    const writerId = 'benchbench';
    const createdAtMs = Date.UTC(2026, 0, 1) + index;
    const id = formatSegmentId({ createdAtMs, firstSequence: index, writerId });
    const createdAt = new Date(createdAtMs).toISOString();
    const metadata = encodeMetadata({
      formatVersion: 1,
      id,
      spoolId,
      writerId,
      firstSequence: index,
      eventCount: 1,
      bytes: content.length,
      sha256,
      format: { name: 'jsonl', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' },
      createdAt,
      sealedAt: createdAt,
      sealReason: 'bytes',
      exportReady: true,
    });
    writeFileSync(join(directory, `${id}.meta.json`), metadata, { mode: 0o600 });
    writeFileSync(join(directory, `${id}.ndjson`), content, { mode: 0o600 });
  }
  return directory;
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
