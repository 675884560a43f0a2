// Goal: a file that cannot be read costs itself, with its reason, and nothing of the files beside it.
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { jsonLines, relay } from './in-process.ts';
import { newSpool, segmentFiles } from './spool.ts';

const isRoot = process.getuid?.() === 0;

/** Three segments of one event each: 0, 1, 2. Returns the path of the second, too. */
async function threeSegments(): Promise<{ spool: string; second: string }> {
  const spool = await newSpool();
  for (const n of [0, 1, 2]) await relay(['record', '--dir', spool], { stdin: `${n}\n` });
  return { spool, second: join(spool, (await segmentFiles(spool))[1] ?? '') };
}

type Obstacle = readonly [name: string, code: string, make: (path: string) => unknown];

/** What may stand in the place of a file. */
const obstacles: readonly Obstacle[] = [
  ['a symbolic link', 'ELOOP', (path) => symlink('/etc/hostname', path)],
  ['a FIFO', 'EINVAL', (path) => execFileSync('mkfifo', [path])],
  ['a directory', 'EINVAL', (path) => mkdir(path)],
  // Root reads all.
  ...(isRoot ? [] : [['a file of somebody else', 'EACCES', (path) => writeFile(path, '9\n', { mode: 0 })] as Obstacle]),
];

async function replace(path: string, [, , make]: Obstacle): Promise<void> {
  await rm(path, { force: true });
  await make(path);
}

describe('relay cat', () => {
  it.each(obstacles)('leaves out %s, and prints the segments beside it', async (...obstacle) => {
    const { spool, second } = await threeSegments();
    await replace(second, obstacle);
    const printed = await relay(['cat', '--dir', spool]);
    expect(printed).toMatchObject({ code: 8, stdout: '0\n2\n' });
    expect(printed.stderr).toMatch(
      new RegExp(`^relay: \\S+ is left out: it cannot be read: ${obstacle[1]}: .*\\n$`, 'u'),
    );
  });

  it('says so once with --follow, and follows the others', async () => {
    const { spool, second } = await threeSegments();
    await replace(second, obstacles[0] as Obstacle);
    const stop = new AbortController();
    let printed = '';
    const following = relay(['cat', '--dir', spool, '--follow'], {
      signal: stop.signal,
      onStdout: (all) => {
        printed = all;
      },
    });
    await vi.waitFor(() => expect(printed).toBe('0\n2\n'), { timeout: 30_000 });
    await relay(['record', '--dir', spool], { stdin: '3\n' });
    await vi.waitFor(() => expect(printed).toBe('0\n2\n3\n'), { timeout: 30_000 });
    stop.abort();
    const { code, stderr } = await following;
    expect(code).toBe(8);
    expect(stderr.match(/is left out/gu)).toHaveLength(1);
  });

  it.skipIf(isRoot)(
    'leaves out a segment whose metadata cannot be read (skipped for root, who reads all)',
    async () => {
      const { spool, second } = await threeSegments();
      await chmod(second.replace(/\.ndjson$/u, '.meta.json'), 0);
      for (const since of [[], ['--since', '1h']]) {
        const printed = await relay(['cat', '--dir', spool, ...since]);
        expect(printed).toMatchObject({ code: 8, stdout: '0\n2\n', stderr: expect.stringContaining('EACCES') });
      }
    },
  );
});

it('a repair describes one of two files where the metadata of both is damaged, and leaves the other alone', async () => {
  const { spool, second } = await threeSegments();
  await writeFile(`${second}.gz`, gzipSync(await readFile(second)), { mode: 0o600 });
  await writeFile(second.replace(/\.ndjson$/u, '.meta.json'), '{');
  expect(await relay(['repair', '--dir', spool])).toMatchObject({
    code: 0,
    stdout: `metadataRebuilt: ${basename(second)}: its metadata is written anew; held back\n`,
  });
  expect(await relay(['repair', '--dir', spool])).toMatchObject({ code: 0, stdout: 'Nothing was to be done.\n' });
  expect(await relay(['cat', '--dir', spool])).toMatchObject({ code: 0, stdout: '0\n1\n2\n' });
});

describe('a spool.json that is no file', () => {
  it.each(obstacles)('%s: events are printed, and a repair does what it says it would', async (...obstacle) => {
    const { spool } = await threeSegments();
    await replace(join(spool, 'spool.json'), obstacle);
    // As a person would name it: not from the root.
    const directory = relative(process.cwd(), spool);
    expect(await relay(['cat', '--dir', directory])).toMatchObject({ code: 0, stdout: '0\n1\n2\n' });
    const planned = await relay(['repair', '--dry-run', '--dir', directory]);
    const done = await relay(['repair', '--dir', directory]);
    if (obstacle[0] === 'a directory') {
      for (const { code, stderr } of [planned, done]) {
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: expect.stringMatching(/stands in its place; move it away/u),
        });
      }
      return;
    }
    for (const { code, stdout } of [planned, done]) {
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('spoolIdRestored: spool.json') });
    }
    expect(await relay(['verify', '--dir', directory])).toMatchObject({ code: 0 });
  });
});

describe('relay stat', () => {
  it('counts on where an export state is a directory', async () => {
    const { spool, second } = await threeSegments();
    await mkdir(second.replace(/\.ndjson$/u, '.export.json'));
    const shown = await relay(['stat', '--dir', spool, '--json']);
    expect(shown.code).toBe(0);
    expect(jsonLines(shown)).toMatchObject([{ pending: 3, retrying: [] }]);
  });
});

