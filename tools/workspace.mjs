// Reads the workspace once, for every check in this folder.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The scope of every package of this repository. */
export const scope = '@relaykit/';

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** A path as people write it: from the root, with forward slashes. */
export function fromRoot(path) {
  return relative(root, path).split(sep).join('/');
}

export function listFiles(directory, matches) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && matches.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Every package, and the demo, in the order of their folders. `from` may be a copy of this workspace. */
export function readWorkspace(from = root) {
  const folders = readdirSync(join(from, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(from, 'packages', entry.name, 'package.json')))
    .map((entry) => `packages/${entry.name}`)
    .sort();
  return [...folders, 'demo'].map((folder) => {
    const directory = join(from, folder);
    const manifest = readJson(join(directory, 'package.json'));
    const layer = manifest.nx?.tags?.find((tag) => tag.startsWith('layer:'))?.slice('layer:'.length);
    return { folder, directory, manifest, layer, name: manifest.name };
  });
}

/** What a TypeScript file imports: `isTypeOnly` where nothing of it is left at run time. */
export function importsOf(path) {
  const text = readFileSync(path, 'utf8');
  const { module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${fromRoot(path)}: ${errors[0].message}`);
  const found = [];
  for (const entry of module.staticImports) {
    const isTypeOnly = entry.entries.length > 0 && entry.entries.every((name) => name.isType);
    found.push({ specifier: entry.moduleRequest.value, isTypeOnly });
  }
  for (const { entries } of module.staticExports) {
    for (const name of entries) {
      if (name.moduleRequest) found.push({ specifier: name.moduleRequest.value, isTypeOnly: name.isType });
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(['"`])(?<specifier>.*)\1$/su.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal?.groups) found.push({ specifier: literal.groups.specifier, isTypeOnly: false });
  }
  return found;
}

/** `@relaykit/testing/conformance` → `@relaykit/testing`; `cli-table3/x` → `cli-table3`. */
export function packageNameOf(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Prints what was found and sets the exit code. */
export function report(check, problems) {
  for (const problem of problems) console.error(`${check}: ${problem}`);
  if (problems.length > 0) {
    console.error(`${check}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
    process.exitCode = 1;
  } else {
    console.log(`${check}: ok`);
  }
}
