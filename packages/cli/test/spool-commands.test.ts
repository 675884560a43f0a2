// Goal: stat, cat, bundle, doctor and rekey tell the truth of a spool in every format, and change nothing they should not.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import type { SpoolSnapshot } from '../src/spool-snapshot.ts';
import { RunningCommand } from './command.ts';
import { jsonLines, relay } from './in-process.ts';
import { TestReceiver } from './receiver.ts';
import { newSpool } from './spool.ts';

const line = (n: number): string => `{"n":${n},"exact":1.0,  "big":12345678901234567890}`;
const text = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `${line(from + index)}\n`).join('');

async function keyFile(spool: string, ...ids: readonly string[]): Promise<string> {
  const path = join(dirname(spool), `key-${ids.join('-')}`);
  await writeFile(path, ids.map((id) => `${id} ${id.charCodeAt(0).toString(16).repeat(32)}\n`).join(''), {
    mode: 0o600,
  });
  return path;
}

/** One segment in each format, a hundred events each, in this order. */
async function spoolOfEveryFormat(): Promise<{ spool: string; key: string }> {
  const spool = await newSpool();
  const key = await keyFile(spool, 'a');
  const formats = [[], ['--gzip'], ['--zstd'], ['--key-file', key], ['--zstd', '--key-file', key]];
  for (const [index, options] of formats.entries()) {
    const recorded = await relay(['record', '--dir', spool, ...options], { stdin: text(100 * index, 100) });
    expect(recorded).toMatchObject({ code: 0, stderr: 'relay: 100 lines stored in 1 segment\n' });
  }
  return { spool, key };
}

