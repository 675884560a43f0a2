// Goal: the format is what its page says, byte by byte and for ever; places and nonces are never shared.
import { readFileSync, writeFileSync } from 'node:fs';
import { JSONEventSerializer, RawJSONLineSerializer } from '@relaykit/serializers';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EncryptedSerializer } from '../src/index.ts';
import { encrypted, fileOf, framesOf, join, keyOf, read, SEGMENT, SPOOL, segment, sourceOf } from './scene.ts';

const golden = new URL('fixtures/events-v1.ndjson.enc', import.meta.url);
const goldenEvents = [
  [
    { id: 1, name: 'Zürich' },
    { id: 2, tags: ['a', 'b'] },
  ],
  [{ id: 3 }],
];
const place = { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 0 };

afterEach(() => void vi.restoreAllMocks());

describe('format version 1', () => {
  /** Nonces that count up, for this file alone: 24 bytes of 1, of 2, of 3. */
  function countNonces(): void {
    let count = 0;
    vi.spyOn(globalThis.crypto, 'getRandomValues').mockImplementation((bytes) => {
      count += 1;
      return (bytes as Uint8Array).fill(count) as never;
    });
  }

  it.for(['native', 'javascript'] as const)('is written as the golden file: %s', async (engine) => {
    countNonces();
    const file = await fileOf(encrypted({ engine, keys: { current: keyOf('golden-1') } }), goldenEvents);
    if (process.env['WRITE_GOLDEN'] === '1') writeFileSync(golden, file);
    expect(Buffer.from(file).toString('hex')).toBe(readFileSync(golden).toString('hex'));
  });

  it.for(['native', 'javascript'] as const)('is read from the golden file: %s', async (engine) => {
    const file = new Uint8Array(readFileSync(golden));
    const serializer = encrypted({ engine, keys: { current: keyOf('golden-2'), others: [keyOf('golden-1')] } });
    expect(await read(serializer, file)).toEqual({ events: goldenEvents.flat() });
    expect(await serializer.scan(sourceOf(file), segment())).toEqual({
      intact: [{ positionBytes: 0, lengthBytes: file.byteLength, eventCount: 3, firstFrameIndex: 0, frameCount: 3 }],
      damaged: [],
      tornTailBytes: 0,
      eventCount: 3,
      isClosed: true,
      keyId: 'golden-1',
    });
  });

  it('begins as its page says', () => {
    const file = readFileSync(golden);
    expect(file.subarray(0, 4)).toEqual(Buffer.from([0x9e, 0x52, 0x4b, 0x45]));
    expect([...file.subarray(4, 8)]).toEqual([1, 1, 0, 'golden-1'.length]);
    expect([file.readUInt32LE(8), file.readUInt32LE(12)]).toEqual([0, 2]);
    expect(file.subarray(20, 44)).toEqual(Buffer.alloc(24, 1));
    expect(file.subarray(44, 52).toString()).toBe('golden-1');
  });
});

