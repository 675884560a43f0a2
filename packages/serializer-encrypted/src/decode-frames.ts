import { type ByteSource, type DecodeLimits, isRelayError, type SegmentContext } from '@relaykit/types';
import { hasTotals } from './closing-totals.ts';
import { decodeLimit } from './decode-limit.ts';
import { openFrame } from './frame-cipher.ts';
import { damaged, keyMissing, tooLarge, truncated } from './frame-errors.ts';
import type { FrameFormat } from './frame-format.ts';
import { FrameReader } from './frame-reader.ts';
import { memorySource } from './memory-source.ts';

/** Yields the events of each frame once it is authentic and in its place, with the errors of `EventSerializer.decode`. */
export async function* decodeFrames<TEvent>(
  { engine, inner, store }: FrameFormat<TEvent>,
  source: ByteSource,
  context: SegmentContext,
  limits: DecodeLimits | undefined,
): AsyncGenerator<TEvent, void, void> {
  const maximum = decodeLimit(limits);
  const { segmentId, isSealed, firstFrameIndex = 0 } = context;
  const reader = new FrameReader(source);
  let isClosed = false;
  let frameIndex = firstFrameIndex;
  let eventCount = 0;

  let position = 0;
  while (position < source.sizeBytes) {
    if (isClosed) throw damaged(segmentId, position);
    const header = await reader.headerAt(position);
    if (header === 'none') throw damaged(segmentId, position);
    if (header === 'short') break;
    if (header.payloadBytes > maximum) throw tooLarge(segmentId, position, maximum);
    if (position + header.frameBytes > source.sizeBytes) break;
    if (header.frameIndex !== frameIndex) throw damaged(segmentId, position);
    const key = await store.find(header.keyId);
    const frame = await reader.frameAt(position, header);
    // The keys may be wiped while the frame is read.
    if (!key || key.isWiped) throw keyMissing(segmentId, header.keyId);
    const plaintext = openFrame(engine, key, frame, header, context);
    if (!plaintext) throw damaged(segmentId, position, 'authentication', header.keyId);
    if (header.isClosing) {
      // What lies before a part of a file is not known here.
      const isWhole = firstFrameIndex === 0;
      if (isWhole && !hasTotals(plaintext, { eventCount, sizeBytes: position })) throw damaged(segmentId, position);
      isClosed = true;
    } else {
      let found = 0;
      try {
        // One generator less to pass through for each event than with a function of its own.
        for await (const event of inner.decode(memorySource(plaintext), { ...context, isSealed: true }, limits)) {
          found += 1;
          yield event;
        }
      } catch (error) {
        throw withoutPlaintext(error, segmentId, position);
      }
      if (found !== header.eventCount) throw damaged(segmentId, position, 'counts');
    }
    eventCount += header.eventCount;
    frameIndex += 1;
    position += header.frameBytes;
  }
  if (isSealed && !isClosed) throw truncated(segmentId, position);
}

/** Others may quote what they could not read, and that is plaintext. */
function withoutPlaintext(error: unknown, segmentId: string, positionBytes: number): unknown {
  return isRelayError(error, 'RELAY_LIMIT_EXCEEDED') ? error : damaged(segmentId, positionBytes, 'syntax');
}
