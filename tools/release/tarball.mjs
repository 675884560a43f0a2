// What every tarball must be: its files, its manifest, publint, and attw.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { root } from '../workspace.mjs';

const run = promisify(execFile);

/** What packages hold below `src` that is not TypeScript. */
const otherSources = {
  'packages/cli': ['src/page/icon.svg', 'src/page/index.html', 'src/page/page.css', 'src/page/page.js'],
};

/** @returns Every path that git knows, from the root: what a release may be made of. */
export async function readTracked() {
  const { stdout } = await run('git', ['ls-files', '-z'], { cwd: root, maxBuffer: 1 << 26 });
  return new Set(stdout.split('\0'));
}

/**
 * @param item - The package, as `readWorkspace` tells it.
 * @param tarball - As `packInto` returned it.
 * @param tracked - As `readTracked` returned it.
 * @returns What is wrong with it.
 */
export async function checkTarball(item, tarball, tracked) {
  return [
    ...checkFiles(item, tarball, tracked),
    ...(await checkWithPublint(item, tarball)),
    ...(await checkWithAttw(tarball)),
  ];
}

/** npm packs whatever lies in the folders that a package names; what nobody committed on purpose must not be among it. */
export function checkFiles({ folder, manifest }, { files }, tracked) {
  const problems = [];
  const say = (problem) => problems.push(problem);
  const packed = new Set(files.map(({ path }) => path));
  const allowed =
    /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/[^/]+\.js|src\/.+\.ts|dist\/.+\.(?:js|d\.ts)(?:\.map)?)$/u;
  const forbidden = /(?:^|[/.])(?:tests?|bench|fixtures|tsbuildinfo|tsconfig)(?:[/.]|$)|vitest\.config/u;

  for (const path of packed) {
    const isKnown = allowed.test(path) || otherSources[folder]?.includes(path);
    if (!isKnown || forbidden.test(path)) say(`the tarball must not hold ${path}`);
    else if (/^(?:src|bin)\//u.test(path) && !tracked.has(`${folder}/${path}`))
      say(`the tarball must not hold ${path}, which git does not know; git add it, or remove it`);
    const output = /^dist\/(?<name>.+?)(?:\.d\.ts|\.js)(?:\.map)?$/u.exec(path)?.groups?.name;
    if (output !== undefined) {
      if (!tracked.has(`${folder}/src/${output}.ts`)) say(`${path} has no source; run npm run clean and build`);
      for (const extension of ['js', 'd.ts', 'd.ts.map', 'js.map']) {
        if (!packed.has(`dist/${output}.${extension}`)) say(`the tarball lacks dist/${output}.${extension}`);
      }
    }
    const built = /^src\/(?<name>.+)(?<!\.d)\.ts$/u.exec(path)?.groups?.name;
    if (built !== undefined && !packed.has(`dist/${built}.js`)) say(`${path} is not built; run npm run build`);
  }
  for (const path of ['package.json', 'README.md', 'LICENSE', ...targets(manifest.exports), ...targets(manifest.bin)]) {
    if (!packed.has(path.replace(/^\.\//u, ''))) say(`the tarball lacks ${path}`);
  }
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']) {
    if (manifest.scripts?.[name] !== undefined) say(`the script ${name} would run on the machines of users`);
  }
  return [...new Set(problems)];
}

/** Every file that `exports` or `bin` leads to. */
function targets(value) {
  if (typeof value === 'string') return [value];
  return Object.values(value ?? {}).flatMap(targets);
}

async function checkWithPublint({ manifest }, { path }) {
  const tarball = new Uint8Array(readFileSync(path)).buffer;
  const { messages } = await publint({ pack: { tarball }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, manifest) ?? message.code}`);
}

async function checkWithAttw({ path }) {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const args = [attw, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji', path];
  try {
    await run(process.execPath, args);
    return [];
  } catch (error) {
    return [`attw:\n${error.stdout}${error.stderr}`];
  }
}
