import type { Instant } from './clock.ts';

/** The segment that is being written. */
export interface ActiveSegment {
  readonly id: string;
  /** Bytes in the file. */
  readonly sizeBytes: number;
  readonly eventCount: number;
  /** Time since the segment was created, by the monotonic clock: a leap of the wall clock does not age it. */
  readonly ageMs: number;
  /** The batch about to be added; absent when the segment is looked at without one. */
  readonly incoming?: {
    readonly eventCount: number;
    /** Before compression or encryption. */
    readonly sizeBytes: number;
  };
}

/** Why a segment was ended: `bytes`, `age` and `events` by the policies here, any other word by your own. */
export type RotationReason = 'bytes' | 'age' | 'events' | (string & {});

/**
 * Decides when a segment is sealed and the next one begun. Asked before each batch and when a timer says so; an empty
 * segment is never rotated. A batch is never split, so a segment may exceed a limit by what one batch holds.
 *
 * Pure: no I/O, no state of its own.
 */
export interface RotationPolicy {
  /**
   * A reason of 1 to 100 characters seals the segment before `incoming` is written; `undefined` lets it take more.
   * Anything else is logged as a failure of the policy, and the segment goes on.
   */
  shouldRotate(segment: ActiveSegment, now: Instant): RotationReason | undefined;
  /** When to ask again though no event arrives, in milliseconds from now; `undefined`: only with the next batch. */
  nextCheckMs?(segment: ActiveSegment, now: Instant): number | undefined;
}
