// Goal: docs/FORMAT.md is enough to write a reader from. docs/reader/relay_reader.py is one: Python, no library of ours.
// Method: let it read every golden spool, and compare events, damage and accounts with what our own reader says.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accountForSpool, readSpool, Spool } from '@relaykit/segments';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import { afterEach, describe, expect, it } from 'vitest';

const reader = fileURLToPath(new URL('../../../docs/reader/relay_reader.py', import.meta.url));
const golden = fileURLToPath(new URL('../../segments/test/fixtures/format-v1', import.meta.url));
const gzipFixture = new URL('../../serializer-gzip/test/fixtures/format-v1-native.ndjson.gz', import.meta.url);
const ID = '20261122T164000000Z-000000000000-k3f9q2m4xa';

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn('python3 is not installed: the reader in Python is not tested here.');

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function copyOf(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'relay-python-'));
  directories.push(directory);
  cpSync(join(golden, name), directory, { recursive: true });
  chmodSync(directory, 0o700);
  return directory;
}

/** A spool with one unfinished file in it. */
function spoolWith(fileName: string, content: Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), 'relay-python-'));
  directories.push(directory);
  cpSync(join(golden, 'example', 'spool.json'), join(directory, 'spool.json'));
  writeFileSync(join(directory, fileName), content);
  return directory;
}

function readWithPython(directory: string): Record<string, unknown> {
  const { status, stdout, stderr } = spawnSync('python3', [reader, directory], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function readWithOurs(directory: string): Promise<Record<string, unknown>> {
  const json = new JSONEventSerializer<unknown>();
  const events: unknown[] = [];
  const damage: unknown[] = [];
  const onDamage = ({ facts }: { readonly facts: Readonly<Record<string, unknown>> }) =>
    damage.push({ segmentId: facts['segmentId'], positionBytes: facts['positionBytes'] });
  const serializers = [json, new GzipSerializer(json)];
  for await (const event of readSpool(directory, { serializers, onDamage })) events.push(event);
  const spool = Spool.openSync({ directory });
  return { formatVersion: 1, spoolId: spool.spoolId, events, damage, accounts: await accountForSpool(spool) };
}

describe.skipIf(!hasPython)('the reader in Python (needs python3)', () => {
  it.each(readdirSync(golden))('reads the golden spool %s as we do, and writes nothing', async (name) => {
    const directory = copyOf(name);
    const before = readdirSync(directory, { recursive: true });
    const found = readWithPython(directory);
    expect(readdirSync(directory, { recursive: true })).toEqual(before);
    expect(found).toEqual({ ...(await readWithOurs(directory)), skipped: [] });
  });

  it('reads gzip members, whole, torn and damaged', async () => {
    const bytes = readFileSync(gzipFixture);
    const twice = Buffer.concat([bytes, bytes]);
    const damaged = Buffer.from(twice);
    damaged[50] = (damaged[50] ?? 0) ^ 1;
    const headless = Buffer.from(twice);
    headless[17] = (headless[17] ?? 0) ^ 1;
    const counts: number[] = [];
    for (const content of [twice, twice.subarray(0, -3), damaged, headless]) {
      const directory = spoolWith(`${ID}.ndjson.gz.open`, content);
      const found = readWithPython(directory);
      expect(found).toEqual({ ...(await readWithOurs(directory)), skipped: [] });
      counts.push((found['events'] as unknown[]).length);
    }
    expect(counts).toEqual([6, 5, 4, 4]);
  });

  it.each([
    ['ndjson.zst', 'Zstandard'],
    ['ndjson.gz.enc', 'encrypted'],
    ['csv', 'not known'],
  ])('says that it cannot read .%s', (extension, why) => {
    const directory = spoolWith(`${ID}.${extension}.open`, Buffer.from('x'));
    expect(readWithPython(directory)).toMatchObject({
      events: [],
      skipped: [{ segmentId: ID, why: expect.stringContaining(why) }],
      accounts: { unsealedFiles: 1 },
    });
  });

  it('leaves out what somebody made of a segment beside it', async () => {
    const directory = copyOf('sealed');
    cpSync(gzipFixture, join(directory, `${ID}.ndjson.gz`));
    const found = readWithPython(directory);
    expect(found).toEqual({ ...(await readWithOurs(directory)), skipped: [] });
    expect(found['events']).toHaveLength(6);
  });

  it('tells by the hash that a sealed file is not what was sealed', () => {
    const directory = copyOf('sealed');
    const path = join(directory, `${ID}.ndjson`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('signed-in', 'signed-on'));
    expect(readWithPython(directory)).toMatchObject({ damage: [{ segmentId: ID, positionBytes: null }] });
  });

  it('refuses a format version that it does not know', () => {
    const directory = copyOf('sealed');
    writeFileSync(join(directory, 'spool.json'), '{"formatVersion":2,"spoolId":"x"}\n');
    const { status, stderr } = spawnSync('python3', [reader, directory], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('format version 2') });
  });
});
