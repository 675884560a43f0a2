import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hashHandle, hashHandleSync } from '../src/handle-source.ts';
import { nodeFileSystem } from '../src/index.ts';
import { MAX_WHOLE_BYTES } from '../src/whole-digest.ts';

const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(sizeBytes: number, fill: number): { path: string; sha256: string } {
  const bytes = Buffer.alloc(sizeBytes, fill);
  const path = join(directory, `${sizeBytes}-${fill}`);
  writeFileSync(path, bytes);
  return { path, sha256: createHash('sha256').update(bytes).digest('hex') };
}

describe('the digest of a file', () => {
  it.for([0, 1, 300_000, MAX_WHOLE_BYTES, MAX_WHOLE_BYTES + 1])('is right for %i bytes, in both ways', async (size) => {
    const { path, sha256 } = fileOf(size, 7);
    const handle = await nodeFileSystem().openFile(path, 'read');
    expect(await hashHandle(handle, size)).toBe(sha256);
    expect(hashHandleSync(handle, size)).toBe(sha256);
    await handle.close();
  });

  it('holds no file in memory that is larger than a segment by default', async () => {
    const { path } = fileOf(MAX_WHOLE_BYTES + 1, 7);
    const handle = await nodeFileSystem().openFile(path, 'read');
    expect(await handle.sha256?.(MAX_WHOLE_BYTES + 1)).toBeUndefined();
    await handle.close();
  });

  it('does not mix files that are hashed at once', async () => {
    const files = Array.from({ length: 8 }, (_, index) => fileOf(50_000 + index, index));
    const handles = await Promise.all(files.map(({ path }) => nodeFileSystem().openFile(path, 'read')));
    const digests = await Promise.all(handles.map((handle, index) => handle.sha256?.(50_000 + index)));
    expect(digests).toEqual(files.map(({ sha256 }) => sha256));
    await Promise.all(handles.map((handle) => handle.close()));
  });

  it('is of what is there, where the file is shorter than asked for', async () => {
    const { path, sha256 } = fileOf(1_000, 9);
    const handle = await nodeFileSystem().openFile(path, 'read');
    expect(await hashHandle(handle, 2_000)).toBe(sha256);
    expect(hashHandleSync(handle, 2_000)).toBe(sha256);
    await handle.close();
  });
});
