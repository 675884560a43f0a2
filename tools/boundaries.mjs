// Checks who may import whom: layers, project references, cycles, and system modules behind their adapters.
import { existsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import {
  fromRoot,
  importsOf,
  listFiles,
  packageNameOf,
  readJson,
  readWorkspace,
  report,
  root,
  scope,
} from './workspace.mjs';

/** Imports point from a higher rank to a lower one. */
const ranks = { contracts: 0, base: 1, storage: 2, pipeline: 3, app: 4, demo: 5 };

/** Imports inside one layer that are part of the design: the importer's name, then what it may import. */
const siblings = [
  [/^@relaykit\/serializer-[a-z]+$/u, '@relaykit/serializers'],
  [/^@relaykit\/uploader-[a-z0-9]+$/u, '@relaykit/export-queue'],
  [/^@relaykit\/cli$/u, '@relaykit/relay'],
];

/** Modules that only `files` files of `folder` may import at run time; everything else goes through an adapter. */
const adapters = [
  {
    modules: ['node:fs', 'node:fs/promises', 'fs', 'fs/promises'],
    folder: 'packages/segments/src',
    files: 1,
    // Asks of a descriptor what it is; it touches no file.
    except: ['packages/cli/src/standard-input.ts'],
  },
  { modules: ['fs-native-extensions'], folder: 'packages/segments/src', files: 1 },
];

/** Folders of programs, which may do what libraries may not. */
const programs = new Set(['demo']);

const workspace = readWorkspace();
const byName = new Map(workspace.map((item) => [item.name, item]));
const problems = [];

for (const item of workspace) {
  if (item.layer !== 'testing' && !(item.layer in ranks)) {
    problems.push(`${item.folder}/package.json has no known layer: "nx": { "tags": ["layer:..."] }`);
  }
}

checkDependencies();
checkImports();
checkAdapters();
checkReferences();
checkCycles();
report('boundaries', problems);

function internal(dependencies = {}) {
  return Object.keys(dependencies)
    .filter((name) => name.startsWith(scope))
    .sort();
}

function mayDependOn(item, target) {
  if (item.layer === 'testing') return target.layer === 'contracts';
  if (target.layer === 'testing') return false;
  if (ranks[target.layer] < ranks[item.layer]) return true;
  return siblings.some(([importer, imported]) => importer.test(item.name) && imported === target.name);
}

function checkDependencies() {
  for (const item of workspace) {
    const { dependencies, devDependencies, peerDependencies } = item.manifest;
    for (const name of internal({ ...dependencies, ...peerDependencies, ...devDependencies })) {
      const target = byName.get(name);
      const isTestDouble = target?.layer === 'testing' && item.layer !== 'contracts' && name in (devDependencies ?? {});
      if (!target) problems.push(`${item.folder}/package.json names ${name}, which is not a package here`);
      else if (!isTestDouble && !mayDependOn(item, target)) {
        problems.push(`${item.folder} (${item.layer}) must not depend on ${name} (${target.layer})`);
      }
    }
  }
}

function checkImports() {
  for (const item of workspace) {
    const { dependencies, devDependencies, peerDependencies } = item.manifest;
    const inSource = new Set(Object.keys({ ...dependencies, ...peerDependencies }));
    const inTests = new Set([...inSource, ...Object.keys(devDependencies ?? {}), item.name]);
    for (const [part, declared] of [
      ['src', inSource],
      ['test', inTests],
      ['bench', inTests],
    ]) {
      for (const path of listFiles(join(item.directory, part), /\.[cm]?tsx?$/u)) {
        for (const { specifier } of importsOf(path)) checkImport(item, part, declared, path, specifier);
      }
    }
  }
}

function checkImport(item, part, declared, path, specifier) {
  const where = fromRoot(path);
  if (specifier.startsWith('.')) {
    const target = relative(item.directory, join(path, '..', specifier));
    const isTool = part !== 'src' && fromRoot(join(path, '..', specifier)).startsWith('tools/');
    if (target.startsWith('..') && !isTool) problems.push(`${where} reaches out of its package: ${specifier}`);
    if (part === 'src' && !target.startsWith(`src${sep}`)) problems.push(`${where} reaches out of src: ${specifier}`);
    return;
  }
  const name = packageNameOf(specifier);
  if (!name.startsWith(scope)) return;
  const target = byName.get(name);
  if (!declared.has(name)) problems.push(`${where} imports ${name}, which its package.json does not name`);
  if (target && part === 'src' && !mayDependOn(item, target)) {
    problems.push(`${where}: ${item.layer} must not import ${target.layer} (${name})`);
  }
}

function checkAdapters() {
  for (const { modules, folder, files, except = [] } of adapters) {
    const allowed = [];
    for (const item of workspace.filter(({ folder: name }) => !programs.has(name))) {
      for (const path of listFiles(join(item.directory, 'src'), /\.[cm]?tsx?$/u)) {
        const isUser = importsOf(path).some((entry) => !entry.isTypeOnly && modules.includes(entry.specifier));
        if (!isUser || except.includes(fromRoot(path))) continue;
        if (fromRoot(path).startsWith(`${folder}/`)) allowed.push(fromRoot(path));
        else problems.push(`${fromRoot(path)} imports ${modules[0]}; only ${folder} may, behind its adapter`);
      }
    }
    if (allowed.length > files) {
      problems.push(`${modules[0]} is imported by ${allowed.join(' and ')}; ${files} file of ${folder} may`);
    }
  }
}

function checkReferences() {
  const solution = new Set(references(join(root, 'tsconfig.json')));
  const build = new Set(references(join(root, 'tsconfig.build.json')));
  for (const item of workspace) {
    if (!solution.has(item.folder)) problems.push(`tsconfig.json has no reference to ./${item.folder}`);
    const lib = `${item.folder}/tsconfig.lib.json`;
    const spec = `${item.folder}/tsconfig.spec.json`;
    if (!build.has(lib)) problems.push(`tsconfig.build.json has no reference to ./${lib}`);
    const { dependencies, devDependencies, peerDependencies } = item.manifest;
    const runtime = internal({ ...dependencies, ...peerDependencies });
    compare(lib, runtime.map(libOf));
    compare(spec, [lib, ...runtime.map(libOf), ...internal(devDependencies).map(libOf)]);
    compare(`${item.folder}/tsconfig.json`, [lib, spec]);
  }
}

function libOf(name) {
  return `${byName.get(name)?.folder ?? name}/tsconfig.lib.json`;
}

function compare(config, wanted) {
  const path = join(root, config);
  if (!existsSync(path)) {
    problems.push(`${config} is missing`);
    return;
  }
  const found = references(path);
  for (const name of wanted.filter((entry) => !found.includes(entry)))
    problems.push(`${config} lacks a reference to ${name}`);
  for (const name of found.filter((entry) => !wanted.includes(entry))) {
    problems.push(`${config} refers to ${name}, which package.json does not name`);
  }
}

function references(path) {
  return (readJson(path).references ?? []).map((entry) => fromRoot(join(path, '..', entry.path)));
}

function checkCycles() {
  const done = new Set();
  const visit = (name, trail) => {
    if (trail.includes(name)) {
      problems.push(`dependency cycle: ${[...trail.slice(trail.indexOf(name)), name].join(' → ')}`);
      return;
    }
    if (done.has(name)) return;
    const { dependencies, devDependencies, peerDependencies } = byName.get(name)?.manifest ?? {};
    for (const next of internal({ ...dependencies, ...devDependencies, ...peerDependencies }))
      visit(next, [...trail, name]);
    done.add(name);
  };
  for (const { name } of workspace) visit(name, []);
}
