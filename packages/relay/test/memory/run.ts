// 1,000 rapid cycles of 10,000 events on each kind of disk: memory is flat, the bound holds, every event is accounted for.
// `npm run test:memory`; RELAY_MEMORY_CYCLES sets another number of cycles. Ends with 1 where a promise is broken.

import { runCycles, sumOf } from './cycles.ts';
import type { DiskKind } from './disk.ts';

const cycles = Number(process.env['RELAY_MEMORY_CYCLES'] ?? 1_000);
const EVENTS = 10_000;
const MAX_EVENTS = 10_000;
/** A tenth of a byte for each event. Less comes of compiled code and of the samples, and levels off in longer runs. */
const MAX_SLOPE_BYTES = 1_000;

const { gc } = globalThis;
if (gc === undefined) throw new Error('start with node --expose-gc');

for (const disk of ['healthy', 'slow', 'failing'] satisfies DiskKind[]) {
  const samples: { readonly cycle: number; readonly bytes: number }[] = [];
  const startedMs = performance.now();
  const outcome = await runCycles({
    disk,
    cycles,
    eventsPerCycle: EVENTS,
    maxEvents: MAX_EVENTS,
    onCycle: (cycle) => {
      if (cycle % 5 !== 0) return;
      gc();
      const { heapUsed, external } = process.memoryUsage();
      samples.push({ cycle, bytes: heapUsed + external });
    },
  });
  const slope = slopeOf(samples.slice(samples.length / 2));
  const { added, persisted, dropped, mostBuffered, mostBytes, failedWrites, inSpool } = outcome;
  const problems = [
    ...(Math.abs(slope) < MAX_SLOPE_BYTES ? [] : [`memory grows by ${slope.toFixed(0)} bytes a cycle`]),
    ...(mostBuffered <= MAX_EVENTS ? [] : [`${mostBuffered} events in memory`]),
    ...(added === cycles * EVENTS ? [] : [`${added} events added`]),
    ...(persisted + sumOf(dropped) === added ? [] : [`${persisted} persisted and ${sumOf(dropped)} dropped`]),
    ...(inSpool === added ? [] : [`the spool knows of ${inSpool} events, ${added} were added`]),
  ];
  const memory = samples.map(({ bytes }) => bytes / 2 ** 20);
  console.log(
    `${disk}: slope ${slope.toFixed(1)} bytes a cycle over the second half; ` +
      `${memory[0]?.toFixed(1)} MiB at first, ${Math.max(...memory).toFixed(1)} at most, ${memory.at(-1)?.toFixed(1)} at last; ` +
      `at most ${mostBuffered} events, ${mostBytes} bytes buffered; ` +
      `${added} added = ${persisted} persisted + ${sumOf(dropped)} dropped; ${failedWrites} failed writes; ` +
      `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`,
  );
  for (const problem of problems) console.error(`${disk}: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

/** Least squares. */
function slopeOf(samples: readonly { readonly cycle: number; readonly bytes: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanCycle, meanBytes] = [mean(samples.map(({ cycle }) => cycle)), mean(samples.map(({ bytes }) => bytes))];
  const covariance = samples.reduce((sum, { cycle, bytes }) => sum + (cycle - meanCycle) * (bytes - meanBytes), 0);
  return covariance / samples.reduce((sum, { cycle }) => sum + (cycle - meanCycle) ** 2, 0);
}
