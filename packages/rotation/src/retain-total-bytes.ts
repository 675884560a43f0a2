import type { RetentionPolicy } from '@relaykit/types';
import { MIN_SEGMENT_BYTES } from './rotate-by-bytes.ts';
import { takeUntilWorkedOff } from './take-until.ts';
import { requireWholeNumber } from './whole-number.ts';

/** Two of the smallest segments. Choose at least two of yours: a spool must hold one while it writes the next. */
export const MIN_TOTAL_BYTES: number = 2 * MIN_SEGMENT_BYTES;

/**
 * Keeps at most `maxBytes` of segment files, those being written included. Gives up delivered ones first, then the
 * oldest.
 *
 * @param maxBytes - A whole number, at least `MIN_TOTAL_BYTES`.
 * @throws RangeError - `maxBytes` breaks its rule.
 */
export function retainTotalBytes(maxBytes: number): RetentionPolicy {
  requireWholeNumber('maxBytes', maxBytes, MIN_TOTAL_BYTES);
  return {
    select(spool) {
      const excess = spool.totalBytes - maxBytes;
      return excess > 0 ? takeUntilWorkedOff(spool.oldestFirst(), excess, sizeOf, 'totalBytes') : [];
    },
  };
}

function sizeOf({ sizeBytes }: { readonly sizeBytes: number }): number {
  return sizeBytes;
}
