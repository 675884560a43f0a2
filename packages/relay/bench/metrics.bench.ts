// Question: what does a pipeline cost with metrics, beside the same without? The promise is 3 %.
// Each is measured in processes of its own, in turn: of two relays in one process the second is slower by itself. What is
// compared is time on the processor, which neighbours disturb less than the time that passes: the least that any process of
// either kind needed for a round, and the median of what each of them needed at least.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRelay, DiskWriterMetricsCollector } from '@relaykit/relay';
import { type Flight, flights, isSmall } from '../../../tools/bench.ts';

const BATCH = 500;
const ROUNDS = isSmall ? 2 : 40;
const PROCESSES = isSmall ? 1 : 5;

const [mode] = process.argv.slice(2);
if (mode === undefined) compare();
else console.log(await leastMsOf(mode));

async function leastMsOf(what: string): Promise<number> {
  const events = flights(isSmall ? BATCH : 20_000);
  const directory = mkdtempSync(join(tmpdir(), 'relay-bench-'));
  const metrics = new DiskWriterMetricsCollector();
  const relay = createRelay<Flight>({ directory, ...(what === 'on' ? { metrics } : {}) });
  let leastMs = Number.POSITIVE_INFINITY;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = process.cpuUsage();
      for (const [index, event] of events.entries()) {
        if (relay.add(event).status !== 'added') throw new Error(`event ${index} was not added`);
        if ((index + 1) % BATCH === 0) await relay.flush();
      }
      const { user, system } = process.cpuUsage(started);
      leastMs = Math.min(leastMs, (user + system) / 1_000);
    }
    const written = metrics.snapshot().metrics.find(({ name }) => name === 'relaykit.events.written')?.points[0];
    const expected = what === 'on' ? ROUNDS * events.length : 0;
    if (written === undefined || !('value' in written) || written.value !== expected) throw new Error('miscounted');
  } finally {
    await relay.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return leastMs / events.length;
}

/** What the collector does for a flush, alone. */
function nanosecondsToCount(): number {
  const flushes = isSmall ? 1_000 : 1_000_000;
  const instruments = new DiskWriterMetricsCollector().attachWriter({
    spool: () => undefined,
    forget: () => undefined,
  });
  const started = process.cpuUsage();
  for (let flush = 0; flush < flushes; flush += 1) {
    const durationMs = performance.now() % 3;
    instruments.flushed({ eventCount: BATCH, sizeBytes: 50_000, segmentId: 'a', durationMs, durability: 'written' });
  }
  const { user, system } = process.cpuUsage(started);
  return ((user + system) * 1_000) / flushes;
}

function compare(): void {
  const times = { off: [] as number[], on: [] as number[] };
  for (let turn = 0; turn < PROCESSES; turn += 1) {
    for (const what of turn % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
      const args = ['--import', 'tsx', fileURLToPath(import.meta.url), what];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      times[what].push(Number(stdout));
    }
  }
  const median = (values: number[]): number =>
    values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
  const perSecond = (ms: number): string => Math.round(1_000 / ms).toLocaleString('en-US');
  for (const [what, values] of Object.entries(times))
    console.log(`${what}: ${perSecond(Math.min(...values))} events/s`);
  const ratios = [Math.min(...times.on) / Math.min(...times.off), median(times.on) / median(times.off)];
  // Noise is larger than the difference on most machines; this says what the difference is made of.
  const flushNs = median(times.off) * BATCH * 1e6;
  const countNs = nanosecondsToCount();
  const share = ((countNs / flushNs) * 100).toFixed(3);
  console.log(`counting a flush: ${countNs.toFixed(0)} ns, ${share} % of adding and flushing ${BATCH} events`);
  console.log(`on / off: ${ratios[0]?.toFixed(3)} at best, ${ratios[1]?.toFixed(3)} in the median`);
}
