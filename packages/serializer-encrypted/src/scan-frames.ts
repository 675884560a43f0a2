import type { ByteSource, DecodeLimits, FrameScan, SegmentContext } from '@relaykit/types';
import { decodeLimit } from './decode-limit.ts';
import { isTorn, openFrame } from './frame-cipher.ts';
import type { FrameFormat } from './frame-format.ts';
import { FrameRanges } from './frame-ranges.ts';
import { FrameReader } from './frame-reader.ts';
import { memorySource } from './memory-source.ts';

/**
 * Finds the authentic frames of a source. Behind damage the next one is looked for by its magic, so that a damaged length
 * hides nothing. Ends at the first frame whose key is missing, or was wiped meanwhile.
 *
 * A key that opens none of its frames, though their headers are whole, is another one of the same name: that is no damage,
 * and it is said so.
 */
export async function scanFrames<TEvent>(
  { engine, store, inner }: FrameFormat<TEvent>,
  source: ByteSource,
  context: SegmentContext,
  limits: DecodeLimits | undefined,
): Promise<FrameScan> {
  const maximum = decodeLimit(limits);
  const { sizeBytes } = source;
  const reader = new FrameReader(source);
  const ranges = new FrameRanges(context.firstFrameIndex ?? 0);
  // Frames do not overlap, so honest damage is authenticated in vain once; a file made to cost more is given up.
  let vainBytes = 0;
  const opened = new Set<string>();
  const refused = new Set<string>();

  let position = 0;
  while (position < sizeBytes && vainBytes <= sizeBytes) {
    const header = await reader.headerAt(position);
    if (typeof header === 'object' && header.payloadBytes <= maximum && position + header.frameBytes <= sizeBytes) {
      const { keyId } = header;
      const key = await store.find(keyId);
      const frame = await reader.frameAt(position, header);
      if (!key || key.isWiped) return ranges.finish(sizeBytes, { missingKeyId: keyId });
      const isAccepted = ranges.accepts(header);
      const plaintext = isAccepted ? openFrame(engine, key, frame, header, context) : undefined;
      if (plaintext) opened.add(keyId);
      else if (isAccepted && frame.byteLength === header.frameBytes && !isTorn(frame)) refused.add(keyId);
      const isIntact = plaintext && (header.isClosing || limits === undefined || (await keepsLimits(plaintext)));
      if (isIntact) {
        ranges.add(position, header, plaintext);
        position += header.frameBytes;
        continue;
      }
      vainBytes += header.frameBytes;
    }
    position = await reader.nextFrameFrom(position + 1);
  }
  const unopenedKeyId = [...refused].find((keyId) => !opened.has(keyId));
  return ranges.finish(sizeBytes, unopenedKeyId === undefined ? {} : { unopenedKeyId });

  /** What is authentic is what was written; it is looked into only where the caller bounds what it may decode to. */
  async function keepsLimits(plaintext: Uint8Array): Promise<boolean> {
    const { damaged, tornTailBytes } = await inner.scan(
      memorySource(plaintext),
      { ...context, isSealed: true },
      limits,
    );
    return damaged.length === 0 && tornTailBytes === 0;
  }
}
