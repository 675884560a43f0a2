// Installs each public package alone, from packed tarballs, and compares the tree with what its README promises.
// Needs built packages: `npm run build`. Everything happens in a temporary directory.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installInto, packInto } from './packed.mjs';
import { readJson, readWorkspace, report, root, scope } from './workspace.mjs';

/** What comes along from outside this repository, everything that it pulls in included. */
const thirdParty = {
  [`${scope}segments`]: ['fs-native-extensions'],
  [`${scope}serializer-gzip`]: ['fflate'],
  [`${scope}serializer-encrypted`]: ['@noble/ciphers'],
  [`${scope}serializer-zstd`]: ['xxhash-wasm'],
  [`${scope}uploader-nats`]: ['@nats-io/jetstream', '@nats-io/transport-node'],
  [`${scope}uploader-s3`]: ['aws4fetch'],
  [`${scope}cli`]: ['@bokuweb/zstd-wasm', 'cli-progress', 'cli-table3', 'commander', 'tar-stream', 'uplot'],
};

const packages = readWorkspace().filter(({ manifest }) => !manifest.private);
const byName = new Map(packages.map((item) => [item.name, item]));
const lock = readJson(join(root, 'package-lock.json')).packages;
const scratch = mkdtempSync(join(tmpdir(), 'relaykit-tree-'));
const problems = [];

try {
  const tarballs = await packInto(scratch, [...byName.keys()]);
  for (const item of packages) {
    const found = await installedTree(item, tarballs);
    const expected = expectedTree(item.name);
    for (const name of found) if (!expected.has(name)) problems.push(`${item.name} brings ${name} along`);
    for (const name of expected) if (!found.includes(name)) problems.push(`${item.name} lacks ${name}`);
    console.log(`${item.name}: ${found.filter((name) => name !== item.name).join(', ') || 'nothing else'}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
report('installed trees', problems);

/** Names of all packages in node_modules after installing this one, from tarballs of its siblings. */
async function installedTree({ name, folder }, tarballs) {
  const directory = join(scratch, 'trees', folder);
  mkdirSync(directory, { recursive: true });
  await installInto(directory, tarballs, { [name]: '*' });
  return listPackages(join(directory, 'node_modules'));
}

function listPackages(modules) {
  if (!existsSync(modules)) return [];
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => {
      if (name.startsWith('@')) return readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`);
      return [name];
    })
    .flatMap((name) => [name, ...listPackages(join(modules, name, 'node_modules'))])
    .filter((name, index, all) => all.indexOf(name) === index)
    .sort();
}

/** The package, its siblings, and the third-party packages of each with all that those depend on. */
function expectedTree(name, tree = new Set()) {
  if (tree.has(name)) return tree;
  tree.add(name);
  const ownNames = Object.keys(byName.get(name)?.manifest.dependencies ?? {}).filter((entry) => byName.has(entry));
  for (const entry of ownNames) expectedTree(entry, tree);
  for (const entry of thirdParty[name] ?? []) addLocked(entry, tree, byName.get(name)?.folder);
  return tree;
}

/** As the lock file has it; a package may have a version of its own beside the common one. */
function addLocked(name, tree, folder) {
  if (tree.has(name)) return;
  tree.add(name);
  const locked = lock[`${folder}/node_modules/${name}`] ?? lock[`node_modules/${name}`];
  const { dependencies, optionalDependencies } = locked ?? {};
  for (const entry of Object.keys({ ...dependencies, ...optionalDependencies })) addLocked(entry, tree, folder);
}
