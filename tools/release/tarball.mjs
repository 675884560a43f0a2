// What every tarball must be: its files, its manifest, publint, and attw.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { root } from '../workspace.mjs';

const run = promisify(execFile);

/**
 * @param item - The package, as `readWorkspace` tells it.
 * @param tarball - As `packInto` returned it.
 * @returns What is wrong with it.
 */
export async function checkTarball(item, tarball) {
  return [...checkFiles(item, tarball), ...(await checkWithPublint(item, tarball)), ...(await checkWithAttw(tarball))];
}

export function checkFiles({ directory, manifest }, { files }) {
  const problems = [];
  const say = (problem) => problems.push(problem);
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
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare']) {
    if (manifest.scripts?.[name] !== undefined) say(`the script ${name} would run on the machines of users`);
  }
  return problems;
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
