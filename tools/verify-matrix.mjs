// Runs what depends on the runtime under several versions of Node, one after another, with the runtimes that npm provides:
// every test, and that each built package loads, by `import` and by `require`.
//
//   npm run verify:matrix              Node 20, 22, 24 and 26
//   npm run verify:matrix -- 24 26     these alone; 20.19.0 and other versions may be named, too
//   npm run verify:matrix -- 26 --project retry     options, from the first on, are for Vitest
//
// A table stands at the end. Ends with 1 where any runtime failed, with 2 where a version is not one.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { fromRoot, readJson, root } from './workspace.mjs';

const execute = promisify(execFile);
const shell = process.platform === 'win32';

/** The releases with long-term support that `engines` of the packages allow, and the current one. */
const defaultVersions = ['20', '22', '24', '26'];
const args = process.argv.slice(2);
const firstOption = args.findIndex((argument) => argument.startsWith('-'));
const named = firstOption === -1 ? args : args.slice(0, firstOption);
const vitestOptions = args.slice(named.length);
const versions = named.length > 0 ? named : defaultVersions;
const wrong = versions.find((version) => !/^\d+(?:\.\d+){0,2}$/u.test(version));

if (wrong === undefined) await main();
else {
  console.error(`A version of Node is wanted, such as 24 or 20.19.0, got ${JSON.stringify(wrong)}`);
  process.exitCode = 2;
}

async function main() {
  // What is loaded below, and what some tests run, is built. TypeScript makes the same of it under any Node.
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'tsconfig.build.json'];
  if (!(await runs(process.execPath, tsc, process.env))) {
    process.exitCode = 1;
    return;
  }
  const outcomes = [];
  for (const version of versions) {
    console.log(`\n=== Node ${version}`);
    outcomes.push(await outcomeOf(version));
  }
  print(outcomes);
  if (outcomes.some(({ isGreen }) => !isGreen)) process.exitCode = 1;
}

async function outcomeOf(wanted) {
  const startedMs = performance.now();
  const minutes = () => (performance.now() - startedMs) / 60_000;
  try {
    const { node, version } = await runtime(wanted);
    // Tests that look for `node` by its name find this one.
    const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
    if (!process.stdout.isTTY) env.NO_COLOR = '1';
    console.log(`${version}, ${node}`);
    const load = [join(root, 'tools/load-packages.mjs')];
    // Links are left as they are, so that Node takes the packages for installed ones.
    const hasLoaded = await runs(node, ['--preserve-symlinks', '--preserve-symlinks-main', ...load], env);
    const tests = await test(node, version, env);
    const isGreen = hasLoaded && tests.isGreen;
    return { wanted, version, hasLoaded, ...tests, isGreen, minutes: minutes() };
  } catch (error) {
    console.error(error.stderr ?? error.message);
    return { wanted, version: 'not run', isGreen: false, failures: [], minutes: minutes() };
  }
}

/** Where npm put this version; it fetches what is not in its cache. */
async function runtime(wanted) {
  const say = 'console.log(JSON.stringify({ node: process.execPath, version: process.version }))';
  const request = ['exec', '--yes', '--loglevel=error', `--package=node@${wanted}`, '--', 'node', '-e', say];
  const { stdout } = await execute('npm', request, { cwd: root, shell });
  const found = JSON.parse(stdout);
  const [major] = wanted.split('.');
  if (!found.version.startsWith(`v${major}.`)) throw new Error(`npm gave Node ${found.version} for ${wanted}`);
  return found;
}

async function test(node, version, env) {
  const report = join(root, `.cache/vitest-results-${version}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...vitestOptions];
  const isGreen = await runs(node, vitest, env);
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = readJson(report);
    const failures = testResults.flatMap(({ name, assertionResults, status, message }) => {
      const titles = assertionResults.filter((result) => result.status === 'failed').map(({ fullName }) => fullName);
      // A file that does not load has no test, and a message.
      if (titles.length === 0 && status === 'failed') titles.push(message.split('\n', 1)[0]);
      return titles.map((title) => `${fromRoot(name)}: ${title}`);
    });
    return {
      // A run without a single test proves nothing.
      isGreen: isGreen && numPassedTests > 0,
      passed: numPassedTests,
      failed: numFailedTests,
      skipped: numPendingTests + numTodoTests,
      failures,
    };
  } catch (error) {
    return { isGreen: false, failures: [`no report of the tests: ${error.message}`] };
  }
}

function print(outcomes) {
  for (const { version, failures } of outcomes) for (const failure of failures) console.log(`${version}  ${failure}`);
  const table = new Table({
    head: ['Node', 'version', 'passed', 'failed', 'skipped', 'packages load', 'minutes', ''],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'left', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const outcome of outcomes) {
    const { wanted, version, passed = '', failed = '', skipped = '', hasLoaded, minutes, isGreen } = outcome;
    const loads = hasLoaded === undefined ? '' : hasLoaded ? 'yes' : 'NO';
    table.push([wanted, version, passed, failed, skipped, loads, minutes.toFixed(1), isGreen ? 'ok' : 'FAILED']);
  }
  console.log(`\n${table.toString()}`);
}

/** @returns Whether it ended with 0. What it prints goes on. */
function runs(program, args, env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}
