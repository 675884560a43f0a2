import type { RotationPolicy } from '@relaykit/types';
import { requireWholeNumber } from './whole-number.ts';

/** Below this a spool is mostly sealing. */
export const MIN_SEGMENT_AGE_MS = 10;

/**
 * Ends a segment `maxAgeMs` after it was created, whether or not events arrive: `nextCheckMs` says when to look again.
 * Age is monotonic, so a leap of the wall clock rotates nothing.
 *
 * @param maxAgeMs - A whole number of milliseconds, at least `MIN_SEGMENT_AGE_MS`.
 * @throws RangeError - `maxAgeMs` breaks its rule.
 */
export function rotateByAge(maxAgeMs: number): RotationPolicy {
  requireWholeNumber('maxAgeMs', maxAgeMs, MIN_SEGMENT_AGE_MS);
  return {
    shouldRotate({ eventCount, ageMs }) {
      return eventCount > 0 && ageMs >= maxAgeMs ? 'age' : undefined;
    },
    nextCheckMs({ eventCount, ageMs }) {
      // Rounded up, since a timer that fires a fraction early would find the segment still too young.
      return eventCount > 0 ? Math.max(0, Math.ceil(maxAgeMs - ageMs)) : undefined;
    },
  };
}
