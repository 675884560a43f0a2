// Everything CI checks, in order, each step to its end. The last line says `N passed, N failed`: every test counts,
// and every other step counts as one. A step that failed does not stop the later ones. Ends with 1 if anything failed.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

const results = '.cache/vitest-results.json';
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];

// Biome colours what it prints in CI, terminal or not.
const plain = process.stdout.isTTY ? [] : ['--', '--colors=off'];

const steps = [
  { name: 'style', command: ['npm', 'run', '--silent', 'lint:style', ...plain] },
  { name: 'layers', command: ['npm', 'run', '--silent', 'lint:layers'] },
  { name: 'unused', command: ['npm', 'run', '--silent', 'lint:unused'] },
  { name: 'lock file', command: ['npm', 'run', '--silent', 'lint:lock'] },
  { name: 'typecheck', command: ['npm', 'run', '--silent', 'typecheck'] },
  { name: 'build', command: ['npm', 'run', '--silent', 'build'] },
  { name: 'tests', command: ['npm', 'test', '--silent', '--', ...reporters], counts: readTestCounts },
  { name: 'API reference', command: ['npm', 'run', '--silent', 'docs:api'] },
  { name: 'release', command: ['npm', 'run', '--silent', 'release:dry'] },
  { name: 'installs', command: ['node', 'tools/installed-tree.mjs'] },
  { name: 'consumer', command: ['node', 'tools/consumer-tests.mjs'] },
  { name: 'examples', command: ['node', 'tools/examples.mjs'] },
  { name: 'benchmarks', command: ['npm', 'run', '--silent', 'bench'], env: { RELAY_BENCH: 'small' } },
  { name: 'comparison', command: ['npm', 'run', '--silent', 'bench:compare'], env: { RELAY_BENCH: 'small' } },
  { name: 'demo', command: ['npm', 'start', '--silent'] },
];

const total = { passed: 0, failed: 0, skipped: 0 };
const summary = [];
mkdirSync(join(root, '.cache'), { recursive: true });
rmSync(join(root, results), { force: true });

for (const step of steps) {
  console.log(`\n=== ${step.name}: ${step.command.join(' ')}`);
  const startedMs = performance.now();
  const isGreen = await run(step);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const counts = step.counts?.(isGreen) ?? { passed: Number(isGreen), failed: Number(!isGreen), skipped: 0 };
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  summary.push(`${isGreen ? 'ok    ' : 'FAILED'} ${seconds.padStart(7)} s  ${step.name}`);
}

console.log(`\n${summary.join('\n')}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);

function run({ command: [program, ...args], env }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}

/** A run that failed in any other way than by a test (a file that does not load, no report) counts as one failure more. */
function readTestCounts(isGreen) {
  try {
    const report = JSON.parse(readFileSync(join(root, results), 'utf8'));
    const failed = report.numFailedTests;
    const skipped = report.numPendingTests + report.numTodoTests;
    const isUnexplained = failed === 0 && (!isGreen || report.numPassedTests === 0);
    return { passed: report.numPassedTests, failed: failed + Number(isUnexplained), skipped };
  } catch (error) {
    console.error(`No test report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
