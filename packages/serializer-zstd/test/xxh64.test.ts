// Goal: frames made without the platform carry the checksum that every Zstandard decoder compares.
// Method: published hashes; then the zstd tool, which refuses a file whose checksum does not fit.
import { execFileSync } from 'node:child_process';
import { loadZstdWasm, nativeZstd } from '@relaykit/serializer-zstd';
import { expect, it } from 'vitest';
import { xxh64Low } from '../src/xxh64.ts';

const encoder = new TextEncoder();

// Of the test suites of python-xxhash, pierrec/xxHash and OneOfOne/xxhash.
it.each([
  ['', 0xef46db3751d8e999n],
  ['a', 0xd24ec4f1a98c6e5bn],
  ['as', 0x1c330fb2d66be179n],
  ['asd', 0x631c37ce72a97393n],
  ['asdf', 0x415872f599cea71en],
  ['abc', 0x44bc2cf5ad770999n],
  ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ['Call me Ishmael. Some years ago--never mind how long precisely-', 0x02a2e85470d6fd96n],
])('hashes %j as everybody does', (text, hash) => {
  expect(xxh64Low(encoder.encode(text))).toBe(Number(hash & 0xffff_ffffn));
});

const zstd = (input: Uint8Array, ...options: string[]): Buffer =>
  execFileSync('zstd', ['-q', ...options], { input, stdio: ['pipe', 'pipe', 'pipe'] });
const hasZstd = ((): boolean => {
  try {
    return zstd(new Uint8Array(0), '--version').byteLength > 0;
  } catch {
    return false;
  }
})();

it.skipIf(!hasZstd)(
  'gives what zstd itself appends and accepts, at every length (skipped where zstd is missing)',
  async () => {
    const engines = [await loadZstdWasm(), nativeZstd()];
    for (const length of [1, 3, 4, 7, 8, 31, 32, 33, 63, 64, 100, 131_072, 131_073, 300_000]) {
      const content = Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8) * 31) & 0xff);
      const theirs = zstd(content, '--check', '-c');
      expect(xxh64Low(content), `${length} bytes`).toBe(theirs.readUInt32LE(theirs.byteLength - 4));
      for (const engine of engines) {
        const frame = engine?.compress(content, 3);
        if (!frame) continue;
        zstd(frame, '-t');
        const wrong = frame.slice();
        wrong[wrong.byteLength - 2] = (wrong.at(-2) ?? 0) ^ 4;
        expect(() => zstd(wrong, '-t')).toThrow(/[Cc]hecksum|corrupt/u);
      }
    }
  },
);
