// Packs every public package and checks the tarball: its files, its manifest, publint, and attw.
// Needs built packages: `npm run build`. Nothing is published, and nothing is left behind.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packInto } from './packed.mjs';
import { checkTarball, readTracked } from './release/tarball.mjs';
import { readWorkspace, report } from './workspace.mjs';

const problems = [];
const packages = readWorkspace().filter(({ manifest }) => !manifest.private);
const scratch = mkdtempSync(join(tmpdir(), 'relaykit-pack-'));

try {
  const tarballs = await packInto(
    scratch,
    packages.map(({ name }) => name),
  );
  const tracked = await readTracked();
  for (const item of packages) {
    const tarball = tarballs.get(item.name);
    problems.push(...(await checkTarball(item, tarball, tracked)).map((problem) => `${item.folder}: ${problem}`));
    console.log(`${item.name}: ${tarball.files.length} files, ${tarball.size} bytes`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
report('packages', problems);
