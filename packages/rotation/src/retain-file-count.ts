import type { RetentionPolicy } from '@relaykit/types';
import { takeUntilWorkedOff } from './take-until.ts';
import { requireWholeNumber } from './whole-number.ts';

/** One segment being written and one that waits. */
export const MIN_FILE_COUNT = 2;

/**
 * Keeps at most `maxFiles` segment files, those being written included. Gives up delivered ones first, then the oldest.
 *
 * @param maxFiles - A whole number, at least `MIN_FILE_COUNT`.
 * @throws RangeError - `maxFiles` breaks its rule.
 */
export function retainFileCount(maxFiles: number): RetentionPolicy {
  requireWholeNumber('maxFiles', maxFiles, MIN_FILE_COUNT);
  return {
    select(spool) {
      const excess = spool.fileCount - maxFiles;
      return excess > 0 ? takeUntilWorkedOff(spool.oldestFirst(), excess, () => 1, 'fileCount') : [];
    },
  };
}
