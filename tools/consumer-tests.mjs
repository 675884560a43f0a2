// Runs the tests of examples/consumer-tests as a project that has nothing of this repository but packed tarballs: under
// Vitest and under node:test. Needs built packages: `npm run build`. Everything happens in a temporary directory.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installInto, packInto } from './packed.mjs';
import { readJson, report, root, scope } from './workspace.mjs';

const run = promisify(execFile);
const wanted = ['types', 'buffer', 'serializers', 'testing'].map((folder) => `${scope}${folder}`);
/** Fewer would mean that a runner skipped most of them. */
const LEAST_TESTS = 100;

const problems = [];
const scratch = mkdtempSync(join(tmpdir(), 'relaykit-consumer-'));
try {
  await install();
  const vitest = await testCount(['node_modules/vitest/vitest.mjs', 'run'], /Tests\s+(?<count>\d+) passed(?! \|)/u);
  const node = await testCount(
    ['--test', '--test-reporter=tap', 'test/all.node-test.js'],
    /^# pass (?<count>\d+)$[\s\S]*^# fail 0$/mu,
  );
  console.log(`vitest: ${vitest} tests, node:test: ${node} tests`);
  if (vitest < 2 * LEAST_TESTS) problems.push(`vitest ran ${vitest} tests, fewer than ${2 * LEAST_TESTS}`);
  if (node < LEAST_TESTS) problems.push(`node:test ran ${node} tests, fewer than ${LEAST_TESTS}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
report('consumer tests', problems);

async function install() {
  const project = join(scratch, 'project');
  cpSync(join(root, 'examples/consumer-tests'), project, { recursive: true });
  const tarballs = await packInto(scratch, wanted);
  const { vitest } = readJson(join(root, 'package.json')).devDependencies;
  await installInto(project, tarballs, { ...Object.fromEntries(wanted.map((name) => [name, '*'])), vitest });
}

/** How many tests passed; none where any failed. */
async function testCount(args, pattern) {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    NODE_OPTIONS: undefined,
    NODE_TEST_CONTEXT: undefined,
  };
  try {
    const { stdout } = await run(process.execPath, args, {
      cwd: join(scratch, 'project'),
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
    const count = pattern.exec(stdout)?.groups?.count;
    if (count === undefined) problems.push(`${args.join(' ')}: no count of tests in\n${stdout.slice(-2_000)}`);
    return Number(count ?? 0);
  } catch (error) {
    problems.push(`${args.join(' ')}:\n${`${error.stdout}${error.stderr}`.slice(-4_000)}`);
    return 0;
  }
}
