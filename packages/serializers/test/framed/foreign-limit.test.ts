// Goal: what other programs' frames unpack to costs a scan time in proportion to the size of the file, whatever they say.
// Method: a codec whose frames say how much they make, and whose work is counted.
import { JSONEventSerializer } from '@relaykit/serializers';
import { type FrameCodec, FramedSerializer } from '@relaykit/serializers/framed';
import { describe, expect, it } from 'vitest';
import { MAX_FOREIGN_RATIO } from '../../src/framed/scan-frames.ts';
import { bytesOf, open, TestSource } from '../source.ts';

const PREFIX = bytesOf('12345678');
const PIECE_BYTES = 8;
const KINDS = { whole: 'W', damaged: 'D', incomplete: 'I', tooLarge: 'L' } as const;

/** `F`, the kind, and in 4 bytes how many bytes of lines it makes; two more bytes. */
function piece(kind: keyof typeof KINDS, makesBytes: number): Uint8Array {
  const bytes = bytesOf('F', KINDS[kind], [0, 0, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setUint32(2, makesBytes, true);
  return bytes;
}

class CountingCodec implements FrameCodec {
  readonly prefix = PREFIX;
  workBytes = 0;
  compress = (content: Uint8Array): Uint8Array => content;
  decompress = (body: Uint8Array): Uint8Array => body;
  readonly minBodyBytes = 0;
  maxBodyBytes = (decodedBytes: number): number => decodedBytes;

  readForeign(bytes: Uint8Array, maxDecodedBytes: number): ReturnType<FrameCodec['readForeign']> {
    const wanted = new DataView(bytes.buffer, bytes.byteOffset).getUint32(2, true);
    const made = Math.min(wanted, maxDecodedBytes);
    this.workBytes += made + PIECE_BYTES;
    const workBytes = made + PIECE_BYTES;
    const [, kind] = String.fromCharCode(...bytes.subarray(0, 2));
    if (kind === 'D') return { kind: 'damaged', reason: 'checksum', workBytes };
    if (kind === 'I') return { kind: 'incomplete', workBytes };
    if (kind === 'L' || wanted > maxDecodedBytes) return { kind: 'tooLarge', workBytes };
    return { kind: 'whole', lengthBytes: PIECE_BYTES, content: new Uint8Array(made).fill(0x31).with(made - 1, 0x0a) };
  }
}

function serializerOf(codec: FrameCodec): FramedSerializer<unknown> {
  return new FramedSerializer(new JSONEventSerializer(), codec, { contentEncoding: 'test', fileExtension: 'test' });
}

describe('frames of other programs', () => {
  it.each(['whole', 'damaged', 'incomplete', 'tooLarge'] as const)('that are %s', async (kind) => {
    const codec = new CountingCodec();
    const serializer = serializerOf(codec);
    const ours = serializer.encode([1], { spoolId: 's', segmentId: 's', frameIndex: 0 });
    if (ours instanceof Promise) expect.fail('the codec does not wait');
    const pairs = 300;
    const pair = [...piece(kind, 100_000), ...ours.bytes];
    const source = new TestSource(bytesOf(...Array.from({ length: pairs }, () => pair)));
    const maxDecodedBytes = 200_000;
    const scan = await serializer.scan(source, open, { maxDecodedBytes });
    // One more than fits, which is cut to what is left.
    const limit = maxDecodedBytes + MAX_FOREIGN_RATIO * source.sizeBytes;
    expect(codec.workBytes).toBeGreaterThan(limit / 2);
    expect(codec.workBytes).toBeLessThanOrEqual(limit + 2 * PIECE_BYTES);
    // Frames of ours are found wherever they stand, behind the limit, too.
    expect(scan.eventCount).toBeGreaterThanOrEqual(pairs);
    if (kind !== 'whole') expect(scan.eventCount).toBe(pairs);
  });

  it('that are small are not read anew for each of them', async () => {
    const bytes = bytesOf(...Array.from({ length: 100_000 }, () => [...piece('whole', 2)]));
    const source = new TestSource(bytes);
    expect(await serializerOf(new CountingCodec()).scan(source, open)).toMatchObject({ eventCount: 100_000 });
    const readBytes = source.reads.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    expect(readBytes).toBeLessThan(2 * source.sizeBytes);
  });

  it('are all read where they hold what events do', async () => {
    const codec = new CountingCodec();
    const bytes = bytesOf(...Array.from({ length: 1_000 }, () => [...piece('whole', PIECE_BYTES * 50)]));
    const scan = await serializerOf(codec).scan(new TestSource(bytes), open, { maxDecodedBytes: 1_000 });
    expect(scan).toMatchObject({ eventCount: 1_000, damaged: [], tornTailBytes: 0 });
  });
});
