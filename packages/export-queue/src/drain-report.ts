import type { BlockKind } from './export-events.ts';

/**
 * Why a cycle ended.
 *
 * - `completed`: every waiting segment was looked at.
 * - `blocked`, `paused`, `closed`, `aborted`: the queue or the caller stopped it.
 * - `condition`: a condition holds the queue.
 * - `destinationPaused`: the receiver asked for a pause, or is failing.
 * - `storage`: the disk does not take the outcomes of what was delivered, so nothing more is sent.
 */
export type CycleEnd =
  | 'completed'
  | 'blocked'
  | 'paused'
  | 'closed'
  | 'aborted'
  | 'condition'
  | 'destinationPaused'
  | 'storage';

/** What one cycle did. */
export interface DrainReport {
  readonly endedBy: CycleEnd;
  readonly delivered: number;
  readonly quarantined: number;
  readonly retriesScheduled: number;
  /** Segments whose `exportReady` is `false`, among those looked at. */
  readonly held: number;
  /** Segments still in the spool when the cycle ended, of those it listed: held, waiting, leased by others, not reached. */
  readonly remaining: number;
  /** Segments that the receiver has and whose outcome the disk did not take so far: a crash now sends them again. */
  readonly unrecorded: number;
  /** Bytes of the delivered segments. */
  readonly bytes: number;
  /** Why the queue is blocked, where it is. */
  readonly blocked?: string;
  /** The same as a word that stays what it is. */
  readonly blockedKind?: BlockKind;
  /** What a condition said, where it holds the queue. */
  readonly hold?: string;
}
