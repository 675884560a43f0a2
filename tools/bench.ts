// What every benchmark shares: its size, its input, and the way results are printed.
import { appendFileSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import type { Bench } from 'tinybench';

/** True in CI and wherever a benchmark must only show that it still runs: `RELAY_BENCH=small`. */
export const isSmall: boolean = process.env['RELAY_BENCH'] === 'small';

/** Time limits for `new Bench(benchTimes())`: long enough to compare, or short enough for CI. */
export function benchTimes(): { time: number; warmupTime: number; iterations: number; warmupIterations: number } {
  return isSmall
    ? { time: 20, warmupTime: 5, iterations: 2, warmupIterations: 1 }
    : { time: 1_000, warmupTime: 250, iterations: 10, warmupIterations: 5 };
}

export interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** The first `count` real flights of `vega-datasets`, repeated where there are fewer. */
export function flights(count: number): Flight[] {
  const url = new URL('../data/flights-20k.json', import.meta.resolve('vega-datasets'));
  const all = JSON.parse(readFileSync(url, 'utf8')) as Flight[];
  return Array.from({ length: count }, (_, index) => all[index % all.length] as Flight);
}

export interface ComparisonOptions {
  /** What one iteration handles, in the plural: `events`, `bytes`, `segments`. */
  readonly unit: string;
  /** How many of them one iteration handles. */
  readonly perIteration: number;
  /** Bytes one iteration handles, where a rate in MB/s says something. */
  readonly bytesPerIteration?: number;
  /** Facts worth a line under the table, such as the file system or the durability. */
  readonly [fact: string]: unknown;
}

/**
 * Prints one row per task, with its rate and its ratio to the fastest; ratios within a run are what may be compared.
 * With `RELAY_BENCH_JSON=FILE`, also appends the results to that file (relative to the root of the repository),
 * one JSON object a line.
 *
 * @throws Error when a task failed, so that a broken benchmark fails its run.
 */
export function printComparison(bench: Bench, options: ComparisonOptions): void {
  const { unit, perIteration, bytesPerIteration, ...facts } = options;
  const rows = bench.tasks.map((task) => {
    const { result } = task;
    if (result.state !== 'completed') {
      const cause = result.state === 'errored' ? result.error : undefined;
      throw new Error(`Benchmark "${task.name}" did not complete (${result.state}).`, { cause });
    }
    const { latency } = result;
    return {
      task: task.name,
      perSecond: (1_000 / latency.p50) * perIteration,
      medianMs: latency.p50,
      p99Ms: latency.p99,
      marginPercent: latency.rme,
      samples: latency.samplesCount,
    };
  });
  const fastest = Math.max(...rows.map((row) => row.perSecond));

  const head = [
    'task',
    `${unit}/s`,
    ...(bytesPerIteration ? ['MB/s'] : []),
    'ratio',
    'median ms',
    'p99 ms',
    '± %',
    'samples',
  ];
  const table = new Table({ head, style: { head: [], border: [], compact: true }, colAligns: ['left'] });
  for (const row of rows) {
    const megabytes = bytesPerIteration ? [(bytesPerIteration / row.medianMs / 1_000).toFixed(1)] : [];
    table.push([
      row.task,
      Math.round(row.perSecond).toLocaleString('en-US'),
      ...megabytes,
      (row.perSecond / fastest).toFixed(2),
      row.medianMs.toPrecision(3),
      row.p99Ms.toPrecision(3),
      row.marginPercent.toFixed(1),
      row.samples,
    ]);
  }
  console.log(table.toString());
  const extras = Object.entries(facts).map(([name, value]) => `${name}: ${String(value)}`);
  if (extras.length > 0) console.log(extras.join(', '));

  const file = process.env['RELAY_BENCH_JSON'];
  if (file) {
    const environment = { node: process.version, platform: process.platform, cpu: cpus()[0]?.model, isSmall };
    const root = fileURLToPath(new URL('..', import.meta.url));
    const source = relative(root, process.argv[1] ?? '');
    appendFileSync(
      resolve(root, file),
      `${JSON.stringify({ source, unit, perIteration, bytesPerIteration, facts, environment, rows })}\n`,
    );
  }
}