describe('relay verify', () => {
  it('names a file whose metadata is that of another one, which is missing', async () => {
    const { spool, second } = await threeSegments();
    await rename(second, second.replace(/ndjson$/u, 'json.txt'));
    const found = await relay(['verify', '--dir', spool, '--json']);
    expect(found.code).toBe(7);
    expect(jsonLines(found)).toContainEqual(
      expect.objectContaining({
        code: 'segmentMissing',
        file: basename(second).replace(/ndjson$/u, 'json.txt'),
        message: expect.stringContaining(`${basename(second)}, which is missing`),
      }),
    );
  });

  it('escapes what a terminal acts on in the names of files', async () => {
    const { spool } = await threeSegments();
    await writeFile(join(spool, 'a\u009b31m\u202eb'), '');
    const { stdout } = await relay(['verify', '--dir', spool, '--json']);
    expect(stdout).toContain('"a\\u009b31m\\u202eb"');
    expect(jsonLines({ stdout, stderr: '', code: 0 })).toContainEqual(
      expect.objectContaining({ file: 'a\u009b31m\u202eb' }),
    );
  });

  it.each(obstacles)('names %s in the place of a segment and of the ledger, and goes on', async (...obstacle) => {
    const { spool, second } = await threeSegments();
    await replace(second, obstacle);
    await replace(join(spool, 'ledger.ndjson'), obstacle);
    const [first = '', , third = ''] = await segmentFiles(spool);
    await writeFile(join(spool, third), 'x\n');
    if (!isRoot) await chmod(join(spool, first.replace(/\.ndjson$/u, '.meta.json')), 0);
    const verified = await relay(['verify', '--dir', spool, '--json']);
    const found = jsonLines(verified).map(({ code, file }) => `${code} ${file}`);
    expect(found).toContain('unreadable ledger.ndjson');
    expect(found).toContain(`unreadable ${second.slice(spool.length + 1)}`);
    expect(found).toContain(`hashDiffers ${third}`);
    if (!isRoot) expect(found).toContain(`unreadable ${first}`);
    // Nothing tells whether segments were delivered: none counts as missing.
    expect(found.join()).not.toMatch(/segmentMissing|eventsLost/u);
    expect(verified.code).toBe(7);
    await rm(join(spool, third));
    expect((await relay(['verify', '--dir', spool])).code).toBe(8);
  });
});

describe('relay bundle', () => {
  it.each(obstacles)('names %s that it leaves out, and packs the rest', async (...obstacle) => {
    const { spool, second } = await threeSegments();
    await replace(second, obstacle);
    const metadata = second.replace(/\.ndjson$/u, '.meta.json');
    await replace(metadata, obstacle);
    const output = `${spool}.tar`;
    const bundled = await relay(['bundle', '--dir', spool, '--output', output, '--with-events', '--json']);
    expect(bundled.code).toBe(8);
    const [{ leftOut, files } = {}] = jsonLines(bundled);
    const names = [second, metadata].map((path) => basename(path)).toSorted();
    expect(leftOut).toMatchObject(names.map((name) => ({ name })));
    expect(bundled.stderr.match(/^relay: \S+ is left out: it (is|cannot be read: EACCES)/gmu)).toHaveLength(2);
    expect(bundled.stderr).not.toContain('meanwhile');
    const packed = execFileSync('tar', ['tf', output], { encoding: 'utf8' }).trim().split('\n');
    expect(packed).toHaveLength(Number(files));
    expect(packed.filter((name) => names.includes(basename(name)))).toEqual([]);
    expect(packed.filter((name) => name.endsWith('.meta.json'))).toHaveLength(2);
    // Segments are not missed where they are not asked for; the list shows what is in their place.
    await rm(output);
    const without = await relay(['bundle', '--dir', spool, '--output', output]);
    expect(without.stderr.match(/is left out/gu)).toHaveLength(1);
    const listed = execFileSync('tar', ['xOf', output, 'spool/files.txt'], { encoding: 'utf8' });
    if (obstacle[1] !== 'EACCES')
      expect(listed.match(/" (a symbolic link|a directory|no regular file)$/gmu)).toHaveLength(2);
  });

  it('follows no quarantine that is a link', async () => {
    const { spool } = await threeSegments();
    const others = join(spool, '..', 'others');
    await mkdir(others);
    const { second: foreign } = await threeSegments();
    await copyFile(foreign, join(others, basename(foreign)));
    await symlink(others, join(spool, 'quarantine'));
    const output = `${spool}.tar`;
    const bundled = await relay(['bundle', '--dir', spool, '--output', output, '--with-events']);
    expect(bundled).toMatchObject({
      code: 8,
      stderr: 'relay: quarantine is left out: it is a symbolic link, not a directory\n',
    });
    const content = execFileSync('tar', ['xOf', output], { encoding: 'utf8' });
    expect(content).toContain('"quarantine" a symbolic link');
    expect(content).not.toContain(basename(foreign));
  });

  it('is made of a spool that relay stat cannot describe, and says why', async () => {
    const { spool } = await threeSegments();
    await replace(join(spool, 'ledger.ndjson'), ['', '', (path) => mkdir(path)]);
    const output = `${spool}.tar`;
    const bundled = await relay(['bundle', '--dir', spool, '--output', output]);
    expect(bundled).toMatchObject({ code: 8, stderr: 'relay: ledger.ndjson is left out: it is a directory\n' });
    const packed = (name: string) => execFileSync('tar', ['xOf', output, `spool/${name}`], { encoding: 'utf8' });
    expect(packed('stat.txt')).toMatch(/^relay stat fails: Cannot read .*ledger\.ndjson/u);
    expect(JSON.parse(packed('about.json'))).toMatchObject({ snapshotError: expect.stringContaining('EINVAL') });
  });
});
