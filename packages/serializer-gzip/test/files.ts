import type { ByteSource, EventSerializer, FrameContext, FrameScan, SegmentContext } from '@relaykit/types';

export const place: FrameContext = { spoolId: 'spool', segmentId: 'segment-7', frameIndex: 0 };
export const sealed: SegmentContext = { spoolId: 'spool', segmentId: 'segment-7', isSealed: true };
export const open: SegmentContext = { ...sealed, isSealed: false };

/** A source that takes down what was read, and lends memory that it uses again, as a careful reader must expect. */
export class TestSource implements ByteSource {
  readonly sizeBytes: number;
  readonly reads: { readonly positionBytes: number; readonly lengthBytes: number }[] = [];
  readonly #bytes: Uint8Array;
  #lent: Uint8Array | undefined;

  constructor(bytes: Uint8Array, sizeBytes: number = bytes.byteLength) {
    this.#bytes = bytes;
    this.sizeBytes = sizeBytes;
  }

  async read(positionBytes: number, lengthBytes: number): Promise<Uint8Array> {
    this.#lent?.fill(0x21);
    this.reads.push({ positionBytes, lengthBytes });
    this.#lent = this.#bytes.slice(positionBytes, positionBytes + lengthBytes);
    return this.#lent;
  }
}

export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.byteLength;
  }
  return bytes;
}

export function lines(...events: readonly unknown[]): Uint8Array {
  return new TextEncoder().encode(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

export function numbered(count: number, from: number = 0): { n: number }[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/** The frame, as bytes of its own. */
export async function frameOf(
  serializer: EventSerializer<unknown>,
  events: readonly unknown[],
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array((await serializer.encode(events, place)).bytes);
}

/** What is decoded before the end or the first error, and that error. */
export async function decodeAll(
  serializer: EventSerializer<unknown>,
  bytes: Uint8Array,
  context: SegmentContext = sealed,
  maxDecodedBytes?: number,
): Promise<{ events: unknown[]; error: unknown }> {
  const events: unknown[] = [];
  try {
    const limits = maxDecodedBytes === undefined ? undefined : { maxDecodedBytes };
    for await (const event of serializer.decode(new TestSource(bytes), context, limits)) events.push(event);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}

export function scanAll(serializer: EventSerializer<unknown>, bytes: Uint8Array): Promise<FrameScan> {
  return serializer.scan(new TestSource(bytes), open);
}