describe('relay record', () => {
  it('chooses the format by its options, and the extension tells it', async () => {
    const { spool } = await spoolOfEveryFormat();
    const listed = jsonLines<{ format: { fileExtension: string } }>(await relay(['ls', '--dir', spool, '--json']));
    expect(listed.map(({ format }) => format.fileExtension)).toEqual([
      'ndjson',
      'ndjson.gz',
      'ndjson.zst',
      'ndjson.enc',
      'ndjson.zst.enc',
    ]);
    const names = (await readdir(spool)).toSorted();
    const gzipped = names.find((name) => name.endsWith('.gz')) ?? '';
    expect(execFileSync('gzip', ['-dc', join(spool, gzipped)], { encoding: 'utf8' })).toBe(text(100, 100));
    const encrypted = names.find((name) => name.endsWith('.ndjson.enc')) ?? '';
    expect((await readFile(join(spool, encrypted))).includes('exact')).toBe(false);
  });

  it('unpacks gzip input, and refuses what is damaged with the lines before it stored', async () => {
    const spool = await newSpool();
    const packed = gzipSync(text(0, 20_000));
    expect(await relay(['record', '--dir', spool], { stdin: packed })).toMatchObject({ code: 0 });
    const cut = await relay(['record', '--dir', spool], { stdin: packed.subarray(0, packed.length - 5) });
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringMatching(/damaged or cut off gzip/u) });
    const { stdout } = await relay(['cat', '--dir', spool]);
    expect(stdout.startsWith(text(0, 20_000))).toBe(true);
  });

  it('begins another segment at a size, at an age and at a number of events', async () => {
    const spool = await newSpool();
    for (const [option, value] of [
      ['--rotate-bytes', '2k'],
      ['--rotate-age', '10ms'],
      ['--rotate-events', '25'],
    ] as const) {
      const command = new RunningCommand(['record', '--dir', spool, option, value, '--ack']);
      for (let count = 10; count <= 100; count += 10) {
        command.process.stdin.write(text(count - 10, 10));
        await command.untilStdout(`"stored":${count},`);
        if (option === '--rotate-age') await new Promise((resolve) => setTimeout(resolve, 15));
      }
      command.process.stdin.end();
      const [, segments] = /^relay: 100 lines stored in (\d+) segments$/mu.exec((await command.ended).stderr) ?? [];
      expect(Number(segments), option).toBeGreaterThan(2);
    }
    const refused = await relay(['record', '--dir', spool, '--rotate-bytes', '2G']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--rotate-bytes must be at most') });
    expect(await relay(['record', '--dir', spool, '--gzip', '--zstd'])).toMatchObject({ code: 2 });
  });

  it('refuses a key file that others can read, and writes nothing', async () => {
    const spool = await newSpool();
    const key = await keyFile(spool, 'a');
    await chmod(key, 0o644);
    const refused = await relay(['record', '--dir', spool, '--key-file', key], { stdin: text(0, 1) });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Others can read the key file') });
    await expect(stat(spool)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('relay stat', () => {
  it('accounts for every event: added is pending, delivered, quarantined, dropped and lost', async () => {
    const { spool, key } = await spoolOfEveryFormat();
    await using receiver = await TestReceiver.start(({ headers }) =>
      headers['content-encoding'] === 'gzip' ? 422 : headers['content-encoding'] === 'zstd' ? 500 : 200,
    );
    await relay(['export', '--dir', spool, '--to', receiver.url]);
    await relay(['record', '--dir', spool], { stdin: text(0, 50) });
    // Somebody deletes a segment: that is counted, too.
    const missing = (await readdir(spool)).find((name) => name.endsWith('.zst')) ?? '';
    await rm(join(spool, missing));
    expect(await relay(['repair', '--dir', spool, '--key-file', key])).toMatchObject({ code: 0 });
    const [snapshot] = jsonLines<SpoolSnapshot>(await relay(['stat', '--dir', spool, '--json']));
    if (!snapshot) throw new Error('no snapshot');
    const { added, pending, delivered, quarantined, lost, dropped } = snapshot;
    const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    expect(added).toBe(550);
    expect(added).toBe(pending + delivered + quarantined + drops + lost);
    expect(snapshot).toMatchObject({ quarantined: 100, dropped: { missing: 100 }, lost: 0, repeated: 0 });
    expect(snapshot).toMatchObject({ segments: { quarantined: 1 }, oldestPendingAt: expect.any(String) });
    const { stdout } = await relay(['stat', '--dir', spool]);
    expect(stdout).toMatch(/^added +550 +events$/mu);
    expect(stdout).toMatch(/^\+ dropped +100 +100 missing$/mu);
    expect(stdout).toMatch(/^rates +\S+ events\/s added, \S+ delivered, over \d+ s$/mu);
  });

  it('tells what is tried again, and why', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: text(0, 3) });
    await using receiver = await TestReceiver.start(() => 503);
    await relay(['export', '--dir', spool, '--to', receiver.url]);
    const { stdout } = await relay(['stat', '--dir', spool]);
    expect(stdout).toMatch(/^retrying +1 segment for \d+ s: .*503/mu);
  });
});

describe('relay cat', () => {
  it('prints the bytes of every format, in order', async () => {
    const { spool, key } = await spoolOfEveryFormat();
    const before = await readdir(spool);
    const printed = await relay(['cat', '--dir', spool, '--key-file', key]);
    expect(printed).toEqual({ code: 0, stdout: text(0, 500), stderr: '' });
    expect(await readdir(spool)).toEqual(before);
  });

  it('says what it cannot read for want of a key, and ends with 8', async () => {
    const { spool } = await spoolOfEveryFormat();
    const without = await relay(['cat', '--dir', spool]);
    expect(without).toMatchObject({ code: 8, stdout: text(0, 300) });
    expect(without.stderr.match(/is left out: .*needs --key-file/gu)).toHaveLength(2);
    const wrong = await relay(['cat', '--dir', spool, '--key-file', await keyFile(spool, 'z')]);
    expect(wrong).toMatchObject({ code: 8, stdout: text(0, 300) });
    expect(wrong.stderr.match(/the key a is missing; check --key-file/gu)).toHaveLength(2);
  });

  it('gives segment and sequence with --json', async () => {
    const { spool } = await spoolOfEveryFormat();
    const lines = (await relay(['cat', '--dir', spool, '--json'])).stdout.split('\n');
    const id = jsonLines<{ id: string }>(await relay(['ls', '--dir', spool, '--json']))[0]?.id;
    expect(lines[7]).toBe(`{"segment":"${id}","sequence":7,"event":${line(7)}}`);
  });

  it('leaves out what was sealed before and begun after', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: text(0, 1) });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await relay(['record', '--dir', spool], { stdin: text(1, 1) });
    expect((await relay(['cat', '--dir', spool, '--since', between])).stdout).toBe(text(1, 1));
    expect((await relay(['cat', '--dir', spool, '--until', between])).stdout).toBe(text(0, 1));
    expect((await relay(['cat', '--dir', spool, '--since', '1h'])).stdout).toBe(text(0, 2));
  });

  it('prints what is whole behind damage, names it, and ends with 7', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: '1\n2\n3\n' });
    const file = (await readdir(spool)).find((name) => name.endsWith('.ndjson') && name !== 'ledger.ndjson') ?? '';
    await writeFile(join(spool, file), '1\nx\n3\n');
    const printed = await relay(['cat', '--dir', spool]);
    expect(printed).toMatchObject({ code: 7, stdout: '1\n3\n' });
    expect(printed.stderr).toMatch(/^relay: \S+ is damaged at byte 2 \(syntax\); see relay verify$/mu);
  });

  it.each([[], ['--gzip'], ['--zstd', '--key-file']])(
    'follows a writer, segment after segment, %j',
    async (...format) => {
      const spool = await newSpool();
      const key = await keyFile(spool, 'a');
      const options = format.flatMap((option) => (option === '--key-file' ? [option, key] : [option]));
      const writer = new RunningCommand(['record', '--dir', spool, '--ack', '--rotate-bytes', '4k', ...options]);
      writer.process.stdin.write(text(0, 10));
      await writer.untilStdout('"stored":10');
      const stop = new AbortController();
      let printed = '';
      const following = relay(['cat', '--dir', spool, '--follow', '--key-file', key], {
        signal: stop.signal,
        onStdout: (all) => {
          printed = all;
        },
      });
      for (let count = 10; count < 200; count += 10) {
        writer.process.stdin.write(text(count, 10));
        await writer.untilStdout(`"stored":${count + 10}`);
      }
      await vi.waitFor(() => expect(printed).toBe(text(0, 200)), { timeout: 30_000 });
      writer.process.stdin.end();
      await writer.ended;
      await relay(['record', '--dir', spool], { stdin: text(200, 5) });
      await vi.waitFor(() => expect(printed).toBe(text(0, 205)), { timeout: 30_000 });
      stop.abort();
      expect(await following).toMatchObject({ code: 0, stdout: text(0, 205), stderr: '' });
    },
  );
});

