import type { ByteSource, EventSerializer, FrameContext, SegmentContext } from '@relaykit/types';

export const place: FrameContext = { spoolId: 'spool', segmentId: 'segment-7', frameIndex: 0 };
export const sealed: SegmentContext = { spoolId: 'spool', segmentId: 'segment-7', isSealed: true };
export const open: SegmentContext = { ...sealed, isSealed: false };

const encoder = new TextEncoder();

/** Bytes of a text, or of numbers and texts one after another. */
export function bytesOf(...parts: readonly (string | readonly number[] | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : Uint8Array.from(part)));
  const joined = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let positionBytes = 0;
  for (const piece of pieces) {
    joined.set(piece, positionBytes);
    positionBytes += piece.byteLength;
  }
  return joined;
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

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

/** What is decoded before the end or the first error, and that error. */
export async function decodeAll<TEvent>(
  serializer: EventSerializer<TEvent>,
  bytes: Uint8Array,
  context: SegmentContext = sealed,
  maxDecodedBytes?: number,
): Promise<{ events: TEvent[]; error: unknown }> {
  const events: TEvent[] = [];
  try {
    const limits = maxDecodedBytes === undefined ? undefined : { maxDecodedBytes };
    for await (const event of serializer.decode(new TestSource(bytes), context, limits)) events.push(event);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}
