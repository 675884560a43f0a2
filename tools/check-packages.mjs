// Packs every public package and checks the tarball: its files, its manifest, publint, and attw.
// Needs built packages: `npm run build`. Nothing is published, and nothing is left behind.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { readWorkspace, report, root } from './workspace.mjs';

const run = promisify(execFile);
const problems = [];
const packages = readWorkspace().filter(({ manifest }) => !manifest.private);
const scratch = mkdtempSync(join(tmpdir(), 'relaykit-pack-'));

try {
  for (const [item, tarball] of await pack()) {
    checkFiles(item, tarball);
    await checkWithPublint(item, tarball);
    await checkWithAttw(item, tarball);
    console.log(`${item.name}: ${tarball.files.length} files, ${tarball.size} bytes`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
report('packages', problems);

/** @returns Each package with what `npm pack` says of its tarball. */
async function pack() {
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', `--pack-destination=${scratch}`];
  const which = packages.map(({ name }) => `--workspace=${name}`);
  const shell = process.platform === 'win32';
  const { stdout } = await run('npm', [...args, ...which], { cwd: root, maxBuffer: 64 * 1024 * 1024, shell });
  const packed = JSON.parse(stdout);
  const tarballs = Array.isArray(packed) ? packed : Object.values(packed);
  return packages.map((item) => {
    const tarball = tarballs.find(({ name }) => name === item.name);
    if (!tarball) throw new Error(`npm pack made no tarball of ${item.name}`);
    return [item, tarball];
  });
}

function checkFiles({ folder, directory, manifest }, { files }) {
  const say = (problem) => problems.push(`${folder}: ${problem}`);
  const packed = new Set(files.map(({ path }) => path));
  const allowed =
    /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/[^/]+\.js|src\/.+|dist\/.+\.(?:js|d\.ts)(?:\.map)?)$/u;
  const forbidden = /(?:^|[/.])(?:tests?|bench|fixtures|tsbuildinfo|tsconfig)(?:[/.]|$)|vitest\.config/u;

  for (const path of packed) {
    if (!allowed.test(path) || forbidden.test(path)) say(`the tarball must not hold ${path}`);
    const source = /^dist\/(?<name>.+)\.js$/u.exec(path)?.groups?.name;
    if (source !== undefined) {
      if (!existsSync(join(directory, 'src', `${source}.ts`)))
        say(`${path} has no source; run npm run clean and build`);
      for (const extension of ['d.ts', 'd.ts.map', 'js.map']) {
        if (!packed.has(`dist/${source}.${extension}`)) say(`the tarball lacks dist/${source}.${extension}`);
      }
    }
    const built = /^src\/(?<name>.+)(?<!\.d)\.ts$/u.exec(path)?.groups?.name;
    if (built !== undefined && !packed.has(`dist/${built}.js`)) say(`${path} is not built; run npm run build`);
  }
  for (const path of ['package.json', 'README.md', 'LICENSE', ...targets(manifest.exports), ...targets(manifest.bin)]) {
    if (!packed.has(path.replace(/^\.\//u, ''))) say(`the tarball lacks ${path}`);
  }
}

/** Every file that `exports` or `bin` leads to. */
function targets(value) {
  if (typeof value === 'string') return [value];
  return Object.values(value ?? {}).flatMap(targets);
}

async function checkWithPublint({ folder, manifest }, { filename }) {
  const tarball = new Uint8Array(readFileSync(join(scratch, filename))).buffer;
  const { messages } = await publint({ pack: { tarball }, strict: true });
  for (const message of messages)
    problems.push(`${folder}: publint: ${formatMessage(message, manifest) ?? message.code}`);
}

async function checkWithAttw({ folder }, { filename }) {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const args = [
    attw,
    '--profile',
    'esm-only',
    '--format',
    'ascii',
    '--no-color',
    '--no-emoji',
    join(scratch, filename),
  ];
  try {
    await run(process.execPath, args);
  } catch (error) {
    problems.push(`${folder}: attw:\n${error.stdout}${error.stderr}`);
  }
}
