import type { Removal, RetainedSegment, RetentionPolicy } from '@relaykit/types';

/**
 * Keeps a spool within the limits of several policies. They are asked in order, and each sees the spool as the ones
 * before it leave it: no segment is given up twice, and none for a limit that is already kept. A segment that two
 * policies would give up carries the reason of the first. Put `retainAge` before limits of number or size: what is too
 * old goes in any case, and may be enough for the others.
 *
 * An answer that names a segment which was not offered is left out: it may be in use.
 *
 * @throws TypeError - no policy was passed, or something that is none.
 */
export function retainAll(...policies: readonly RetentionPolicy[]): RetentionPolicy {
  if (policies.length === 0) throw new TypeError('retainAll needs at least one policy, got none');
  policies.forEach((policy, index) => {
    if (typeof policy?.select === 'function') return;
    throw new TypeError(`retainAll: argument ${index} must be a retention policy, with a method select`);
  });
  return {
    needsDiskUsage: policies.some(({ needsDiskUsage }) => needsDiskUsage === true),
    select(spool, disk, now) {
      const removals = new Map<string, Removal>();
      let removedBytes = 0;
      for (const policy of policies) {
        // Removals name ids alone; the sizes are taken down as the policy walks past them.
        const offered = new Map<string, number>();
        const left = {
          fileCount: spool.fileCount - removals.size,
          totalBytes: spool.totalBytes - removedBytes,
          oldestFirst: () => remaining(spool.oldestFirst(), removals, offered),
        };
        const diskLeft = disk && { ...disk, freeBytes: disk.freeBytes + removedBytes };
        for (const removal of policy.select(left, diskLeft, now)) {
          const sizeBytes = offered.get(removal.id);
          if (sizeBytes === undefined || removals.has(removal.id)) continue;
          removals.set(removal.id, removal);
          removedBytes += sizeBytes;
        }
      }
      return [...removals.values()];
    },
  };
}

function* remaining(
  oldestFirst: Iterable<RetainedSegment>,
  removals: ReadonlyMap<string, Removal>,
  offered: Map<string, number>,
): Generator<RetainedSegment> {
  for (const segment of oldestFirst) {
    if (removals.has(segment.id)) continue;
    offered.set(segment.id, segment.sizeBytes);
    yield segment;
  }
}
