import { gunzipSync } from 'node:zlib';
import { DEFAULT_GZIP_LEVEL, GzipSerializer } from '@relaykit/serializer-gzip';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { EventSerializer } from '@relaykit/types';
import { gunzipSync as fflateGunzip } from 'fflate';
import { describe, expect, it } from 'vitest';
import { flights } from '../../../tools/bench.ts';
import { decodeAll, frameOf, joined, numbered, open, place, sealed, TestSource } from './files.ts';

const json = new JSONEventSerializer<unknown>();
const engines = ['native', 'fflate'] as const;

it('names its format after the inner one', () => {
  expect(new GzipSerializer(json).format).toEqual({
    name: 'jsonl+gzip',
    fileExtension: 'ndjson.gz',
    mediaType: 'application/x-ndjson',
    contentEncoding: 'gzip',
  });
});

it('takes the native engine in Node, without being asked', () => {
  expect(new GzipSerializer(json).engine).toBe('native');
  expect(new GzipSerializer(json, { engine: 'fflate' }).engine).toBe('fflate');
});

it('takes fflate where there is no node:zlib', () => {
  const { getBuiltinModule } = process;
  Reflect.deleteProperty(process, 'getBuiltinModule');
  try {
    expect(new GzipSerializer(json).engine).toBe('fflate');
    expect(() => new GzipSerializer(json, { engine: 'native' })).toThrow("engine 'native' needs Node 20.16 or later");
  } finally {
    Object.assign(process, { getBuiltinModule });
  }
});

it.for([-1, 10, 1.5, Number.NaN, '6' as unknown as number])('refuses level %s', (level) => {
  expect(() => new GzipSerializer(json, { level })).toThrow(
    new RangeError(`level must be a whole number from 0 to 9, got ${level}`),
  );
});

it('refuses an engine that it does not know', () => {
  const engine = 'pako' as unknown as 'native';
  expect(() => new GzipSerializer(json, { engine })).toThrow(`engine must be 'native' or 'fflate', got "pako"`);
});

it('refuses to compress what is compressed or bound to its place', () => {
  expect(() => new GzipSerializer(new GzipSerializer(json))).toThrow('compress once, and before you encrypt');
  const bound: EventSerializer<unknown> = Object.assign(new JSONEventSerializer(), {
    closingFrame: () => new Uint8Array(),
  });
  expect(() => new GzipSerializer(bound)).toThrow(TypeError);
});

it('offers only what the inner serializer offers', () => {
  const { format, encode, decode, scan } = json;
  const least: EventSerializer<unknown> = {
    format,
    encode: encode.bind(json),
    decode: decode.bind(json),
    scan: scan.bind(json),
  };
  const serializer = new GzipSerializer(least);
  expect([serializer.encodeSync, serializer.createFrameBuilder]).toEqual([undefined, undefined]);
});

describe.each(engines)('a member made by %s', (engine) => {
  it('is one that any gzip reads, with lengths, event count and checks in an extra field', async () => {
    const member = await frameOf(new GzipSerializer(json, { engine }), numbered(100));
    const content = json.encode(numbered(100)).bytes;
    expect(Buffer.compare(gunzipSync(member), content)).toBe(0);
    expect(Buffer.compare(fflateGunzip(member), content)).toBe(0);
    const view = new DataView(member.buffer, member.byteOffset);
    expect(Buffer.from(member.subarray(0, 16)).toString('hex')).toBe('1f8b08040000000000ff1800524b1400');
    const numbers = [16, 20, 24].map((at) => view.getUint32(at, true));
    expect(numbers).toEqual([member.byteLength, 100, content.byteLength]);
  });

  it('shrinks with the level', async () => {
    const events = flights(3_000);
    const sizes = await Promise.all(
      [0, DEFAULT_GZIP_LEVEL, 6, 9].map(
        async (level) => (await frameOf(new GzipSerializer(json, { engine, level }), events)).byteLength,
      ),
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) / 2);
    expect(sizes[2]).toBeLessThan(sizes[1] ?? 0);
  });

  it.each(engines)('is read by %s', async (reader) => {
    const frames = [numbered(3), numbered(20_000, 3)];
    const writer = new GzipSerializer(json, { engine });
    const bytes = joined(...(await Promise.all(frames.map((events) => frameOf(writer, events)))));
    const { events, error } = await decodeAll(new GzipSerializer(json, { engine: reader }), bytes);
    expect(error).toBeUndefined();
    expect(events).toEqual(frames.flat());
  });
});

describe('large frames', () => {
  const builder = new GzipSerializer(json, { engine: 'native' }).createFrameBuilder?.();
  for (const event of numbered(20_000)) builder?.add(event);

  it('are compressed off the thread by the native engine, and at once where nobody can wait', async () => {
    expect(builder?.sizeBytes).toBeGreaterThan(64 * 1024);
    const finished = builder?.finish(place);
    expect(finished).toBeInstanceOf(Promise);
    const sync = builder?.finishSync?.(place);
    expect(sync?.bytes.byteLength).toBeGreaterThan(1_000);
    expect(Buffer.compare((await finished)?.bytes ?? new Uint8Array(), sync?.bytes ?? new Uint8Array())).toBe(0);
  });

  it('are safe from events that come while they are compressed', async () => {
    const serializer = new GzipSerializer(json);
    const reused = serializer.createFrameBuilder?.();
    for (const event of numbered(20_000)) reused?.add(event);
    const finished = reused?.finish(place);
    reused?.reset();
    for (const event of numbered(20_000, 50_000)) reused?.add(event);
    const { events } = await decodeAll(serializer, (await finished)?.bytes ?? new Uint8Array());
    expect(events).toEqual(numbered(20_000));
  });

  it('leave small ones alone: those take no promise', () => {
    expect(new GzipSerializer(json).encode(numbered(10), place)).not.toBeInstanceOf(Promise);
  });
});

it('walks members without decoding them', async () => {
  const serializer = new GzipSerializer(json);
  const frames = await Promise.all(
    Array.from({ length: 50 }, (_, index) => frameOf(serializer, numbered(100, index * 100))),
  );
  const bytes = joined(...frames);
  const source = new TestSource(bytes);
  expect(await serializer.scan(source, open)).toEqual({
    intact: [
      { positionBytes: 0, lengthBytes: bytes.byteLength, eventCount: 5_000, firstFrameIndex: 0, frameCount: 50 },
    ],
    damaged: [],
    tornTailBytes: 0,
    eventCount: 5_000,
  });
  expect(source.reads).toHaveLength(1);
});

it('notices a member that counts its events wrong', async () => {
  // Two members joined into one header's promise cannot be made by accident; an inner format that errs can.
  const forgetful: EventSerializer<unknown> = Object.assign(new JSONEventSerializer(), {
    decode: async function* () {
      yield { n: 0 };
    },
  });
  const bytes = await frameOf(new GzipSerializer(json), numbered(2));
  const { error } = await decodeAll(new GzipSerializer(forgetful), bytes, sealed);
  expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { positionBytes: 0, reason: 'counts' } });
});
