// Goal: what a file claims costs no memory and little time before it is shown to be true (S10), and inner errors quote
// nothing (S11 is part of the conformance suite).
import { JSONEventSerializer } from '@relaykit/serializers';
import { describe, expect, it } from 'vitest';
import { type AeadEngine, javascriptEngine } from '../src/aead-engine.ts';
import { writeHeader } from '../src/frame-header.ts';
import { DEFAULT_MAX_DECODED_BYTES, EncryptedSerializer } from '../src/index.ts';
import { storeOf } from '../src/key-ring.ts';
import { scanFrames } from '../src/scan-frames.ts';
import { encrypted, fileOf, framesOf, join, keyOf, read, SEGMENT, SPOOL, segment, sourceOf } from './scene.ts';

const serializer = encrypted();

function headerOf(payloadBytes: number, keyId = 'k1', frameIndex = 0): Uint8Array {
  const bytes = new Uint8Array(48 + keyId.length);
  const nonce = new Uint8Array(24);
  writeHeader(bytes, { isClosing: false, keyId, frameIndex, eventCount: 1, payloadBytes, nonce });
  return bytes;
}

describe('a length in a header', () => {
  it.for([0xffff_ffff, DEFAULT_MAX_DECODED_BYTES + 1])(
    'of %i is refused before anything is read for it',
    async (length) => {
      const file = join([headerOf(length), new Uint8Array(1_000)]);
      const reads: number[] = [];
      const source = {
        sizeBytes: file.byteLength,
        read: async (positionBytes: number, lengthBytes: number) => {
          reads.push(lengthBytes);
          return file.slice(positionBytes, positionBytes + lengthBytes);
        },
      };
      const decoding = serializer.decode(source, segment()).next();
      await expect(decoding).rejects.toMatchObject({
        code: 'RELAY_LIMIT_EXCEEDED',
        facts: { limit: 'maxDecodedBytes', maximum: DEFAULT_MAX_DECODED_BYTES },
      });
      expect(Math.max(...reads)).toBeLessThanOrEqual(file.byteLength);
    },
  );

  it('that goes beyond the file is a cut, and costs nothing', async () => {
    const file = join([headerOf(100_000_000), new Uint8Array(1_000)]);
    expect((await read(serializer, file)).error).toMatchObject({ code: 'RELAY_SEGMENT_TRUNCATED' });
    expect((await read(serializer, file, segment({ isSealed: false }))).error).toBeUndefined();
    expect(await serializer.scan(sourceOf(file), segment())).toMatchObject({
      intact: [],
      tornTailBytes: file.byteLength,
    });
  });
});

describe('a frame', () => {
  it('larger than readers accept is not written', () => {
    const inner = new JSONEventSerializer<unknown>();
    const huge = new Uint8Array(DEFAULT_MAX_DECODED_BYTES + 1);
    Object.assign(inner, { encodeSync: () => ({ bytes: huge, eventCount: 1, rejected: [] }) });
    const wide = new EncryptedSerializer(inner, { keys: { current: keyOf('k1') } });
    expect(() => wide.encodeSync?.([1], { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 0 })).toThrow(
      expect.objectContaining({ code: 'RELAY_LIMIT_EXCEEDED' }),
    );
  });

  it('of an index that the format cannot hold is not written', () => {
    const place = { spoolId: SPOOL, segmentId: SEGMENT, frameIndex: 2 ** 32 };
    expect(() => serializer.encodeSync?.([1], place)).toThrow(RangeError);
  });
});

describe('a file made to cost time', () => {
  it('full of beginnings that lead nowhere is authenticated about once', async () => {
    // Each header claims all that follows it, so each would be authenticated to the end of the file.
    const count = 4_000;
    const headerBytes = 50;
    const size = count * headerBytes + 16;
    const file = join([
      ...Array.from({ length: count }, (_, index) => headerOf(size - (index + 1) * headerBytes - 16)),
      new Uint8Array(16),
    ]);
    let triedBytes = 0;
    const engine: AeadEngine = {
      ...javascriptEngine,
      open(_key, _nonce, _associatedData, sealed) {
        triedBytes += sealed.byteLength;
        return undefined;
      },
    };
    const format = { engine, store: storeOf(serializer.keys), inner: new JSONEventSerializer<unknown>() };
    const scan = await scanFrames(format, sourceOf(file), segment({ isSealed: false }), undefined);
    expect(scan).toMatchObject({ intact: [], damaged: [], tornTailBytes: file.byteLength });
    expect(triedBytes).toBeGreaterThan(0);
    expect(triedBytes).toBeLessThan(file.byteLength * 3);
  });

  it('full of magic numbers is read a bounded number of times', async () => {
    const file = new Uint8Array(1_000_000).map((_, index) => [0x9e, 0x52, 0x4b, 0x45][index & 3] ?? 0);
    let readBytes = 0;
    const source = {
      sizeBytes: file.byteLength,
      read: async (positionBytes: number, lengthBytes: number) => {
        readBytes += lengthBytes;
        return file.slice(positionBytes, positionBytes + lengthBytes);
      },
    };
    await serializer.scan(source, segment({ isSealed: false }));
    expect(readBytes).toBeLessThan(file.byteLength * 3);
  });

  it('with a damaged length hides nothing behind it', async () => {
    const frames = await framesOf(serializer, [[0], [1], [2]]);
    (frames[0] as Uint8Array)[17] = 0x7f;
    const file = join(frames);
    const scan = await serializer.scan(sourceOf(file), segment());
    expect(scan).toMatchObject({ eventCount: 2, tornTailBytes: 0, isClosed: false });
    expect(scan.damaged).toEqual([{ positionBytes: 0, lengthBytes: frames[0]?.byteLength, reason: 'authentication' }]);
    expect(scan.intact).toMatchObject([{ firstFrameIndex: 1, frameCount: 3 }]);
  });
});

describe('an inner format that cannot read what it gets', () => {
  it('is reported by place, without a word of the plaintext', async () => {
    const inner = new JSONEventSerializer<unknown>();
    const file = await fileOf(new EncryptedSerializer(inner, { keys: { current: keyOf('k1') } }), [[{ canary: 4711 }]]);
    const other = new JSONEventSerializer<unknown>();
    // biome-ignore lint/correctness/useYield: it fails before it yields
    other.decode = async function* (source) {
      const bytes = await source.read(0, source.sizeBytes);
      throw new SyntaxError(`Unexpected token in ${new TextDecoder().decode(bytes)}`);
    };
    const { error } = await read(new EncryptedSerializer(other, { keys: { current: keyOf('k1') } }), file);
    expect(error).toMatchObject({ code: 'RELAY_SEGMENT_DAMAGED', facts: { reason: 'syntax', positionBytes: 0 } });
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toMatch(/canary|4711/);
  });
});
