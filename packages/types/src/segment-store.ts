import type { ByteSource, SegmentFormat } from './event-serializer.ts';

/** What the name of a sealed segment tells without opening anything. */
export interface SegmentName {
  /** Unique within a spool and across spools for practical purposes; sorts by creation. */
  readonly id: string;
  /** Creation time in milliseconds since the epoch, UTC, as its writer saw it. */
  readonly createdAtMs: number;
  /** Sequence number of the segment's first event among those of its writer, from 0. */
  readonly firstSequence: number;
  readonly writerId: string;
  /** `ndjson`, `ndjson.gz` … */
  readonly fileExtension: string;
}

/**
 * Contents of `<id>.meta.json`, format version 1. Unknown members are kept and ignored. `checksum`, which the file has as
 * well, is of its bytes: whoever reads the file checks it and leaves it out.
 */
export interface SegmentMetadata {
  readonly formatVersion: number;
  readonly id: string;
  readonly spoolId: string;
  readonly writerId: string;
  /** Sequence number of the first event among those of the writer, from 0. */
  readonly firstSequence: number;
  /** The segment holds the events `firstSequence` to `firstSequence + eventCount - 1`. */
  readonly eventCount: number;
  /** Size of the segment file. */
  readonly bytes: number;
  /** SHA-256 of the segment file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly format: SegmentFormat;
  /** ISO 8601, UTC, milliseconds. */
  readonly createdAt: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly sealedAt: string;
  /** `bytes`, `age`, `events`, `flush`, `rotate`, `close`, `exit`, `failure`, `recovered`, `salvaged`, or a policy's own word. */
  readonly sealReason: string;
  /** Whether the export queue may take the segment. */
  readonly exportReady: boolean;
  /** Why it is not ready, where it is not: `holdExport` (its writer was told to hold it), `metadataLost`. */
  readonly heldReason?: string;
  /** The damaged segment whose intact events this one holds; that one is in quarantine. */
  readonly supersedes?: string;
  /** The segment that holds the events behind `bytes`, moved there because the disk refused to sync this file. */
  readonly continuedIn?: string;
  /** Identifier of the key that encrypted the segment. Never the key. */
  readonly keyId?: string;
}

/** A sealed segment that waits. */
export interface SegmentInfo extends SegmentName {
  readonly metadata: SegmentMetadata;
}

/** What the queue remembers of one segment between runs. Values are clamped when read. */
export interface ExportState {
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Milliseconds since the epoch, moved by long times in which nobody tried; 0 where there was no failure. */
  readonly firstFailureAtMs: number;
  /** Milliseconds since the epoch before which the segment is not tried again; 0: at once. */
  readonly nextAttemptAtMs: number;
  /** What went wrong last, in words without payload or credential. */
  readonly lastError?: string;
}

/** What becomes of a segment for good. The ledger keeps it. */
export type SegmentOutcome =
  | { readonly status: 'delivered' /** What the receiver answered, if it named one. */; readonly receipt?: string }
  | { readonly status: 'quarantined'; readonly reason: string }
  | { readonly status: 'dropped'; readonly reason: string };

/** What is done with the file of a delivered segment. */
export type AfterDelivery =
  | 'delete'
  | {
      /** A directory of yours, on any volume: the segment and its metadata are copied there, synced. No spool, and
       * no quarantine of one. */
      readonly archiveDirectory: string;
      /** Removed from there after this many milliseconds, at least 0. Defaults to never. */
      readonly keepForMs?: number;
    };

/**
 * The right to one segment: nobody else uploads, removes or changes it until it is settled or released. It ends with
 * its process, however that ends.
 */
export interface SegmentLease {
  readonly segment: SegmentInfo;
  readonly content: ByteSource;
  readState(): Promise<ExportState | undefined>;
  writeState(state: ExportState): Promise<void>;
  /**
   * Records the outcome, synced, and only then removes the segment or, for `quarantined`, moves it. A crash in between
   * leaves a record, and the removal is finished at the next open. Ends the lease.
   *
   * @throws RelayError `RELAY_QUARANTINE_FULL` - only for `quarantined`: the segment stays, and the lease goes on.
   */
  settle(outcome: SegmentOutcome, options?: { readonly afterDelivery?: AfterDelivery }): Promise<void>;
  /** Ends the lease without an outcome. Harmless after `settle`; waits for one that is under way. */
  release(): Promise<void>;
}

/** Whether the segment is yours now. */
export type LeaseAttempt =
  | { readonly status: 'leased'; readonly lease: SegmentLease }
  /** Somebody else has it, or its removal is under way and not recorded yet. */
  | { readonly status: 'busy' }
  /** It is delivered, dropped, quarantined or never was. */
  | { readonly status: 'gone' };

/** What the queue reads. `@relaykit/segments` implements it, `@relaykit/testing` doubles it. */
export interface SegmentStore {
  /** Sealed segments, oldest name first; no file is opened. What appears or goes meanwhile may or may not be seen. */
  list(): AsyncIterable<SegmentName>;
  /** `undefined` where the segment is gone. */
  info(id: string): Promise<SegmentInfo | undefined>;
  /** Never waits for another owner. */
  lease(id: string): Promise<LeaseAttempt>;
  /** Where offered: removes what was archived longer ago than its `keepForMs`. Never rejects; cheap to ask for often. */
  sweepArchive?(afterDelivery: AfterDelivery): Promise<void>;
  /** Where offered: whether a segment of so many bytes can be put in quarantine now, whoever made the room. */
  hasQuarantineRoomFor?(bytes: number): Promise<boolean>;
  /**
   * Where offered: tries whether delivered segments can be archived, before anything is sent that could not be recorded.
   *
   * @throws TypeError - it is a spool, or the quarantine of one.
   * @throws RelayError `RELAY_SPOOL_UNSAFE`, `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`
   */
  checkArchive?(afterDelivery: AfterDelivery): Promise<void>;
  /**
   * Where offered: what became of segments since the last one that was delivered, whoever settled them, oldest first. What
   * was put back or discarded by somebody since does not count.
   */
  outcomesSinceDelivery?(): Promise<readonly SegmentOutcome[]>;
  /** Releases what is held. Calling it again is harmless. */
  close(): Promise<void>;
}
