import type { Removal, RetentionPolicy } from '@relaykit/types';
import { requireWholeNumber } from './whole-number.ts';

/** Below this a segment could go before anybody looked at it. */
export const MIN_RETAINED_AGE_MS = 1_000;

/**
 * Keeps segments until they are older than `maxAgeMs`, by the age that a leaping clock does not change.
 *
 * Looks no further than the first undelivered segment that is young enough, since those behind it are younger still.
 * Delivered ones that are young enough stand before it and are passed over.
 *
 * @param maxAgeMs - A whole number of milliseconds, at least `MIN_RETAINED_AGE_MS`.
 * @throws RangeError - `maxAgeMs` breaks its rule.
 */
export function retainAge(maxAgeMs: number): RetentionPolicy {
  requireWholeNumber('maxAgeMs', maxAgeMs, MIN_RETAINED_AGE_MS);
  return {
    select(spool) {
      const removals: Removal[] = [];
      for (const { id, ageMs, isDelivered } of spool.oldestFirst()) {
        if (ageMs > maxAgeMs) removals.push({ id, reason: 'age' });
        else if (!isDelivered) break;
      }
      return removals;
    },
  };
}