describe('relay export --watch', () => {
  it('delivers what becomes ready, tries again, and ends in order at the signal', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool, '--gzip'], { stdin: text(0, 10) });
    let refusals = 1;
    await using receiver = await TestReceiver.start(() => {
      refusals -= 1;
      return refusals >= 0 ? 503 : 200;
    });
    const command = new RunningCommand(['export', '--dir', spool, '--to', receiver.url, '--watch', '--json']);
    await command.untilStdout('"eventCount":10');
    expect(command.stderr).toMatch(/is not delivered and stays: .*503/u);
    expect(receiver.deliveries[1]?.headers).toMatchObject({ 'content-encoding': 'gzip' });
    await relay(['record', '--dir', spool], { stdin: text(10, 7) });
    await command.untilStdout('"eventCount":7');
    command.process.kill('SIGTERM');
    const ended = await command.ended;
    expect(ended.signal).toBe('SIGTERM');
    expect(jsonLines({ ...ended, code: 0 }).at(-1)).toMatchObject({ segments: 2, events: 17, quarantined: 0 });
  });

  it('ends with 5 where the answer speaks of the address', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: text(0, 1) });
    await using receiver = await TestReceiver.start(() => 401);
    const ended = await relay(['export', '--dir', spool, '--to', receiver.url, '--watch']);
    expect(ended).toMatchObject({ code: 5, stderr: expect.stringMatching(/stopped: .*401.*nothing was removed/u) });
  });
});

