// Runs every example as a project of its own, from packed tarballs, in a temporary directory: installs it, builds it where it
// has a build, and runs its tests. `node tools/examples.mjs cluster` runs one. Needs built packages: `npm run build`.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installInto, packInto } from './packed.mjs';
import { readJson, readWorkspace, report, root } from './workspace.mjs';

const run = promisify(execFile);
const shell = process.platform === 'win32';
/** Each proves its promise by several; fewer would mean that a runner skipped them. */
const LEAST_TESTS = 2;

/** By name, so that one that went is missed. The consumer tests have a runner of their own. */
const examples = ['cli-telemetry', 'cluster', 'electron-main', 'fastify-audit-log', 'nestjs-service'];
const folders = readdirSync(join(root, 'examples')).filter(
  (name) => name !== 'consumer-tests' && existsSync(join(root, 'examples', name, 'package.json')),
);
const wanted = process.argv.slice(2);
const problems = [
  ...[...wanted, ...folders]
    .filter((name) => !examples.includes(name))
    .map((name) => `${name} is not in the list of examples`),
  ...examples
    .filter((name) => !folders.includes(name))
    .map((name) => `examples/${name} went; take it off the list, too`),
];
const scratch = mkdtempSync(join(tmpdir(), 'relaykit-examples-'));
try {
  const names = readWorkspace()
    .filter(({ manifest }) => !manifest.private)
    .map(({ name }) => name);
  const tarballs = await packInto(scratch, names);
  cpSync(join(root, 'examples/shared'), join(scratch, 'shared'), { recursive: true });
  for (const name of folders) if (wanted.length === 0 || wanted.includes(name)) await tryExample(name, tarballs);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
report('examples', problems);

async function tryExample(name, tarballs) {
  const project = join(scratch, name);
  const startedMs = performance.now();
  cpSync(join(root, 'examples', name), project, {
    recursive: true,
    filter: (path) => !/[\\/](?:node_modules|dist|spool)$/u.test(path),
  });
  try {
    await installInto(project, tarballs);
    if (readJson(join(project, 'package.json')).scripts.build)
      await run('npm', ['run', 'build'], { cwd: project, shell });
    const passed = await testCount(project);
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    console.log(`${name}: ${passed} tests, ${seconds} s`);
    if (passed < LEAST_TESTS) problems.push(`${name} ran ${passed} tests, fewer than ${LEAST_TESTS}`);
  } catch (error) {
    problems.push(`${name}: ${error.message}\n${`${error.stdout ?? ''}${error.stderr ?? ''}`.slice(-6_000)}`);
  }
}

/** How many passed. A test that failed rejects, by the exit code of the runner. */
async function testCount(cwd) {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    NODE_OPTIONS: undefined,
    NODE_TEST_CONTEXT: undefined,
  };
  const { stdout } = await run('npm', ['test', '--silent'], { cwd, env, shell, maxBuffer: 64 * 1024 * 1024 });
  return Number(/^(?:# |ℹ )pass (?<count>\d+)$/mu.exec(stdout)?.groups?.count ?? 0);
}
