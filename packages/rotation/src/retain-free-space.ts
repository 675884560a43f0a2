import type { RetentionPolicy } from '@relaykit/types';
import { takeUntilWorkedOff } from './take-until.ts';
import { requireWholeNumber } from './whole-number.ts';

/**
 * Keeps `minFreeBytes` free on the volume. Gives up delivered segments first, then the oldest. Where something else
 * fills the volume this gives up every segment that is not in use: prefer limits of the spool's own where data matters
 * more than the neighbours. Does nothing where the volume does not tell how full it is.
 *
 * @param minFreeBytes - A whole number, at least 1.
 * @throws RangeError - `minFreeBytes` breaks its rule.
 */
export function retainFreeSpace(minFreeBytes: number): RetentionPolicy {
  requireWholeNumber('minFreeBytes', minFreeBytes, 1);
  return {
    needsDiskUsage: true,
    select(spool, disk) {
      const shortage = disk === undefined ? 0 : minFreeBytes - disk.freeBytes;
      if (!(shortage > 0)) return [];
      return takeUntilWorkedOff(spool.oldestFirst(), shortage, ({ sizeBytes }) => sizeBytes, 'freeSpace');
    },
  };
}
