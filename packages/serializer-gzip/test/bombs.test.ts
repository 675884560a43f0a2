// Goal: what a hostile file says or unpacks to never costs memory beyond maxDecodedBytes.
// Method: files that lie, and a watch on what is read and how far memory grows.
import { deflateRawSync, gzipSync } from 'node:zlib';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import { portableCrc32 } from '@relaykit/serializers/framed';
import { describe, expect, it, vi } from 'vitest';
import { decodeAll, frameOf, joined, lines, open, sealed, TestSource } from './files.ts';

const MEBIBYTE = 1_048_576;
const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE, '"'), { level: 9 });

/** Gives a member of ours other numbers, with checks that fit them. */
function forged(member: Uint8Array, numbers: Readonly<Record<number, number>>): Uint8Array {
  const bytes = member.slice();
  const view = new DataView(bytes.buffer);
  for (const [at, number] of Object.entries(numbers)) view.setUint32(Number(at), number, true);
  view.setUint32(28, portableCrc32(bytes.subarray(36)), true);
  view.setUint32(32, portableCrc32(bytes.subarray(0, 32)), true);
  return bytes;
}

describe.each(['native', 'fflate'] as const)('with %s', (engine) => {
  const serializer = new GzipSerializer<unknown>(new JSONEventSerializer(), { engine });

  it('refuses a foreign bomb before it goes off', async () => {
    expect(bomb.byteLength).toBeLessThan(MEBIBYTE);
    const before = process.memoryUsage().arrayBuffers;
    const { events, error } = await decodeAll(serializer, joined(gzipSync(lines(1)), bomb), sealed, MEBIBYTE);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MEBIBYTE);
    expect([events, error]).toMatchObject([[1], { code: 'RELAY_LIMIT_EXCEEDED', facts: { maximum: MEBIBYTE } }]);
  });

  it('refuses a member of ours that says how large it is, without reading it', async () => {
    const member = await frameOf(serializer, ['x'.repeat(900_000)]);
    const source = new TestSource(member);
    const reading = serializer.decode(source, sealed, { maxDecodedBytes: 1_000 })[Symbol.asyncIterator]().next();
    await expect(reading).rejects.toMatchObject({ code: 'RELAY_LIMIT_EXCEEDED' });
    expect(source.reads).toHaveLength(1);
  });

  it('refuses a member of ours that says less than it holds', async () => {
    const content = Buffer.alloc(200 * MEBIBYTE, '"');
    const small = await frameOf(serializer, [1]);
    const deflated = deflateRawSync(content, { level: 9 });
    const lying = joined(small.slice(0, 36), deflated, small.slice(-8));
    const bytes = forged(lying, { 16: lying.byteLength, 24: 300_000 });
    const before = process.memoryUsage().arrayBuffers;
    const { error } = await decodeAll(serializer, bytes, sealed, MEBIBYTE);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MEBIBYTE);
    expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { reason: 'checksum' } });
  });

  it('says how long a member is that does not decode, so that a reader goes on behind it', async () => {
    const member = await frameOf(serializer, ['x'.repeat(100)]);
    const hostile = forged(joined(member.slice(0, 36), new Uint8Array(20).fill(0xff)), { 16: 56 });
    const { error } = await decodeAll(serializer, hostile);
    expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { positionBytes: 0, lengthBytes: 56 } });
  });

  it('counts no events in a member of ours that cannot hold them, and finds the next one', async () => {
    const [first, last] = [await frameOf(serializer, [1]), await frameOf(serializer, [2])];
    const empty = forged(first.slice(0, 36), { 16: 36, 20: 1 });
    const crowded = forged(first, { 20: 4_000_000_000 });
    const bloated = forged(joined(first, new Uint8Array(2_000)), { 16: first.byteLength + 2_000 });
    for (const hostile of [empty, crowded, bloated]) {
      const scan = await serializer.scan(new TestSource(joined(hostile, last)), open);
      expect(scan).toMatchObject({ eventCount: 1, tornTailBytes: 0 });
      expect(scan.damaged).toEqual([{ positionBytes: 0, lengthBytes: hostile.byteLength, reason: 'counts' }]);
      const { events, error } = await decodeAll(serializer, hostile);
      expect([events, error]).toMatchObject([[], { code: 'RELAY_SEGMENT_DAMAGED', facts: { reason: 'counts' } }]);
    }
  });

  it.for([
    ['length', 16],
    ['decoded length', 24],
  ] as const)('does not believe a %s of 4 GiB', async ([, at]) => {
    const bytes = forged(await frameOf(serializer, [1]), { [at]: 0xffff_ffff });
    const { error } = await decodeAll(serializer, bytes, sealed);
    expect(error).toMatchObject({ code: 'RELAY_LIMIT_EXCEEDED' });
    const scan = await serializer.scan(new TestSource(bytes), open);
    expect(scan).toMatchObject({ intact: [], damaged: [], tornTailBytes: bytes.byteLength });
  });

  it('does not believe a length shorter than the header', async () => {
    const bytes = forged(await frameOf(serializer, [1]), { 16: 3 });
    expect((await decodeAll(serializer, bytes)).error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED' });
    expect(await serializer.scan(new TestSource(bytes), open)).toMatchObject({ eventCount: 0 });
  });

  it.for([
    ['nested values', `[${'{},'.repeat(3_000_000)}0]\n`, { eventCount: 1, tornTailBytes: 0 }],
    ['line feeds', '\n'.repeat(60_000_000), { eventCount: 0, intact: [], damaged: [] }],
  ] as const)('scans a foreign bomb of %s without making anything of it', async ([, text, expected]) => {
    const bytes = gzipSync(Buffer.from(text), { level: 9 });
    expect(bytes.byteLength).toBeLessThan(100_000);
    const parse = vi.spyOn(JSON, 'parse');
    const source = new TestSource(bytes);
    expect(await serializer.scan(source, open)).toMatchObject(expected);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
    expect(source.reads).toHaveLength(1);
  });

  it('gives up foreign members that unpack to more in all than the file may cost, and finds ours behind them', async () => {
    const member = gzipSync(Buffer.alloc(MEBIBYTE, '1\n'), { level: 9 });
    const bytes = joined(...Array.from({ length: 8 }, () => member), await frameOf(serializer, [1]));
    const { eventCount, damaged } = await serializer.scan(new TestSource(bytes), open, { maxDecodedBytes: MEBIBYTE });
    const inMember = MEBIBYTE / 2;
    expect(eventCount % inMember).toBe(1);
    expect(eventCount).toBeLessThan(5 * inMember);
    expect(damaged).toHaveLength(1);
  });

  it('scans a file of nothing but claims in one pass', async () => {
    const claim = forged(await frameOf(serializer, [1]), { 16: 300_000, 24: 300_000 });
    const source = new TestSource(joined(...Array.from({ length: 10_000 }, () => claim)));
    expect(await serializer.scan(source, open)).toMatchObject({ eventCount: 0 });
    const readBytes = source.reads.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    expect(readBytes).toBeLessThan(source.sizeBytes * 3);
  });
});
