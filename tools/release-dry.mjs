// A release up to the last step: versions as `changeset version` gives them, tarballs as npm would get them, each checked, and
// installed alone into an empty project. Nothing is published, and nothing is left behind. Needs built packages.
//
// `--require-audit` fails where the registry gives no advisories. `--sbom FILE` keeps the bill of materials.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { installInto, packInto } from './packed.mjs';
import { checkDist } from './release/fresh-dist.mjs';
import { besides, tryReadme } from './release/readme-examples.mjs';
import { bundledBytes, checkInstalledFiles, checkSizes } from './release/sizes.mjs';
import { audit, checkInstallScripts, checkSbom, makeSbom } from './release/supply-chain.mjs';
import { checkFiles, checkTarball, readTracked } from './release/tarball.mjs';
import { checkVersions, makeVersionedCopy, updateLock } from './release/versioned-copy.mjs';
import { readJson, readWorkspace, report, root } from './workspace.mjs';

const { values } = parseArgs({ options: { 'require-audit': { type: 'boolean' }, sbom: { type: 'string' } } });
const tracked = await readTracked();
const toRelease = readWorkspace().filter(({ manifest }) => !manifest.private);
const problems = [];
const notes = [];
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'relaykit-release-')));
const copy = join(scratch, 'relaykit');
const plain = { head: [], border: [] };
const packagesTable = new Table({
  head: ['package', 'version', 'tarball', 'files', 'checks', 'ESM', 'require'],
  style: plain,
});
const entriesTable = new Table({ head: ['entry', 'minified', 'budget', 'gzipped'], style: plain });

try {
  mkdirSync(copy);
  await makeVersionedCopy(copy);
  const versionProblems = checkVersions(copy);
  await updateLock(copy);
  const packages = readWorkspace(copy).filter(({ manifest }) => !manifest.private);
  const names = packages.map(({ name }) => name);
  const tarballs = await packInto(scratch, names, copy);
  const waiting = [...packages];
  const rows = new Map();
  const work = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      try {
        rows.set(item.name, await tryPackage(item, tarballs));
      } catch (error) {
        problems.push(`${item.name}: ${error.stack}
${error.stderr ?? ''}`);
        rows.set(item.name, { row: [item.name, ...Array(6).fill('FAILED')], entries: [] });
      }
    }
  };
  await Promise.all([work(), work()]);
  for (const { name } of packages) {
    const { row, entries } = rows.get(name);
    packagesTable.push(row);
    entriesTable.push(...entries);
  }
  console.log(packagesTable.toString());
  console.log(entriesTable.toString());
  tell('versions and ranges', versionProblems);
  tell('built of these sources', await checkDist(toRelease, join(scratch, 'built')));
  tell('files in the folders', await checkFolders());
  tell('install scripts', checkInstallScripts(copy));
  await checkBill();
  await checkAdvisories();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const note of notes) console.log(`release: NOT CHECKED: ${note}`);
report('release', problems);

function tell(what, found) {
  problems.push(...found);
  console.log(`${what}: ${found.length === 0 ? 'ok' : 'FAILED'}`);
}

async function tryPackage(item, tarballs) {
  const { name, manifest } = item;
  const tarball = tarballs.get(name);
  const say = (found) => found.map((problem) => `${name}: ${problem}`);
  const project = join(scratch, 'alone', name);
  mkdirSync(project, { recursive: true });
  const { devDependencies, peerDependencies } = manifest;
  const wanted = besides(name).map((other) => [other, { ...peerDependencies, ...devDependencies }[other] ?? '*']);
  await installInto(project, tarballs, { [name]: '*', ...Object.fromEntries(wanted) });

  const files = join(project, 'node_modules', name);
  const found = say([
    ...(await checkTarball(item, tarball, tracked)),
    ...checkInstalledFiles(files, tarball.files, [scratch, root, `${homedir()}/`, 'file://']),
  ]);
  const sizes = {};
  const entries = [];
  for (const entry of Object.keys(manifest.exports).filter((path) => path !== './package.json')) {
    const specifier = join(name, entry).replaceAll('\\', '/');
    const { minified, gzipped } = await bundledBytes(project, specifier);
    sizes[entry] = minified;
    entries.push({ specifier, entry, minified, gzipped });
  }
  found.push(...checkSizes(name, tarball.size, sizes));
  const ways = await tryReadme(
    project,
    name,
    entries.map(({ specifier }) => specifier),
  );
  problems.push(...found, ...ways.esm, ...ways.require);
  const verdict = (list) => (list.length === 0 ? 'ok' : 'FAILED');
  const budget = budgetOf(name);
  return {
    row: [
      name,
      manifest.version,
      `${tarball.size} of ${budget?.packedBytes ?? '?'}`,
      tarball.files.length,
      verdict(found),
      verdict(ways.esm),
      verdict(ways.require),
    ],
    entries: entries.map((one) => [one.specifier, one.minified, budget?.entries[one.entry] ?? '?', one.gzipped]),
  };
}

/** The copy holds what git would commit; a release is packed from the folders, with what git ignores there. */
async function checkFolders() {
  const into = join(scratch, 'folders');
  mkdirSync(into);
  const tarballs = await packInto(
    into,
    toRelease.map(({ name }) => name),
  );
  return toRelease.flatMap((item) =>
    checkFiles(item, tarballs.get(item.name), tracked).map((problem) => `${item.folder}: ${problem}`),
  );
}

function budgetOf(name) {
  return readJson(join(root, 'tools/release/size-budgets.json'))[name];
}

async function checkBill() {
  const text = await makeSbom(copy, join(scratch, 'bill', 'relaykit'));
  tell(`SBOM, ${JSON.parse(text).components.length} components`, await checkSbom(copy, text));
  if (values.sbom !== undefined) writeFileSync(values.sbom, text);
}

async function checkAdvisories() {
  const { notChecked, problems: found = [] } = await audit(copy);
  if (notChecked === undefined) tell('known vulnerabilities', found);
  else if (values['require-audit']) tell('known vulnerabilities', [`npm audit: ${notChecked}`]);
  else notes.push(`known vulnerabilities: ${notChecked}; run npm audit --omit=dev where they can be had`);
}
