import type { RotationPolicy } from '@relaykit/types';
import { requireWholeNumber } from './whole-number.ts';

/**
 * Ends a segment that holds `maxEvents`, or would exceed them with the batch about to be added.
 *
 * @param maxEvents - A whole number, at least 1.
 * @throws RangeError - `maxEvents` breaks its rule.
 */
export function rotateByEvents(maxEvents: number): RotationPolicy {
  requireWholeNumber('maxEvents', maxEvents, 1);
  return {
    shouldRotate({ eventCount, incoming }) {
      if (eventCount === 0) return undefined;
      return eventCount >= maxEvents || eventCount + (incoming?.eventCount ?? 0) > maxEvents ? 'events' : undefined;
    },
  };
}
