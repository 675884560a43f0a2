// Goal: keys come out of a file that is private, and no word of a key out of an error.
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readKeyFile } from '../src/key-file.ts';
import { newSpool } from './spool.ts';

const first = '01'.repeat(32);
const second = 'aBcDeF90'.repeat(8);

async function keyFile(content: string, mode = 0o600): Promise<string> {
  const path = `${dirname(await newSpool())}/key`;
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe('readKeyFile', () => {
  it('takes the first key for the current one, and leaves comments and blank lines out', async () => {
    const path = await keyFile(`# ours\n\n 2026-02\t${first} \r\n2026-01 ${second}`);
    const { current, others } = readKeyFile(path);
    expect(current).toEqual({ id: '2026-02', key: new Uint8Array(32).fill(1) });
    expect(others).toEqual([{ id: '2026-01', key: Uint8Array.from(Buffer.from(second, 'hex')) }]);
  });

  it.each([0o640, 0o604, 0o644, 0o620])('refuses a file of mode %o', async (mode) => {
    const path = await keyFile(`a ${first}\n`, mode);
    expect(() => readKeyFile(path)).toThrow(/^Others can read the key file .* chmod 600/u);
  });

  it.each([
    ['', /holds no key/u],
    [`a ${first}0`, /line 1 is no key/u],
    [`a ${first}\nb ${first.slice(1)}x`, /line 2 is no key/u],
    [`a ${first} c`, /line 1 is no key/u],
    [first, /line 1 is no key/u],
    [`_a ${first}`, /line 1: the id must be 1 to 128 characters of .*\.$/u],
    [`# ours\na ${first}\n-b ${second}`, /line 3: the id must be 1 to 128 characters/u],
    [`a ${first}\nb ${second}\n\na ${second}`, /line 4: the id must be new: the file has another key under "a"\.$/u],
    ['x'.repeat(100_000), /is no key file/u],
  ])('refuses %j without a word of it', async (content, message) => {
    const path = await keyFile(content);
    let error: unknown;
    try {
      readKeyFile(path);
    } catch (thrown) {
      error = thrown;
    }
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('0101');
  });

  it('refuses what is missing, a directory, and a link', async () => {
    const path = await keyFile(`a ${first}\n`);
    await symlink(path, `${path}.link`);
    for (const wrong of [`${path}.none`, dirname(path), `${path}.link`]) {
      expect(() => readKeyFile(wrong)).toThrow(/^Cannot read the key file .*check --key-file/u);
    }
  });
});
