// What a release says of where it comes from: a bill of materials, install scripts, known vulnerabilities.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { readJson, readWorkspace } from '../workspace.mjs';
import { updateLock } from './versioned-copy.mjs';

const run = promisify(execFile);
const shell = process.platform === 'win32';

/** Third-party packages at run time whose install script was looked at, with what it does. */
const explainedInstallScripts = {};

/** Advisories that do not concern us, by their URL, with the reason. */
const explainedAdvisories = {};

/**
 * @param directory - The workspace to release.
 * @param into - An empty directory. `npm sbom --omit=dev` leaves out what one package needs at run time where another has
 *   it as a tool, so it is asked about a workspace that has the same lock file and no tools.
 * @returns The CycloneDX document of everything that runs at the users'.
 */
export async function makeSbom(directory, into) {
  const { devDependencies: _tools, ...rootManifest } = readJson(join(directory, 'package.json'));
  const published = readWorkspace(directory).filter(({ manifest }) => !manifest.private);
  const write = (folder, manifest) => {
    mkdirSync(join(into, folder), { recursive: true });
    writeFileSync(join(into, folder, 'package.json'), JSON.stringify(manifest));
  };
  write('.', { ...rootManifest, workspaces: published.map(({ folder }) => folder) });
  for (const { folder, manifest } of published) write(folder, { ...manifest, devDependencies: {} });
  cpSync(join(directory, 'package-lock.json'), join(into, 'package-lock.json'));
  cpSync(join(directory, '.npmrc'), join(into, '.npmrc'));
  await updateLock(into);
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev', '--package-lock-only'];
  const { stdout } = await run('npm', [...args, '--loglevel=error'], { cwd: into, maxBuffer: 1 << 26, shell });
  return stdout;
}

/** @returns What is wrong with it: not valid, a package that is missing, or one that nobody gets. */
export async function checkSbom(directory, text) {
  const problems = [];
  const { specVersion, components = [] } = JSON.parse(text);
  const version = Object.values(Spec.Version).find((known) => known === specVersion);
  const invalid = await new Validation.JsonStrictValidator(version).validate(text);
  if (invalid !== null)
    problems.push(`the SBOM is not valid CycloneDX ${specVersion}: ${JSON.stringify(invalid).slice(0, 500)}`);
  const found = new Set(components.map(({ purl }) => decodeURIComponent(String(purl).split('?')[0])));
  const expected = runtimePackages(directory);
  for (const purl of expected) if (!found.has(purl)) problems.push(`the SBOM lacks ${purl}`);
  for (const purl of found) if (!expected.has(purl)) problems.push(`the SBOM has ${purl}, which no user gets`);
  return problems;
}

/** Ours at their versions, and what the lock file has for them at run time. */
function runtimePackages(directory) {
  const { packages } = readJson(join(directory, 'package-lock.json'));
  const purls = new Set();
  const seen = new Set();
  const visit = (path) => {
    const entry = packages[path];
    if (seen.has(path) || entry === undefined) return;
    seen.add(path);
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    purls.add(`pkg:npm/${name}@${entry.version}`);
    for (const wanted of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...requiredPeers(entry) }))
      visit(resolve(packages, path, wanted));
  };
  for (const { folder, manifest } of readWorkspace(directory)) if (!manifest.private) visit(folder);
  return purls;
}

function requiredPeers({ peerDependencies = {}, peerDependenciesMeta = {} }) {
  return Object.fromEntries(Object.entries(peerDependencies).filter(([name]) => !peerDependenciesMeta[name]?.optional));
}

/** The place of `name` as Node would find it from `path`, links followed. */
function resolve(packages, path, name) {
  for (let base = path; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const place = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    const entry = packages[place];
    if (entry) return entry.link ? entry.resolved : place;
    if (base === '') return place;
    if (!base.includes('/node_modules/')) base = '/node_modules/';
  }
}

/** @returns Third-party packages at run time that would run a script when they are installed. */
export function checkInstallScripts(directory, explained = explainedInstallScripts) {
  const { packages } = readJson(join(directory, 'package-lock.json'));
  return Object.entries(packages)
    .filter(
      ([path, entry]) => path.includes('node_modules/') && !entry.dev && !entry.devOptional && entry.hasInstallScript,
    )
    .filter(([path]) => !(path in explained))
    .map(
      ([path]) =>
        `${path} runs a script when it is installed; look at it and say why in tools/release/supply-chain.mjs`,
    );
}

/** @returns Either `{ notChecked }` with the reason, or `{ problems }`. */
export async function audit(directory) {
  const answer = await run('npm', ['audit', '--omit=dev', '--json', '--loglevel=error'], {
    cwd: directory,
    shell,
  }).catch((error) => error);
  return judgeAudit(answer.stdout, answer.stderr);
}

export function judgeAudit(stdout, stderr, explained = explainedAdvisories) {
  let found;
  try {
    found = JSON.parse(stdout);
  } catch {
    return { notChecked: `npm audit said nothing that can be read: ${String(stderr).slice(0, 300)}` };
  }
  // Without an answer npm prints an error and no list. A list that is missing is no list that is empty.
  if (typeof found.vulnerabilities !== 'object' || found.error) {
    const reason = found.message ?? found.error?.summary ?? 'no answer';
    return { notChecked: `the registry gave no advisories (${reason})` };
  }
  const problems = [];
  for (const [name, { severity, via }] of Object.entries(found.vulnerabilities)) {
    for (const advisory of via.filter((entry) => typeof entry === 'object' && !(entry.url in explained)))
      problems.push(`${name}: ${severity}: ${advisory.title} ${advisory.url}`);
  }
  return { problems };
}
