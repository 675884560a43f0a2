// Question: what does a decision cost, and does that depend on the size of the spool? It must not.
import {
  defaultRotation,
  retainAge,
  retainAll,
  retainFileCount,
  retainFreeSpace,
  retainTotalBytes,
} from '@relaykit/rotation';
import type { ActiveSegment, Instant, RetainedSegment } from '@relaykit/types';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';

const now: Instant = { epochMs: 1_700_000_000_000, monotonicMs: 0 };
const decisions = 1_000; // one alone is shorter than the clock can tell
let seen = 0; // using every result keeps the engine from skipping the work

const bench = new Bench(benchTimes());
const rotation = defaultRotation();
const active: ActiveSegment = {
  id: 's',
  sizeBytes: 4_000_000,
  eventCount: 5_000,
  ageMs: 30_000,
  incoming: { eventCount: 500, sizeBytes: 150_000 },
};
bench.add('rotation: the three defaults', () => {
  for (let count = 0; count < decisions; count += 1) seen += rotation.shouldRotate(active, now) === undefined ? 1 : 0;
});
for (const fileCount of isSmall ? [10, 1_000] : [10, 1_000, 50_000]) {
  const spool = spoolOf(fileCount);
  const disk = { freeBytes: 1e12, totalBytes: 2e12 };
  const selectAll = (policy: ReturnType<typeof retainAll>) => {
    for (let count = 0; count < decisions; count += 1) seen += policy.select(spool, disk, now).length;
  };
  const age = retainAge(fileCount * 1_000 + 1_000);
  const within = retainAll(age, retainFileCount(fileCount), retainTotalBytes(fileCount * 4_096), retainFreeSpace(1));
  const beyond = retainAll(age, retainFileCount(fileCount - 1), retainTotalBytes(fileCount * 4_096 - 1));
  bench.add(`retention, ${fileCount} files: within its limits`, () => selectAll(within));
  bench.add(`retention, ${fileCount} files: one too many`, () => selectAll(beyond));
}
await bench.run();
printComparison(bench, { unit: 'decisions', perIteration: decisions, seen });

function spoolOf(fileCount: number) {
  const segments: RetainedSegment[] = Array.from({ length: fileCount }, (_, index) => ({
    id: String(index),
    createdAtMs: index,
    firstSequence: index,
    writerId: 'bench',
    fileExtension: 'ndjson',
    sizeBytes: 4_096,
    ageMs: (fileCount - index) * 1_000,
    isDelivered: false,
  }));
  return { fileCount, totalBytes: fileCount * 4_096, oldestFirst: () => segments };
}
