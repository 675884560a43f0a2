import { type ByteSource, RelayError } from '@relaykit/types';
import type { BandwidthLimit } from './bandwidth-limit.ts';

/** Read at a time: large enough that reading costs nothing beside sending, small enough to hold per upload. */
export const CONTENT_PIECE_BYTES = 65_536;

export interface SegmentContentOptions {
  readonly segmentId: string;
  readonly content: ByteSource;
  readonly bandwidth: BandwidthLimit | undefined;
  readonly signal: AbortSignal;
}

/**
 * The bytes of a segment in pieces, one in memory at a time.
 *
 * @throws RelayError `RELAY_SEGMENT_TRUNCATED` - the file ends before its size.
 */
export async function* segmentContent(options: SegmentContentOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { segmentId, content, bandwidth, signal } = options;
  const pieceBytes = Math.min(CONTENT_PIECE_BYTES, bandwidth?.pieceBytes ?? CONTENT_PIECE_BYTES);
  for (let positionBytes = 0; positionBytes < content.sizeBytes; ) {
    signal.throwIfAborted();
    const lengthBytes = Math.min(pieceBytes, content.sizeBytes - positionBytes);
    const piece = await content.read(positionBytes, lengthBytes);
    if (piece.byteLength !== lengthBytes) {
      const endBytes = positionBytes + piece.byteLength;
      const message = `Segment ${segmentId} ends at byte ${endBytes} of ${content.sizeBytes}; it was cut off after it was sealed.`;
      throw new RelayError('RELAY_SEGMENT_TRUNCATED', message, { segmentId, positionBytes: endBytes });
    }
    await bandwidth?.take(lengthBytes, signal);
    yield piece;
    positionBytes += lengthBytes;
  }
}
