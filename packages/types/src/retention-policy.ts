import type { Instant } from './clock.ts';
import type { DiskUsage } from './file-system.ts';
import type { SegmentName } from './segment-store.ts';

/** Sums over a spool, kept as it changes: reading them costs nothing. */
export interface SpoolTotals {
  /** Segment files, the active ones included. */
  readonly fileCount: number;
  /** Bytes of segment files, the active ones included. */
  readonly totalBytes: number;
}

/** A sealed segment that a policy may choose. Leased and active ones are not offered. */
export interface RetainedSegment extends SegmentName {
  readonly sizeBytes: number;
  /** Age in this process: age when the spool was opened plus monotonic time, so a leaping clock evicts nothing. */
  readonly ageMs: number;
  /** Delivered and only kept for a time; such segments go first. */
  readonly isDelivered: boolean;
}

/** A decision to remove one segment. */
export interface Removal {
  readonly id: string;
  /** Named in the ledger: `fileCount`, `totalBytes`, `age`, `freeSpace`, or a policy's own word. */
  readonly reason: string;
}

/**
 * Chooses which sealed segments are given up so that a spool stays within its limits. Pure: no I/O. A policy that walks
 * `oldestFirst` only as far as it must costs the same in a spool of any size.
 */
export interface RetentionPolicy {
  select(
    spool: SpoolTotals & {
      /** Delivered ones first, then by creation. */
      oldestFirst(): Iterable<RetainedSegment>;
    },
    /** `undefined` where the volume does not tell. */
    disk: DiskUsage | undefined,
    now: Instant,
  ): readonly Removal[];
  /** Whether `select` looks at `disk`; it is measured only for policies that do. Defaults to `false`. */
  readonly needsDiskUsage?: boolean;
}
