import type { Removal, RetainedSegment } from '@relaykit/types';

/** Removes from the front until `excess` is worked off, and looks at no segment beyond. */
export function takeUntilWorkedOff(
  oldestFirst: Iterable<RetainedSegment>,
  excess: number,
  worth: (segment: RetainedSegment) => number,
  reason: string,
): readonly Removal[] {
  const removals: Removal[] = [];
  let left = excess;
  for (const segment of oldestFirst) {
    removals.push({ id: segment.id, reason });
    left -= worth(segment);
    if (left <= 0) break;
  }
  return removals;
}