describe('relay rekey', () => {
  it('puts everything under the new key, after which the old one is not needed', async () => {
    const { spool, key } = await spoolOfEveryFormat();
    const newKey = await keyFile(spool, 'b', 'a');
    // Segments without encryption are under no key, and whoever asks has to hear of them.
    expect(await relay(['rekey', '--dir', spool, '--key-file', newKey, '--json'])).toMatchObject({
      code: 8,
      stdout: `${JSON.stringify({ rekeyed: 2, current: 0, tried: 0, order: 0, damaged: 0, busy: 0, keyMissing: 0, unencrypted: 3 })}\n`,
    });
    const alone = await keyFile(spool, 'b');
    expect(await relay(['cat', '--dir', spool, '--key-file', alone])).toEqual({
      code: 0,
      stdout: text(0, 500),
      stderr: '',
    });
    expect(await relay(['verify', '--dir', spool, '--key-file', alone])).toMatchObject({ code: 0, stdout: 'sound\n' });
    expect(await relay(['cat', '--dir', spool, '--key-file', key])).toMatchObject({ code: 8, stdout: text(0, 300) });
    expect(jsonLines(await relay(['rekey', '--dir', spool, '--key-file', newKey, '--json']))[0]).toMatchObject({
      current: 2,
    });
  });

  it('leaves what was tried, and what has no key, and says so', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool, '--key-file', await keyFile(spool, 'a')], { stdin: text(0, 10) });
    await using receiver = await TestReceiver.start(() => 503);
    await relay(['export', '--dir', spool, '--to', receiver.url]);
    const both = await keyFile(spool, 'b', 'a');
    const tried = await relay(['rekey', '--dir', spool, '--key-file', both]);
    expect(tried.code).toBe(8);
    expect(tried.stdout).toContain('1 segment left: a delivery was tried; see --include-tried\n');
    const missing = await relay(['rekey', '--dir', spool, '--key-file', await keyFile(spool, 'c'), '--include-tried']);
    expect(missing.code).toBe(8);
    expect(missing.stderr).toMatch(/keeps its key: .* its key a is missing/u);
    expect(await relay(['rekey', '--dir', spool, '--key-file', both, '--include-tried'])).toMatchObject({ code: 0 });
  });
});

