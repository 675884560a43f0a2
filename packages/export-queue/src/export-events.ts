import type { SegmentInfo } from '@relaykit/types';
import type { DrainReport } from './drain-report.ts';

/** The receiver has the segment, and the ledger says so, synced. */
export interface UploadedEvent {
  readonly segment: SegmentInfo;
  readonly bytes: number;
  readonly durationMs: number;
  /** Attempts this segment took, this one included. */
  readonly attempts: number;
  readonly receipt: string | undefined;
}

/** An attempt failed; the segment stays and is sent again. */
export interface RetryScheduledEvent {
  readonly segment: SegmentInfo;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly delayMs: number;
  /** Milliseconds since the epoch. */
  readonly nextAttemptAtMs: number;
  readonly cause: unknown;
}

/** A segment was refused for good, is damaged, or failed for longer than `maxRetryAgeMs`. */
export interface QuarantinedEvent {
  readonly segment: SegmentInfo;
  /** As the ledger has it. */
  readonly reason: string;
  readonly cause: unknown;
}

/**
 * - `uploader`: something is wrong with address or credentials.
 * - `rejections`: `REJECTIONS_BEFORE_BLOCK` segments in a row were refused for good.
 * - `quarantineFull`: a segment has to go to quarantine, which has no room for it.
 */
export type BlockKind = 'uploader' | 'rejections' | 'quarantineFull';

/** The queue stopped itself, so that a wrong address or key does not empty the spool. */
export interface BlockedEvent {
  readonly kind: BlockKind;
  /** What is wrong, in a sentence. The queue stays stopped until `resume()`; for `quarantineFull` also until there is room. */
  readonly reason: string;
  readonly segmentId: string;
  readonly cause: unknown;
}

/** A condition holds the queue; nothing is sent until it answers `true`. */
export interface HeldEvent {
  /** The condition's own word. */
  readonly reason: string;
}

/** Nothing is sent for a while; segments wait. */
export interface DestinationPausedEvent {
  readonly delayMs: number;
  /** `asked`: the receiver asked for it. `failing`: several segments in a row failed. */
  readonly reason: 'asked' | 'failing';
  readonly cause: unknown;
}

/** The queue's own trouble, mostly the disk's. The queue goes on. */
export interface ExportErrorEvent {
  /** What the queue was doing. */
  readonly operation:
    | 'list'
    | 'archive'
    | 'lease'
    | 'verify'
    | 'readState'
    | 'writeState'
    | 'settle'
    | 'release'
    | 'retryPolicy'
    | 'condition'
    | 'closeUploader';
  readonly segmentId: string | undefined;
  readonly cause: unknown;
}

/** Everything the queue tells, by type. No event holds payload, and none of ours holds a credential. */
export interface ExportEvents {
  /** The receiver has the segment and the ledger says so. */
  uploaded: UploadedEvent;
  /** An attempt failed and will be made again. */
  retryScheduled: RetryScheduledEvent;
  /** A segment was refused for good, is damaged, or has been failing for longer than `maxRetryAgeMs`. */
  quarantined: QuarantinedEvent;
  /** The queue stopped itself, until `resume()`. */
  blocked: BlockedEvent;
  /** A condition began to hold the queue, or changed its word. */
  held: HeldEvent;
  /** Nothing is sent for a while. */
  destinationPaused: DestinationPausedEvent;
  /** A cycle ended that did something, or that `drain()` asked for. */
  drained: DrainReport;
  /** The queue's own trouble, mostly the disk's; it goes on. Unlike an `EventEmitter`'s, it needs no listener. */
  error: ExportErrorEvent;
}

/** What `on` listens for. */
export type ExportEventType = keyof ExportEvents;

/** Called with the event of one type. What it throws harms nobody. */
export type ExportListener<Type extends ExportEventType> = (event: ExportEvents[Type]) => void;
