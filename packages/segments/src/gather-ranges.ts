import type { ByteSource, IntactRange } from '@relaykit/types';
import { READ_BYTES } from './handle-source.ts';

/** Bytes of one or more ranges, one behind the other, and what ended in them. */
export interface GatheredBytes {
  /** Holds until the next piece is asked for. */
  readonly bytes: Uint8Array;
  readonly eventCount: number;
  readonly frameCount: number;
}

/**
 * Reads ranges of a source in pieces, as many as stand in one read at a time: a hostile file of a few hundred kilobytes
 * has tens of thousands. A source that ends early ends the pieces.
 *
 * @param ranges - In the order of their positions.
 */
export async function* gatherRanges(
  source: ByteSource,
  ranges: readonly IntactRange[],
): AsyncGenerator<GatheredBytes, void, void> {
  const gathered = new Uint8Array(READ_BYTES);
  let sizeBytes = 0;
  let eventCount = 0;
  let frameCount = 0;
  let window: Uint8Array = new Uint8Array(0);
  let windowAt = 0;
  for (const range of ranges) {
    const end = range.positionBytes + range.lengthBytes;
    for (let position = range.positionBytes; position < end; ) {
      if (position >= windowAt + window.byteLength) {
        if (sizeBytes > 0) yield { bytes: gathered.subarray(0, sizeBytes), eventCount, frameCount };
        [sizeBytes, eventCount, frameCount] = [0, 0, 0];
        window = await source.read(position, READ_BYTES);
        windowAt = position;
        if (window.byteLength === 0) return;
      }
      const piece = window.subarray(position - windowAt, end - windowAt);
      gathered.set(piece, sizeBytes);
      sizeBytes += piece.byteLength;
      position += piece.byteLength;
    }
    eventCount += range.eventCount;
    frameCount += range.frameCount;
  }
  if (sizeBytes > 0) yield { bytes: gathered.subarray(0, sizeBytes), eventCount, frameCount };
}
