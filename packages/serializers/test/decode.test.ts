import { DEFAULT_MAX_DECODED_BYTES, JSONEventSerializer } from '@relaykit/serializers';
import { describe, expect, it } from 'vitest';
import { bytesOf, decodeAll, open, sealed, TestSource } from './source.ts';

const serializer = new JSONEventSerializer<unknown>();

describe('decode', () => {
  it('reads a large file in bounded pieces, lines across their borders included', async () => {
    const events = Array.from({ length: 9_000 }, (_, index) => ({ index, text: '€'.repeat(index % 23) }));
    const { bytes } = serializer.encode(events);
    const source = new TestSource(bytes);
    const seen: unknown[] = [];
    for await (const event of serializer.decode(source, sealed)) seen.push(event);
    expect(seen).toEqual(events);
    expect(source.reads.length).toBeGreaterThan(3);
    expect(Math.max(...source.reads.map(({ lengthBytes }) => lengthBytes))).toBeLessThanOrEqual(131_072);
    const ends = source.reads.map(({ positionBytes, lengthBytes }) => positionBytes + lengthBytes);
    expect(source.reads.map(({ positionBytes }) => positionBytes)).toEqual([0, ...ends.slice(0, -1)]);
  });

  it('reads a line that spans many pieces', async () => {
    const event = 'ü'.repeat(300_000);
    expect((await decodeAll(serializer, bytesOf(`1\n${JSON.stringify(event)}\n2\n`))).events).toEqual([1, event, 2]);
  });

  it('reads no further than it is asked', async () => {
    const source = new TestSource(bytesOf('1\n'.repeat(500_000)));
    for await (const _event of serializer.decode(source, sealed)) break;
    expect(source.reads).toHaveLength(1);
  });

  it('yields nothing from an empty file', async () => {
    expect(await decodeAll(serializer, new Uint8Array(0))).toEqual({ events: [], error: undefined });
  });

  it('takes a carriage return before the line feed, as files of others have it', async () => {
    expect((await decodeAll(serializer, bytesOf('{"a":1}\r\n2\r\n'))).events).toEqual([{ a: 1 }, 2]);
  });

  it.each([
    ['a syntax error', bytesOf('x')],
    ['two values', bytesOf('1 2')],
    ['an empty line', bytesOf('')],
    ['blanks only', bytesOf(' \r')],
    ['a NUL', bytesOf('{"a":1}', [0])],
    ['a byte that is no UTF-8', bytesOf('"', [0xff], '"')],
    ['a character cut off', bytesOf('"', [0xe2, 0x82], '"')],
    ['a byte order mark', bytesOf([0xef, 0xbb, 0xbf], '1')],
  ])('stops at %s, with its place, after the events before it', async (_name, line) => {
    for (const context of [sealed, open]) {
      const { events, error } = await decodeAll(serializer, bytesOf('"ü"\n2\n', line, '\n3\n'), context);
      expect(events).toEqual(['ü', 2]);
      expect(error).toMatchObject({
        code: 'RELAY_SEGMENT_DAMAGED',
        facts: { segmentId: 'segment-7', positionBytes: 7, reason: 'syntax' },
      });
    }
  });

  it('tells the place of damage far into a file', async () => {
    const good = '{"text":"€€€"}\n'.repeat(20_000);
    const { events, error } = await decodeAll(serializer, bytesOf(good, [0xff], '\n'));
    expect(events).toHaveLength(20_000);
    expect(error).toMatchObject({ facts: { positionBytes: bytesOf(good).byteLength } });
  });

  it.each([['{"a":'], ['{"a":1}'], ['\u0000\u0000'], ['ü']])(
    'takes %j without its line feed for cut off',
    async (tail) => {
      const bytes = bytesOf('1\n', tail);
      expect(await decodeAll(serializer, bytes, open)).toEqual({ events: [1], error: undefined });
      const { events, error } = await decodeAll(serializer, bytes, sealed);
      expect(events).toEqual([1]);
      expect(error).toMatchObject({
        code: 'RELAY_SEGMENT_TRUNCATED',
        facts: { segmentId: 'segment-7', positionBytes: 2 },
      });
    },
  );

  it('ends where the file was cut while it was read', async () => {
    const seen: unknown[] = [];
    const source = new TestSource(bytesOf('1\n2'), 400_000);
    for await (const event of serializer.decode(source, open)) seen.push(event);
    expect(seen).toEqual([1]);
    expect((await serializer.scan(new TestSource(bytesOf('1\n2'), 5))).tornTailBytes).toBe(3);
  });
});

describe('maxDecodedBytes', () => {
  it('is 64 MiB unless set', () => {
    expect(DEFAULT_MAX_DECODED_BYTES).toBe(67_108_864);
  });

  it('limits a line, its line feed included', async () => {
    const bytes = bytesOf('1\n"345"\n2\n');
    expect(await decodeAll(serializer, bytes, sealed, 6)).toEqual({ events: [1, '345', 2], error: undefined });
    const { events, error } = await decodeAll(serializer, bytes, sealed, 5);
    expect(events).toEqual([1]);
    expect(error).toMatchObject({
      code: 'RELAY_LIMIT_EXCEEDED',
      facts: { limit: 'maxDecodedBytes', maximum: 5 },
    });
  });

  it('may be as small as one byte, which no line fits', async () => {
    expect((await decodeAll(serializer, bytesOf('1\n'), sealed, 1)).error).toMatchObject({ facts: { maximum: 1 } });
  });

  it('names the line that is too long', async () => {
    for (const line of ['"345"\n', '"'.padEnd(400_000, 'x')]) {
      const { error } = await decodeAll(serializer, bytesOf('1\n', line), sealed, 5);
      expect(error).toMatchObject({ message: expect.stringContaining('The line at byte 2 of segment segment-7') });
    }
  });

  it('leaves a torn tail of just this size a torn tail', async () => {
    expect(await decodeAll(serializer, bytesOf('1\n"345'), open, 4)).toEqual({ events: [1], error: undefined });
  });

  it('stops a line that never ends before it is in memory', async () => {
    const source = new TestSource(new Uint8Array(3_000_000).fill(0x5b));
    const reading = async () => {
      for await (const _event of serializer.decode(source, sealed, { maxDecodedBytes: 200_000 }));
    };
    await expect(reading()).rejects.toMatchObject({ code: 'RELAY_LIMIT_EXCEEDED' });
    expect(source.reads).toHaveLength(2);
  });

  it.each([0, 1.5, Number.NaN])('cannot be %d', async (maxDecodedBytes) => {
    const message = `maxDecodedBytes must be a whole number >= 1, got ${maxDecodedBytes}`;
    expect((await decodeAll(serializer, bytesOf('1\n'), sealed, maxDecodedBytes)).error).toEqual(
      new RangeError(message),
    );
    await expect(serializer.scan(new TestSource(bytesOf('1\n')), sealed, { maxDecodedBytes })).rejects.toThrow(message);
  });
});
