import type { DiskUsage, Instant, Removal, RetainedSegment, RetentionPolicy } from '@relaykit/types';

export const now: Instant = { epochMs: 1_700_000_000_000, monotonicMs: 5_000 };

/** A spool of sealed segments, oldest first, which takes down how far it was walked. */
export interface TestSpool {
  readonly segments: readonly RetainedSegment[];
  readonly fileCount: number;
  readonly totalBytes: number;
  readonly walked: string[];
  oldestFirst(): Iterable<RetainedSegment>;
}

/** Segments in the order given, which must be delivered ones first; an active one adds to the totals. */
export function spoolOf(segments: readonly Partial<RetainedSegment>[], activeBytes?: number): TestSpool {
  const all = segments.map((segment, index) => {
    const id = String(index);
    const name = { id, createdAtMs: 0, firstSequence: 0, writerId: 'w', fileExtension: 'ndjson' };
    return { ...name, sizeBytes: 100, ageMs: 1_000 * (segments.length - index), isDelivered: false, ...segment };
  });
  const walked: string[] = [];
  return {
    segments: all,
    fileCount: all.length + (activeBytes === undefined ? 0 : 1),
    totalBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, activeBytes ?? 0),
    walked,
    *oldestFirst() {
      for (const segment of all) {
        walked.push(segment.id);
        yield segment;
      }
    },
  };
}

/** `id:reason` of what a policy gives up. */
export function select(policy: RetentionPolicy, spool: TestSpool, disk?: DiskUsage): string[] {
  return policy.select(spool, disk, now).map(({ id, reason }: Removal) => `${id}:${reason}`);
}
