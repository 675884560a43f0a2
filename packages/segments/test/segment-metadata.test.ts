import { createHash } from 'node:crypto';
import type { SegmentMetadata } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { decodeMetadata, encodeMetadata, MAX_METADATA_BYTES } from '../src/index.ts';
import { idOf, serializer, WRITER } from './scene.ts';

const metadata: SegmentMetadata = {
  formatVersion: 1,
  id: idOf({ first: 5 }),
  spoolId: 'ab'.repeat(16),
  writerId: WRITER,
  firstSequence: 5,
  eventCount: 3,
  bytes: 24,
  sha256: '0f'.repeat(32),
  format: { ...serializer.format, contentEncoding: 'gzip' },
  createdAt: '2026-01-01T00:00:00.005Z',
  sealedAt: '2026-01-01T00:00:01.000Z',
  sealReason: 'bytes',
  exportReady: false,
  heldReason: 'metadataLost',
  supersedes: idOf(),
  continuedIn: idOf({ first: 8 }),
  keyId: 'k1',
};
const decode = (value: unknown): unknown =>
  decodeMetadata(new TextEncoder().encode(JSON.stringify(value)), metadata.id);

describe('metadata', () => {
  it('is JSON for people, with a final newline, and read as it was written', () => {
    const bytes = encodeMetadata({ ...metadata, heldReason: 'Zustimmung fehlt – §' });
    const text = new TextDecoder().decode(bytes);
    // By the words of docs/FORMAT.md: of the bytes in front of the comma before the last member.
    const checked = text.slice(0, text.lastIndexOf(','));
    const checksum = createHash('sha256').update(checked).digest('hex');
    const shown = { ...metadata, heldReason: 'Zustimmung fehlt – §', checksum };
    expect(text).toBe(`${JSON.stringify(shown, undefined, 2)}\n`);
    const { checksum: _, ...read } = shown;
    expect(decodeMetadata(bytes, metadata.id)).toEqual(read);
  });

  it('is none with any one letter or digit changed', () => {
    const bytes = encodeMetadata(metadata);
    const text = new TextDecoder().decode(bytes);
    const members = text.slice(0, text.lastIndexOf(',')).length;
    const accepted: string[] = [];
    for (let position = 0; position < bytes.length; position += 1) {
      const changed = bytes.slice();
      changed[position] = (changed[position] ?? 0) ^ 1;
      const read = decodeMetadata(changed, metadata.id);
      if (!read) continue;
      // Without its name the checksum is a member that nobody knows; what it is of is as it was.
      expect(position).toBeGreaterThan(members);
      expect(read).toMatchObject(metadata);
      accepted.push(text[position] ?? '');
    }
    expect(accepted.join('')).toBe('checksum');
  });

  it('is read without a checksum, as it was written before there were any', () => {
    expect(decode(metadata)).toEqual(metadata);
    expect(decode({ ...metadata, checksum: '0'.repeat(64) })).toBeUndefined();
    expect(decode({ ...metadata, checksum: 7 })).toBeUndefined();
  });

  it('keeps members that it does not know', () => {
    expect(decode({ ...metadata, later: { x: 1 } })).toEqual({ ...metadata, later: { x: 1 } });
  });

  it.for(['heldReason', 'supersedes', 'continuedIn', 'keyId'])('does without %s', (member) => {
    const { [member as 'keyId']: _, ...rest } = metadata;
    expect(decode(rest)).toEqual(rest);
  });

  it.for<[string, unknown]>([
    ['formatVersion', 2],
    ['id', idOf({ first: 6 })],
    ['id', 7],
    ['spoolId', 7],
    ['writerId', 'bbbbbbbbbb'],
    ['firstSequence', 6],
    ['firstSequence', '5'],
    ['eventCount', -1],
    ['eventCount', 0.5],
    ['bytes', 2 ** 60],
    ['sha256', 'x'.repeat(64)],
    ['sha256', undefined],
    ['format', undefined],
    ['format', []],
    ['format', { ...metadata.format, name: 7 }],
    ['format', { ...metadata.format, fileExtension: '../x' }],
    ['format', { ...metadata.format, contentEncoding: 7 }],
    ['createdAt', 7],
    ['sealedAt', null],
    ['sealReason', 7],
    ['exportReady', 'yes'],
    ['heldReason', 7],
    ['supersedes', '../x'],
    ['supersedes', 7],
    ['continuedIn', '../x'],
    ['continuedIn', ''],
    ['keyId', 7],
  ])('is none with %s %j', ([member, value]) => {
    expect(decode(metadata)).toBeDefined();
    expect(decode({ ...metadata, [member]: value })).toBeUndefined();
  });

  it('is none of an id that is none', () => {
    const bytes = encodeMetadata({ ...metadata, id: '../x' });
    expect(decodeMetadata(bytes, '../x')).toBeUndefined();
  });

  it.for(['', '\0', '{', '[]', 'null', '7', '"x"'])('is none where the file holds %j', (text) => {
    expect(decodeMetadata(new TextEncoder().encode(text), metadata.id)).toBeUndefined();
  });

  it('is none that is no UTF-8, or too large', () => {
    const bytes = encodeMetadata(metadata);
    const broken = bytes.slice();
    broken[broken.indexOf(0x6b)] = 0xff;
    expect(decodeMetadata(broken, metadata.id)).toBeUndefined();
    const padded = (size: number) => Uint8Array.from({ length: size }, (_, index) => bytes[index] ?? 0x20);
    expect(decodeMetadata(padded(MAX_METADATA_BYTES), metadata.id)).toEqual(metadata);
    expect(decodeMetadata(padded(MAX_METADATA_BYTES + 1), metadata.id)).toBeUndefined();
  });
});
