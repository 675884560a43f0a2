// Goal: a frame whose checksums fit and whose body is no stream of its format costs itself and nothing else.
// Method: the second frame of a segment gets such a body, with the checksums that whoever places a file would make.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeMetadata, encodeMetadata } from '@relaykit/segments';
import { portableCrc32 } from '@relaykit/serializers/framed';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitCodes } from '../src/exit-codes.ts';
import { type BuiltSegment, buildSoundSpool, lineOf, type SoundSpool } from './damage/sound-spool.ts';
import { jsonLines, relay } from './in-process.ts';

const HEADER_BYTES = { gzip: 36, zstd: 32 } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-undecodable-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Gives the frame a body of 0xff, and checksums that fit. */
async function forge({ directory }: SoundSpool, { fileName, borders }: BuiltSegment, headerBytes: number, index = 1) {
  const path = join(directory, fileName);
  const bytes = await readFile(path);
  const frame = bytes.subarray(borders[index], borders[index + 1]);
  frame.fill(0xff, headerBytes);
  frame.writeUInt32LE(portableCrc32(frame.subarray(headerBytes)), headerBytes - 8);
  frame.writeUInt32LE(portableCrc32(frame.subarray(0, headerBytes - 4)), headerBytes - 4);
  await writeFile(path, bytes);
}

it.each(['gzip', 'zstd'] as const)('cat prints what stands around it, %s', async (format) => {
  const spool = await buildSoundSpool(folder, format);
  await forge(spool, spool.open, HEADER_BYTES[format]);
  const printed = await relay(['cat', '--dir', spool.directory]);
  const kept = Array.from({ length: 27 }, (_, n) => n).filter((n) => n < 21 || n > 23);
  expect(printed.stdout.trimEnd().split('\n')).toEqual(kept.map(lineOf));
  expect(printed.code).toBe(exitCodes.unsound);
  expect(printed.stderr).toContain(`${spool.open.id} is damaged at byte ${spool.open.borders[1]} (checksum)`);
});

it.each(['gzip', 'zstd'] as const)('verify names it, though hash and metadata fit, %s', async (format) => {
  const spool = await buildSoundSpool(folder, format);
  const { fileName, id, borders } = spool.first;
  await forge(spool, spool.first, HEADER_BYTES[format]);
  const sha256 = createHash('sha256')
    .update(await readFile(join(spool.directory, fileName)))
    .digest('hex');
  const metadataFile = join(spool.directory, `${id}.meta.json`);
  const metadata = decodeMetadata(await readFile(metadataFile), id);
  if (!metadata) throw new Error('no metadata');
  await writeFile(metadataFile, encodeMetadata({ ...metadata, sha256 }));
  const outcome = await relay(['verify', '--dir', spool.directory, '--json']);
  expect(outcome.code).toBe(exitCodes.unsound);
  const found = jsonLines(outcome).filter(({ severity }) => severity === 'damage');
  expect(found).toMatchObject([{ code: 'frameUndecodable', file: fileName, positionBytes: borders[1] }]);
});

it('verify names every one of several', async () => {
  const spool = await buildSoundSpool(folder, 'zstd');
  const { open } = spool;
  for (const frame of [0, 2]) await forge(spool, open, HEADER_BYTES.zstd, frame);
  const found = jsonLines(await relay(['verify', '--dir', spool.directory, '--json']));
  expect(found.filter(({ severity }) => severity === 'damage')).toMatchObject([
    { code: 'frameUndecodable', file: open.fileName, positionBytes: open.borders[0] },
    { code: 'frameUndecodable', file: open.fileName, positionBytes: open.borders[2] },
  ]);
});
