// Goal: frames made without the platform carry the checksum that every Zstandard decoder compares.
// Method: the zstd tool, which refuses a file whose checksum does not fit.
import { execFileSync } from 'node:child_process';
import { loadZstdWasm, nativeZstd } from '@relaykit/serializer-zstd';
import { expect, it } from 'vitest';

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
    const native = nativeZstd();
    const engines = [await loadZstdWasm(), ...(native ? [native] : [])];
    for (const length of [1, 3, 4, 7, 8, 31, 32, 33, 63, 64, 100, 131_072, 131_073, 300_000]) {
      const content = Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8) * 31) & 0xff);
      const theirs = zstd(content, '--check', '-c');
      for (const engine of engines) {
        const frame = engine.compress(content, 3);
        // A copy: the platform gives a Buffer.
        const checksum = new Uint8Array(frame.slice(-4));
        expect(checksum, `${engine.name}, ${length} bytes`).toEqual(new Uint8Array(theirs.subarray(-4)));
        zstd(frame, '-t');
        const wrong = frame.slice();
        wrong[wrong.byteLength - 2] = (wrong.at(-2) ?? 0) ^ 4;
        expect(() => zstd(wrong, '-t')).toThrow(/[Cc]hecksum|corrupt/u);
      }
    }
  },
);
