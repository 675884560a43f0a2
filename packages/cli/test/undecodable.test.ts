// Goal: a frame whose checksums fit and whose body is no stream of its format costs itself and nothing else.
// Method: the second frame of a segment gets such a body, with the checksums that whoever places a file would make.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portableCrc32 } from '@relaykit/serializers/framed';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitCodes } from '../src/exit-codes.ts';
import { type BuiltSegment, buildSoundSpool, lineOf, type SoundSpool } from './damage/sound-spool.ts';
import { relay } from './in-process.ts';

const HEADER_BYTES = { gzip: 36, zstd: 32 } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relay-undecodable-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Gives the frame a body of 0xff, and checksums that fit. */
async function forge({ directory }: SoundSpool, { fileName, borders }: BuiltSegment, headerBytes: number) {
  const path = join(directory, fileName);
  const bytes = await readFile(path);
  const frame = bytes.subarray(borders[1], borders[2]);
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
