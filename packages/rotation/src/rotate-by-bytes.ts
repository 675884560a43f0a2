import type { RotationPolicy } from '@relaykit/types';
import { requireWholeNumber } from './whole-number.ts';

/** Below this a spool is mostly names and metadata. */
export const MIN_SEGMENT_BYTES = 1_024;

/**
 * Ends a segment that holds `maxBytes`, or would exceed them with the batch about to be added. The size of that batch
 * counts before compression or encryption, so a compressed segment may end short of the limit by one batch.
 *
 * @param maxBytes - A whole number, at least `MIN_SEGMENT_BYTES`.
 * @throws RangeError - `maxBytes` breaks its rule.
 */
export function rotateByBytes(maxBytes: number): RotationPolicy {
  requireWholeNumber('maxBytes', maxBytes, MIN_SEGMENT_BYTES);
  return {
    shouldRotate({ eventCount, sizeBytes, incoming }) {
      if (eventCount === 0) return undefined;
      return sizeBytes >= maxBytes || sizeBytes + (incoming?.sizeBytes ?? 0) > maxBytes ? 'bytes' : undefined;
    },
  };
}