describe('relay bundle', () => {
  it('packs what describes a spool, no event and no key, for its owner alone', async () => {
    const { spool } = await spoolOfEveryFormat();
    await writeFile(join(spool, 'relay.key'), 'secret-canary', { mode: 0o600 });
    const output = join(dirname(spool), 'bundle.tar.gz');
    const made = await relay(['bundle', '--dir', spool, '--output', output, '--json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    const names = execFileSync('tar', ['tzf', output], { encoding: 'utf8' }).trim().split('\n');
    expect(names.filter((name) => name.endsWith('.meta.json'))).toHaveLength(5);
    expect(names).toEqual(expect.arrayContaining(['spool/spool.json', 'spool/about.json', 'spool/files.txt']));
    const content = execFileSync('tar', ['xzOf', output], { encoding: 'utf8' });
    expect(content).not.toMatch(/secret-canary|"exact"/u);
    expect(content).toContain('"relay.key"');
    expect(await relay(['bundle', '--dir', spool, '--output', output])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('choose a name that is free'),
    });
  });

  it('packs the segments where it is asked to', async () => {
    const { spool } = await spoolOfEveryFormat();
    const output = join(dirname(spool), 'bundle.tar');
    expect(await relay(['bundle', '--dir', spool, '--output', output, '--with-events'])).toMatchObject({ code: 0 });
    const there = join(dirname(spool), 'unpacked');
    await mkdir(there);
    execFileSync('tar', ['xf', output, '-C', there]);
    for (const name of (await readdir(spool)).filter((file) => /ndjson/u.test(file) && !file.endsWith('.json'))) {
      expect(Buffer.compare(await readFile(join(there, 'spool', name)), await readFile(join(spool, name))), name).toBe(
        0,
      );
    }
  });
});

describe('relay doctor', () => {
  it('finds nothing wrong with a spool that works, and leaves nothing behind', async () => {
    const { spool, key } = await spoolOfEveryFormat();
    const before = await readdir(spool);
    const checks = await relay(['doctor', '--dir', spool, '--key-file', key, '--json']);
    expect(checks.code).toBe(0);
    const results = jsonLines<{ check: string; status: string }>(checks);
    expect(results.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(results.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['locks', 'writing', 'clock', 'keys', 'segments', 'events']),
    );
    expect(await readdir(spool)).toEqual(before);
  });

  it.each([
    ['a directory that others may change', 'directory', async (spool: string) => chmod(spool, 0o777)],
    ['a file where the directory should be', 'directory', undefined],
  ])('fails at %s', async (_, check, spoil) => {
    const spool = await newSpool();
    if (spoil) {
      await relay(['record', '--dir', spool]);
      await spoil(spool);
    } else await writeFile(spool, '');
    const found = await relay(['doctor', '--dir', spool, '--json']);
    expect(found.code).toBe(7);
    expect(jsonLines(found)).toEqual(expect.arrayContaining([expect.objectContaining({ check, status: 'fail' })]));
  });

  it('fails at a link, and at keys that others can read', async () => {
    const { spool, key } = await spoolOfEveryFormat();
    const link = join(dirname(spool), 'link');
    await symlink(spool, link);
    expect(await relay(['doctor', '--dir', link])).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/fail +directory +a symbolic link/u),
    });
    await chmod(key, 0o640);
    expect(await relay(['doctor', '--dir', spool, '--key-file', key])).toMatchObject({ code: 7 });
  });

  it.each([
    ['is empty', (path: string) => writeFile(path, ''), /lost bytes \(\S+: 0 bytes of \d+\); relay repair/u],
    [
      'is empty and without metadata',
      async (path: string) => {
        await writeFile(path, '');
        await rm(path.replace(/ndjson$/u, 'meta.json'));
      },
      /lost bytes \(\S+: it is empty\)/u,
    ],
    ['lost its last byte', async (path: string) => truncate(path, (await stat(path)).size - 1), /lost bytes/u],
    [
      'is a link',
      async (path: string) => {
        await rm(path);
        await symlink('/etc/hostname', path);
      },
      /1 segment cannot be read \(\S+: .+\); see what stands there/u,
    ],
    [
      'is a FIFO',
      async (path: string) => {
        await rm(path);
        execFileSync('mkfifo', [path]);
      },
      /1 segment cannot be read \(\S+: .+\); see what stands there/u,
    ],
  ])('fails at a segment that %s', async (_, spoil, message) => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: text(0, 2) });
    await relay(['record', '--dir', spool], { stdin: text(2, 2) });
    const file = (await readdir(spool)).find((name) => /^\d.*\.ndjson$/u.test(name)) ?? '';
    await spoil(join(spool, file));
    const found = await relay(['doctor', '--dir', spool, '--json']);
    expect(found.code).toBe(7);
    const checks = jsonLines<{ check: string; message: string }>(found);
    expect(checks.find(({ check }) => check === 'segments')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(message),
    });
    expect(checks.find(({ check }) => check === 'segments')?.message).toContain(file);
  });

  it('warns of names from the future, of a dead writer, and of what is set aside', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: text(0, 2) });
    await writeFile(join(spool, '29991231T000000000Z-000000000000-aaaaaaaaaa.ndjson.open'), '1\n', { mode: 0o644 });
    const { code, stdout } = await relay(['doctor', '--dir', spool]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^warn +clock +the newest segment is named \d+ h/mu);
    expect(stdout).toMatch(/^warn +writers +0 segments being written; 1 file of writers that died/mu);
    expect(stdout).toMatch(/^warn +files +1 file that others may read/mu);
  });
});

describe('relay repair --release-held', () => {
  it('lets go what a damaged plain segment was held back for', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: '1\n2\n3\n' });
    const file = (await readdir(spool)).find((name) => name.endsWith('.ndjson') && name !== 'ledger.ndjson') ?? '';
    await writeFile(join(spool, file), '1\nx\n3\n');
    expect((await relay(['repair', '--dir', spool])).stdout).toMatch(/2 whole events are in \S+ now, held back/u);
    await using receiver = await TestReceiver.start();
    expect(await relay(['export', '--dir', spool, '--to', receiver.url])).toMatchObject({ code: 4 });
    expect((await relay(['repair', '--dir', spool, '--release-held'])).stdout).toMatch(/^released: /mu);
    expect(await relay(['export', '--dir', spool, '--to', receiver.url])).toMatchObject({ code: 0 });
    expect(receiver.bytes.toString()).toBe('1\n3\n');
  });
});
