// Checks package-lock.json: complete on every platform, and free of addresses.
//
// npm leaves an optional dependency that its registry cannot find out of the lock file without a word. The
// install then works on the machine that wrote the lock file, and nowhere the missing binary is needed.
import { join } from 'node:path';
import { readJson, report, root } from './workspace.mjs';

const { packages } = readJson(join(root, 'package-lock.json'));
const problems = [];

for (const [path, entry] of Object.entries(packages)) {
  if (typeof entry.resolved === 'string' && entry.resolved.includes('://')) {
    problems.push(`${path} names the address it came from; .npmrc keeps those out, so write the lock file here again`);
  }
  const isFromRegistry = path.includes('node_modules/') && !entry.link && !entry.inBundle;
  if (isFromRegistry && !entry.integrity) problems.push(`${path} has no integrity`);

  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const found = resolve(path, name);
    const isExact = /^\d/u.test(range);
    if (!found) problems.push(`${name}@${range}, an optional dependency of ${path}, is missing`);
    else if (isExact && found.version !== range)
      problems.push(`${name} is ${found.version}, but ${path} wants ${range}`);
  }
}
report('lock file', problems);

/** Finds `name` as Node would from `path`: in the nearest node_modules. */
function resolve(path, name) {
  for (let base = path; base !== ''; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const nearest = packages[`${base}/node_modules/${name}`];
    if (nearest) return nearest;
  }
  return packages[`node_modules/${name}`];
}
