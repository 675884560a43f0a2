// A copy of the workspace as it would be released: with the versions that `changeset version` gives.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import semver from 'semver';
import { readJson, readWorkspace, root, scope } from '../workspace.mjs';

const run = promisify(execFile);
const shell = process.platform === 'win32';
const bumps = ['patch', 'minor', 'major'];

/** Copies what git would commit, and the built files, to `directory`, and versions it there. */
export async function makeVersionedCopy(directory) {
  const listed = await run('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, maxBuffer: 1 << 26 });
  for (const path of listed.stdout.split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    cpSync(join(root, path), join(directory, path));
  }
  for (const { folder } of readWorkspace()) {
    if (existsSync(join(root, folder, 'dist')))
      cpSync(join(root, folder, 'dist'), join(directory, folder, 'dist'), { recursive: true });
  }
  // The changelog names the commit that brought a changeset, so there must be one.
  const identity = ['-c', 'user.name=release', '-c', 'user.email=release@localhost', '-c', 'commit.gpgsign=false'];
  await run('git', ['init', '--quiet', '--initial-branch=main'], { cwd: directory });
  await run('git', ['add', '--all'], { cwd: directory, maxBuffer: 1 << 26 });
  await run('git', [...identity, 'commit', '--quiet', '--no-verify', '-m', 'copy'], { cwd: directory });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
  await run(process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'version'], { cwd: directory });
}

/** Brings the lock file of the copy up to date, as the release commit needs it. */
export async function updateLock(directory) {
  const flags = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...flags, '--loglevel=error'], { cwd: directory, shell });
}

/** @returns For each package the largest step that a changeset asks for; `undefined`: none does. */
export function plannedBumps() {
  const planned = new Map();
  for (const name of readdirSync(join(root, '.changeset')).filter((entry) => /^(?!README).*\.md$/u.test(entry))) {
    const [, head = ''] = /^---\n(.*?)^---$/msu.exec(readFileSync(join(root, '.changeset', name), 'utf8')) ?? [];
    for (const [, found, bump] of head.matchAll(/^['"](.+?)['"]: (patch|minor|major)$/gmu)) {
      if (bumps.indexOf(bump) > bumps.indexOf(planned.get(found))) planned.set(found, bump);
    }
  }
  return planned;
}

/** @returns What is wrong with the versions and ranges of the copy. */
export function checkVersions(directory, planned = plannedBumps()) {
  const problems = [];
  const before = new Map(readWorkspace().map(({ name, manifest }) => [name, manifest.version]));
  const copies = readWorkspace(directory).filter(({ manifest }) => !manifest.private);
  const after = new Map(copies.map(({ name, manifest }) => [name, manifest.version]));
  for (const name of planned.keys())
    if (!after.has(name)) problems.push(`a changeset names ${name}, which is no package`);
  for (const { name, directory: copy, manifest } of copies) {
    const { version } = manifest;
    const old = before.get(name);
    const bump = planned.get(name);
    if (bump !== undefined && version !== semver.inc(old, bump)) {
      problems.push(`${name} would become ${version}; its changesets ask for a ${bump} step from ${old}`);
    }
    if (semver.eq(old, '0.0.0') && bump === undefined) problems.push(`${name} was never released and has no changeset`);
    if (semver.lt(version, '0.1.0'))
      problems.push(`${name} would become ${version}; ^0.0.x pins exactly, begin at 0.1.0`);
    if (semver.gte(version, '1.0.0')) problems.push(`${name} would become ${version}; interfaces may still change`);
    if (version !== old) {
      const changelog = join(copy, 'CHANGELOG.md');
      const isTold = existsSync(changelog) && readFileSync(changelog, 'utf8').includes(`## ${version}\n`);
      if (!isTold) problems.push(`${name}: its CHANGELOG.md says nothing of ${version}`);
    }
    const { dependencies, peerDependencies, devDependencies } = manifest;
    checkRanges(name, { ...dependencies, ...peerDependencies, ...devDependencies });
  }
  for (const entry of readdirSync(join(directory, 'examples'))) {
    const path = join(directory, 'examples', entry, 'package.json');
    if (existsSync(path)) checkRanges(`examples/${entry}`, readJson(path).dependencies ?? {});
  }
  return problems;

  function checkRanges(of, ranges) {
    for (const [name, range] of Object.entries(ranges).filter(([entry]) => entry.startsWith(scope))) {
      const version = after.get(name);
      if (version === undefined) problems.push(`${of} asks for ${name}, which is not published`);
      else if (!semver.satisfies(version, range))
        problems.push(`${of} asks for ${name} ${range}, which ${version} is not`);
      else if (/^(?:[*x]|>|file:|workspace:)/u.test(range)) problems.push(`${of} asks for ${name} ${range}: too wide`);
    }
  }
}
