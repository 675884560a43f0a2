// Loads every entry of every public package under the Node that runs this, by `import` and by `require`, and compares what
// they give. A warning counts as a failure: users would see it. Needs built packages, and `--preserve-symlinks`, so that Node
// finds them below node_modules, as users have them.
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { readWorkspace, report } from './workspace.mjs';

const require = createRequire(import.meta.url);
const problems = [];
let count = 0;
process.on('warning', ({ name, message }) => problems.push(`${name}: ${message}`));

for (const { name, manifest } of readWorkspace().filter(({ manifest: { private: isPrivate } }) => !isPrivate)) {
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue; // package.json
    await load(name + entry.slice(1));
  }
}
// Warnings are raised in a later turn.
await setImmediate();
console.log(`${count} entries`);
if (count === 0) problems.push('nothing was loaded');
report(`packages under Node ${process.versions.node}`, problems);

async function load(specifier) {
  count += 1;
  try {
    // `require` first: what is loaded already it would only hand out.
    const required = namesOf(require(specifier));
    const imported = namesOf(await import(specifier));
    if (imported.length === 0) problems.push(`${specifier} exports nothing`);
    if (required.join() !== imported.join())
      problems.push(`${specifier}: require gives ${required}, import ${imported}`);
  } catch (error) {
    problems.push(`${specifier}: ${error.stack}`);
  }
}

/** CommonJS sees one name more, where a module says that it is one of ECMAScript. */
function namesOf(module) {
  return Object.keys(module)
    .filter((name) => name !== '__esModule')
    .toSorted();
}
