// Makes each mistake of tools/mutants.mjs in a copy of the packages and requires the test it names to fail.
//   npm run test:mutants [-- 'part of a mistake' …]
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mutants } from './mutants.mjs';
import { readJson, readWorkspace, root } from './workspace.mjs';

/** A mistake may make a test hang; that is noticed, and does not count as a failed test. */
const TIMEOUT_MS = 300_000;
/** Some mistakes show in one crash of ten thousand: those get what `npm run test:crash` visits, after a shorter try. */
const SHORT_TRY = { RELAY_CRASH_STATES: '10000', RELAY_EXPORT_CRASH_STATES: '2000' };
const LONG_TRY = { RELAY_CRASH_STATES: '100000', RELAY_EXPORT_CRASH_STATES: '20000', RELAY_CRASH_DEPTH: 'full' };
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const words = process.argv.slice(2);
const wanted = mutants.filter(({ mistake }) => words.length === 0 || words.some((word) => mistake.includes(word)));

await main();

async function main() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const results = [];
  const queue = [...wanted];
  const copies = Array.from({ length: Math.min(availableParallelism(), 4, wanted.length) }, copyWorkspace);
  try {
    await requireGreen(copies[0]);
    await Promise.all(
      copies.map(async (copy) => {
        for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
          const result = await tryMutant(copy, mutant);
          console.log(`${result.padEnd(9)} ${mutant.mistake}`);
          results.push({ result, mistake: mutant.mistake, test: `${mutant.test.file}: ${mutant.test.name}` });
        }
      }),
    );
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
  const killed = results.filter(({ result }) => result === 'killed').length;
  console.log(`${killed} of ${results.length} mistakes are noticed by the test that they name`);
  for (const { result, mistake, test } of results)
    if (result !== 'killed') console.log(`${result}: ${mistake}\n  ${test}`);
  if (killed < results.length || results.length === 0) process.exitCode = 1;
}

/** The packages and what their tests need, so that no mistake ever touches the real ones. */
function copyWorkspace() {
  const copy = mkdtempSync(join(tmpdir(), 'relaykit-mutants-'));
  const skipped = new Set(['dist', 'node_modules', 'coverage', 'bench']);
  for (const folder of ['packages', 'tools']) {
    cpSync(join(root, folder), join(copy, folder), {
      recursive: true,
      filter: (path) => !skipped.has(path.slice(path.lastIndexOf('/') + 1)),
    });
  }
  for (const name of ['package.json', 'tsconfig.base.json']) cpSync(join(root, name), join(copy, name));
  const modules = join(copy, 'node_modules');
  mkdirSync(join(modules, '@relaykit'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@relaykit' && !name.startsWith('.vite'))
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  for (const { folder, name } of readWorkspace()) {
    if (name.startsWith('@relaykit/')) symlinkSync(join(copy, folder), join(modules, name));
  }
  return copy;
}

/** A test that fails without any mistake proves nothing. */
async function requireGreen(copy) {
  const tests = new Map(wanted.map(({ test }) => [`${test.project}:${test.file}:${test.name}`, test]));
  for (const test of tests.values()) {
    const state = await runTest(copy, test, SHORT_TRY);
    if (state !== 'passed') throw new Error(`${test.file} "${test.name}" must pass as it is, it is ${state}`);
  }
}

async function tryMutant(copy, { file, from, to, test }) {
  const path = join(copy, file);
  const original = readFileSync(path, 'utf8');
  const places = original.split(from).length - 1;
  if (places !== 1) return places === 0 ? 'not found' : 'ambiguous';
  writeFileSync(
    path,
    original.replace(from, () => to),
  );
  try {
    let state = await runTest(copy, test, SHORT_TRY);
    if (state === 'passed' && test.file.endsWith('crash.test.ts')) state = await runTest(copy, test, LONG_TRY);
    if (state === 'failed') return 'killed';
    return state === 'passed' ? 'SURVIVED' : state;
  } finally {
    writeFileSync(path, original);
  }
}

/** The state of the one test: `passed`, `failed`, `missing` where it did not run, `hangs`. */
async function runTest(copy, { project, file, name }, tries) {
  const pattern = `${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const cwd = join(copy, 'packages', project);
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const args = [vitest, 'run', file, '-t', pattern, '--reporter=json', `--outputFile=${report}`];
  const env = { ...process.env, ...tries };
  // In a group of its own, because a worker that hangs outlives the process that started it.
  const child = spawn(process.execPath, args, { cwd, stdio: 'ignore', env, detached: true });
  const killAll = () => process.kill(-child.pid, 'SIGKILL');
  process.once('exit', killAll);
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = true;
    killAll();
  }, TIMEOUT_MS);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  process.removeListener('exit', killAll);
  if (hangs) return 'hangs';
  if (!existsSync(report)) return 'missing';
  const found = readJson(report)
    .testResults.flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title, status }) => title === name && (status === 'passed' || status === 'failed'));
  // A title may stand for one test in each mode: one that fails is enough.
  if (found.length === 0) return 'missing';
  return found.every(({ status }) => status === 'passed') ? 'passed' : 'failed';
}
