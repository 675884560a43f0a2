import { createHash } from 'node:crypto';
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { handleSource, hashSource, readPieces } from '../src/handle-source.ts';

function handleOf(text: string) {
  const disk = new SimulatedDisk();
  disk.placeFile('/x', text);
  return disk.openFileSync('/x', 'read');
}
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('a range of an open file', () => {
  it('is a source of its own, and nothing outside it can be read', async () => {
    const source = handleSource(handleOf('0123456789'), 2, 6);
    expect(source.sizeBytes).toBe(4);
    expect(text(await source.read(0, 2))).toBe('23');
    expect(text(await source.read(2, 99))).toBe('45');
    expect(text(await source.read(4, 1))).toBe('');
    expect(text(await source.read(9, 1))).toBe('');
  });

  it('comes in pieces', async () => {
    const pieces: string[] = [];
    for await (const piece of readPieces(handleSource(handleOf('0123456789'), 1, 9), 3)) pieces.push(text(piece));
    expect(pieces).toEqual(['123', '456', '78']);
  });

  it('ends early where the file is shorter than it says', async () => {
    const pieces: string[] = [];
    for await (const piece of readPieces(handleSource(handleOf('01234'), 0, 9), 3)) pieces.push(text(piece));
    expect(pieces).toEqual(['012', '34']);
  });

  it('has the SHA-256 of its bytes', async () => {
    const content = 'x'.repeat(600_000);
    const expected = createHash('sha256').update(content.slice(1)).digest('hex');
    expect(await hashSource(handleSource(handleOf(content), 1, content.length))).toBe(expected);
  });
});
