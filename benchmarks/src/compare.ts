// Runs every comparison and writes docs/BENCHMARKS.md, its charts and its JSON.
//
//   npm run bench:compare                       everything, full sizes; half an hour
//   npm run bench:compare -- written flush      only groups that begin like this; the others keep their last results
//   npm run bench:compare -- report             measures nothing, and writes the report of the last results anew
//   RELAY_BENCH_ROUNDS=3 npm run bench:compare  at most three rounds of each
//   RELAY_BENCH=small npm run bench:compare     small sizes, into .cache/benchmarks: that everything still runs
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.ts';
import { packageTables } from './package-tables.ts';
import { plan } from './plan.ts';
import { writeReport } from './report.ts';
import type { GroupResult, Results } from './results.ts';
import { runRounds } from './rounds.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isSmall = process.env['RELAY_BENCH'] === 'small';
const folder = join(root, isSmall ? '.cache/benchmarks' : 'docs');
const chartFolder = 'benchmarks';
const resultsPath = join(folder, chartFolder, 'results.json');

const wanted = process.argv.slice(2);
const planned = plan(isSmall, Number(process.env['RELAY_BENCH_ROUNDS'] ?? Number.POSITIVE_INFINITY));
const earlier = wanted.length > 0 ? readEarlier() : undefined;
const chosen = planned.filter(({ id }) => wanted.length === 0 || wanted.some((beginning) => id.startsWith(beginning)));
const isReportOnly = wanted[0] === 'report';
if (chosen.length === 0 && !isReportOnly)
  throw new Error(`no group begins with ${wanted.join(' or ')}; there are ${planned.map(({ id }) => id).join(', ')}`);

const fresh = new Map<string, GroupResult>();
const missing = new Set<string>();
for (const group of chosen) {
  const startedMs = performance.now();
  const samples = await runRounds(group, (name) => missing.add(name));
  const cases = group.cases.map(({ name, label }) => ({ name, label, samples: samples.get(name) ?? [] }));
  fresh.set(group.id, { ...group, cases });
  // After every group: a run that is cut off has shown something.
  write();
  console.log(`${group.id}: ${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
}
if (missing.size > 0) {
  const names = [...missing].join(', ');
  const advice = 'npm --prefix benchmarks ci installs the peers';
  if (!isSmall) throw new Error(`not installed: ${names}; ${advice}`);
  console.log(`left out, not installed: ${names}; ${advice}`);
}
if (isReportOnly) write();
console.log(`written: ${join(folder, 'BENCHMARKS.md')}`);

function write(): void {
  const groups = planned.flatMap(({ id }) => fresh.get(id) ?? earlier?.groups.find((group) => group.id === id) ?? []);
  const now = {
    measuredOn: new Date().toISOString().slice(0, 10),
    isSmall,
    machine: describeMachine(),
    versions: peerVersions(),
  };
  // Without a measurement nothing is said of this day and this machine.
  const results: Results = { ...now, ...(isReportOnly ? earlier : {}), groups };
  const { markdown, charts } = writeReport(results, chartFolder, packageTables(root));
  rmSync(join(folder, chartFolder), { recursive: true, force: true });
  mkdirSync(join(folder, chartFolder), { recursive: true });
  writeFileSync(resultsPath, `${JSON.stringify(results, roundedNumbers, 1)}\n`);
  for (const [name, svg] of charts) writeFileSync(join(folder, chartFolder, name), svg);
  writeFileSync(join(folder, 'BENCHMARKS.md'), markdown);
}

function readEarlier(): Results | undefined {
  try {
    return JSON.parse(readFileSync(resultsPath, 'utf8')) as Results;
  } catch {
    return undefined;
  }
}

function peerVersions(): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies;
}

/** Six digits are more than any of these figures means. */
function roundedNumbers(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
