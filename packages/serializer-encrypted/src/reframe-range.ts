import type { ByteSource, EncodedFrame, FrameContext, IntactRange, SegmentContext } from '@relaykit/types';
import { openFrame } from './frame-cipher.ts';
import { damaged, keyMissing } from './frame-errors.ts';
import { type FrameFormat, sealEvents } from './frame-format.ts';
import { FrameReader } from './frame-reader.ts';

/** Decrypts each frame of a range and encrypts it for its new place, with the current key. Closing frames stay behind. */
export async function* reframeRange<TEvent>(
  format: FrameFormat<TEvent>,
  source: ByteSource,
  range: IntactRange,
  from: SegmentContext,
  to: FrameContext,
): AsyncGenerator<EncodedFrame, void, void> {
  const { engine, store } = format;
  const { segmentId } = from;
  if (!store.current) await store.refresh();
  const reader = new FrameReader(source);
  let { positionBytes: position, firstFrameIndex: fromIndex } = range;
  let { frameIndex } = to;
  while (position < range.positionBytes + range.lengthBytes) {
    const header = await reader.headerAt(position);
    // A scan found it whole, so somebody changes the file.
    if (typeof header !== 'object' || header.frameIndex !== fromIndex) throw damaged(segmentId, position);
    const key = await store.find(header.keyId);
    const frame = await reader.frameAt(position, header);
    // The keys may be wiped while the frame is read.
    if (!key || key.isWiped) throw keyMissing(segmentId, header.keyId);
    const bytes = openFrame(engine, key, frame, header, from);
    if (!bytes) throw damaged(segmentId, position);
    const { eventCount } = header;
    if (!header.isClosing) {
      const frame = sealEvents(format, { bytes, eventCount }, { ...to, frameIndex });
      frameIndex += 1;
      yield { bytes: frame, eventCount, rejected: [] };
    }
    fromIndex += 1;
    position += header.frameBytes;
  }
}
