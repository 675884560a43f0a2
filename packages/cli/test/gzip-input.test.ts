// Goal: gzip input comes out unpacked wherever its chunks were cut, other input as it is, and damage is never silent.
import { randomBytes } from 'node:crypto';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unpackInput } from '../src/gzip-input.ts';

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function unpack(bytes: Uint8Array, size = 1_000): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of unpackInput(chunks(bytes, size))) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const text = Array.from({ length: 500 }, (_, n) => `{"n":${n}}\n`).join('');
const members = Buffer.concat([gzipSync(text.slice(0, 100)), gzipSync(text.slice(100))]);

describe('unpackInput', () => {
  it.each([1, 2, 7, 100_000])('unpacks all members, in chunks of %i bytes', async (size) => {
    expect(await unpack(members, size)).toBe(text);
  });

  it.each(['', '1', '\u001f', '{"a":1}\n', text])('passes other input on as it is', async (plain) => {
    for (const size of [1, 1_000]) expect(await unpack(Buffer.from(plain), size)).toBe(plain);
  });

  it('fails at input that is cut off, damaged or followed by something else', async () => {
    const large = gzipSync(randomBytes(100_000).toString('hex'));
    const damaged = Buffer.from(large);
    damaged.fill(0xff, 50_000, 50_100);
    await expect(unpack(large.subarray(0, 60_000))).rejects.toThrow(/damaged or cut off gzip/u);
    await expect(unpack(damaged)).rejects.toThrow(/damaged or cut off gzip/u);
    await expect(unpack(Buffer.concat([members, Buffer.alloc(10)]))).rejects.toThrow(/10 bytes behind its gzip data/u);
  });

  it('gives out what stands before a cut, and all but 16 KiB of what stands before damage', async () => {
    const plain = randomBytes(400_000).toString('hex');
    const large = gzipSync(plain);
    const before = async (bytes: Uint8Array): Promise<string> => {
      const found: Uint8Array[] = [];
      const reading = (async () => {
        for await (const piece of unpackInput(chunks(bytes, 65_536))) found.push(piece);
      })();
      await expect(reading).rejects.toThrow(/damaged or cut off gzip/u);
      return Buffer.concat(found).toString();
    };
    const cut = large.subarray(0, 300_000);
    const readable = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    expect(await before(cut)).toBe(readable);
    const damaged = Buffer.from(large);
    // An end of its block, and the next block of no kind that there is.
    damaged.fill(0xff, 300_000);
    const found = await before(damaged);
    expect(plain.startsWith(found.slice(0, readable.length))).toBe(true);
    expect(found.length).toBeGreaterThan(readable.length - 16 * 1024);
  });

  it('unpacks a bomb piece by piece', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    let largest = 0;
    let bytes = 0;
    for await (const piece of unpackInput(chunks(bomb, bomb.length))) {
      largest = Math.max(largest, piece.length);
      bytes += piece.length;
    }
    expect(bytes).toBe(50_000_000);
    expect(largest).toBeLessThan(100_000);
  });

  it('passes on what the input throws', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield members.subarray(0, 20);
      throw new Error('EIO');
    }
    const reading = (async () => {
      for await (const _ of unpackInput(broken())) {
        // Read on.
      }
    })();
    await expect(reading).rejects.toMatchObject({ cause: expect.objectContaining({ message: 'EIO' }) });
  });
});

it('hears of the end of a long input once, however often it has to wait', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warn);
  const plain = randomBytes(2_000_000);
  let unpackedBytes = 0;
  for await (const piece of unpackInput(chunks(gzipSync(plain), 65_536))) {
    unpackedBytes += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.off('warning', warn);
  expect(unpackedBytes).toBe(plain.length);
  expect(warnings).toEqual([]);
});