describe('EncryptedSerializer', () => {
  it('names the formats one after another, and no content coding', () => {
    expect(encrypted().format).toEqual({
      name: 'jsonl+encrypted',
      fileExtension: 'ndjson.enc',
      mediaType: 'application/octet-stream',
    });
    const inner = new JSONEventSerializer();
    const format = { ...inner.format, name: 'jsonl+gzip', fileExtension: 'ndjson.gz', contentEncoding: 'gzip' };
    const nested = new EncryptedSerializer(Object.assign(inner, { format }), { keys: { current: keyOf('k1') } });
    expect(nested.format).toEqual({
      name: 'jsonl+gzip+encrypted',
      fileExtension: 'ndjson.gz.enc',
      mediaType: 'application/octet-stream',
    });
  });

  it('is not put around itself', () => {
    expect(() => new EncryptedSerializer(encrypted(), { keys: { current: keyOf('k2') } })).toThrow(
      'inner must not be bound to a place already, got format jsonl+encrypted',
    );
  });

  it('cannot store at exit what the inner one cannot', () => {
    const inner = Object.assign(new JSONEventSerializer(), { encodeSync: undefined });
    expect(new EncryptedSerializer(inner as never, { keys: { current: keyOf('k1') } }).encodeSync).toBeUndefined();
  });

  it('carries any inner serializer', async () => {
    const raw = new EncryptedSerializer(new RawJSONLineSerializer(), { keys: { current: keyOf('k1') } });
    const file = await fileOf(raw as never, [['{"a":1}'], ['[2]']]);
    expect(await read(raw as never, file)).toEqual({ events: ['{"a":1}', '[2]'] });
    expect(await read(encrypted(), file)).toEqual({ events: [{ a: 1 }, [2]] });
  });

  it('takes a new nonce for each frame, also for the same events again', async () => {
    const nonces = new Set<string>();
    const serializer = encrypted();
    const builder = serializer.createFrameBuilder();
    builder.add(1);
    const note = ({ bytes }: { bytes: Uint8Array }): void => {
      nonces.add(Buffer.from(bytes.subarray(20, 44)).toString('hex'));
    };
    for (let index = 0; index < 100; index += 1) {
      note(await builder.finish(place));
      note(builder.finishSync?.(place) as never);
      note(await serializer.encode([1], place));
      note({ bytes: (await serializer.closingFrame({ ...place, eventCount: 0, sizeBytes: 0 })) as Uint8Array });
    }
    expect(nonces.size).toBe(400);
  });

  it('keeps a frame until the next one of the same builder, and longer', async () => {
    const builder = encrypted().createFrameBuilder();
    builder.add(1);
    const first = await builder.finish(place);
    const copy = first.bytes.slice();
    builder.add(2);
    await builder.finish(place);
    builder.reset();
    expect(first.bytes).toEqual(copy);
  });

  it('writes frames anew for another segment, and leaves the closing one behind', async () => {
    const serializer = encrypted({ keys: { current: keyOf('k1') } });
    const file = await fileOf(serializer, [[0], [1], [2]]);
    serializer.keys.rotate(keyOf('k2'));
    const { intact } = await serializer.scan(sourceOf(file), segment({ isSealed: false }));
    const to = { spoolId: SPOOL, segmentId: '20260101T000000009Z-000000000000-aaaaaaaaaa', frameIndex: 4 };
    const frames: Uint8Array[] = [];
    for (const range of intact) {
      for await (const frame of serializer.reframe(sourceOf(file), range, segment({ isSealed: false }), to)) {
        expect([frame.eventCount, serializer.keyIdOf(frame.bytes)]).toEqual([1, 'k2']);
        frames.push(frame.bytes);
      }
    }
    expect(frames).toHaveLength(3);
    const open = segment({ segmentId: to.segmentId, isSealed: false, firstFrameIndex: 4 });
    expect(await read(serializer, join(frames), open)).toEqual({ events: [0, 1, 2] });
  });

  it('splits ranges where a frame between them is missing', async () => {
    const serializer = encrypted();
    const frames = await framesOf(serializer, [[0], [1], [2]]);
    const file = join([frames[0], frames[2], frames[3]] as Uint8Array[]);
    const scan = await serializer.scan(sourceOf(file), segment({ isSealed: false }));
    expect(scan).toMatchObject({ damaged: [], tornTailBytes: 0, eventCount: 2, isClosed: false });
    expect(scan.intact).toMatchObject([
      { firstFrameIndex: 0, frameCount: 1 },
      { firstFrameIndex: 2, frameCount: 2 },
    ]);
  });

  it('reads back any events by either engine, and never anything else out of damage', async () => {
    const engines = ['native', 'javascript'] as const;
    const batch = fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 });
    const change = fc.record({
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 90 }),
      byte: fc.nat(255),
      isCut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 5 }), fc.nat(1), change, async (batches, writer, damage) => {
        const serializers = engines.map((engine) => encrypted({ engine }));
        const file = await fileOf(serializers[writer] as never, batches);
        const texts = batches.flat().map((event) => JSON.stringify(event));
        for (const serializer of serializers) {
          const { events, error } = await read(serializer, file);
          expect(error).toBeUndefined();
          expect(events.map((event) => JSON.stringify(event))).toEqual(texts);
        }
        const at = damage.at % file.byteLength;
        const rest = file.subarray(at + damage.length);
        const changed = damage.isCut
          ? join([file.subarray(0, at), rest])
          : file.slice().fill(damage.byte, at, at + damage.length);
        if (Buffer.compare(changed, file) === 0) return;
        const { events, error } = await read(serializers[writer] as never, changed);
        expect(error).toBeDefined();
        expect(events.map((event) => JSON.stringify(event))).toEqual(texts.slice(0, events.length));
      }),
      { numRuns: 150 },
    );
  });
});
