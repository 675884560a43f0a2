// Packs the public packages, and installs their tarballs into projects that have nothing else of this repository.
// Needs built packages: `npm run build`.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readJson, root } from './workspace.mjs';

const run = promisify(execFile);
const shell = process.platform === 'win32';

/**
 * @param names - Packages to pack.
 * @param into - An existing directory for the tarballs.
 * @param from - The workspace; this one, or a copy of it.
 * @returns What `npm pack` says of each, by name, and the `path` of the tarball.
 */
export async function packInto(into, names, from = root) {
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', `--pack-destination=${into}`];
  const which = names.map((name) => `--workspace=${name}`);
  const { stdout } = await run('npm', [...args, ...which], { cwd: from, maxBuffer: 64 * 1024 * 1024, shell });
  const packed = new Map(
    Object.values(JSON.parse(stdout)).map((item) => [item.name, { ...item, path: join(into, item.filename) }]),
  );
  for (const name of names) if (!packed.has(name)) throw new Error(`npm pack made no tarball of ${name}`);
  return packed;
}

/**
 * Writes the manifest of a project and installs it. Siblings are not in any registry yet: overrides lead every request for
 * one to its tarball, those that siblings make of each other included.
 *
 * @param directory - An existing directory; its package.json is completed.
 * @param tarballs - As `packInto` returned them.
 * @param dependencies - Added to those that package.json has; tarballs of siblings by name are taken as `file:`.
 */
export async function installInto(directory, tarballs, dependencies = {}) {
  const path = join(directory, 'package.json');
  const manifest = existsSync(path) ? readJson(path) : { private: true };
  const files = Object.fromEntries([...tarballs].map(([name, tarball]) => [name, `file:${tarball.path}`]));
  const lead = (wanted = {}) =>
    Object.fromEntries(Object.entries(wanted).map(([name, range]) => [name, files[name] ?? range]));
  const all = {
    ...manifest,
    dependencies: lead({ ...manifest.dependencies, ...dependencies }),
    devDependencies: lead(manifest.devDependencies),
  };
  const direct = new Set([...Object.keys(all.dependencies), ...Object.keys(all.devDependencies)]);
  // npm refuses an override that differs from a direct dependency; `$name` repeats it.
  all.overrides = Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, direct.has(name) ? `$${name}` : file]),
  );
  writeFileSync(path, JSON.stringify(all, undefined, 2));
  if (existsSync(join(root, '.npmrc'))) cpSync(join(root, '.npmrc'), join(directory, '.npmrc'));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await run('npm', ['install', ...flags], { cwd: directory, shell });
}
