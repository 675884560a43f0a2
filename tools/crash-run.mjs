// The full crash run: scenarios and seeds over a few processes until a million crash states are checked.
//   npm run test:crash [-- states]              RELAY_CRASH_SCENARIO=name for one scenario alone
//   RELAY_CRASH='append:3:17:full' npm run test:crash     goes back to one crash and tells how it came about
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './workspace.mjs';

/** More than this would only wait for each other's memory. */
const MAX_WORKERS = 4;
/** Seeds that every scenario runs with before the states are counted again. */
const SEEDS_A_ROUND = 2;
const MIN_STATES = 1_000_000;

const worker = [
  '--conditions=@relaykit/source',
  '--import',
  'tsx',
  join(root, 'packages/disk-writer/test/crash/crash-worker.ts'),
];

if (process.env.RELAY_CRASH) {
  process.exitCode = spawnSync(process.execPath, worker, { cwd: root, stdio: 'inherit' }).status ?? 1;
} else {
  await main(Number(process.argv[2] ?? MIN_STATES));
}

async function main(wantedStates) {
  const startedMs = performance.now();
  const totals = new Map();
  const failures = [];
  let states = 0;
  for (let seed = 1; states < wantedStates && failures.length === 0; seed += SEEDS_A_ROUND) {
    await runRound(seed, (line) => {
      if (line.failure) return failures.push(line);
      states += line.states;
      const total = totals.get(line.name) ?? { states: 0, nested: 0, steps: 0 };
      for (const key of Object.keys(total)) total[key] += line[key];
      totals.set(line.name, total);
    });
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    console.log(`${states.toLocaleString('en')} crash states after ${seconds} s`);
  }
  console.table(Object.fromEntries(totals));
  for (const { name, seed, failure } of failures) console.error(`\n${name}, seed ${seed}: ${failure}`);
  const result = failures.length === 0 ? 'no promise broken' : `${failures.length} failures`;
  console.log(`${states.toLocaleString('en')} crash states recovered and checked: ${result}`);
  if (failures.length > 0 || states < wantedStates) process.exitCode = 1;
}

async function runRound(seed, onLine) {
  const workers = Math.min(availableParallelism(), MAX_WORKERS);
  await Promise.all(Array.from({ length: workers }, (_, index) => runWorker([index, workers, seed], onLine)));
}

async function runWorker([index, workers, seed], onLine) {
  const range = [index, workers, seed, seed + SEEDS_A_ROUND - 1].map(String);
  const child = spawn(process.execPath, [...worker, ...range], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line));
  const code = await ended;
  if (code !== 0 && code !== 1) throw new Error(`a crash worker ended with ${code}; 13: a scenario waits for ever`);
}
