import type { AddResult, BufferCounts, CloseReport, FlushOptions, RelayEventBuffer } from '@relaykit/buffer';
import type { FileDiskWriter } from '@relaykit/disk-writer';
import type { DiskExportQueue, DrainReport } from '@relaykit/export-queue';
import type { DiscardHeldOptions, HeldReport, Quarantine, RecoveryReport } from '@relaykit/segments';
import type { SegmentMetadata, SegmentStore } from '@relaykit/types';
import type { DeliveryCounts, SegmentSum } from './delivery-counter.ts';

/** What one `flush` asks for. */
export type RelayFlushOptions = FlushOptions;

/** What `addWhenRoom` takes beside the event. */
export interface RelayAddOptions {
  /** Ends the waiting, with the signal's reason. The event is not added. */
  readonly signal?: AbortSignal;
}

/** What ends a `drain` early. */
export interface RelayDrainOptions {
  /**
   * Ends the draining. While events are being stored, with the signal's reason; while segments are being delivered, with
   * a report that says `aborted`. Whatever is not delivered stays in the spool.
   */
  readonly signal?: AbortSignal;
}

/** Whether and how long `close` delivers. */
export interface RelayCloseOptions {
  /** Deliver what waits, for up to `deadlineMs`. Defaults to `false`: it is delivered at the next start. */
  readonly drain?: boolean;
  /**
   * How long uploads may go on once everything is stored, a whole number of milliseconds; those that have not ended by
   * then are aborted and stay in the spool. Defaults to `DEFAULT_DRAIN_DEADLINE_MS`, 5 s, with `drain`, and to the
   * queue's own `closeDeadlineMs` without.
   */
  readonly deadlineMs?: number;
}

/** What became of everything at `close()`. */
export interface RelayCloseReport extends CloseReport {
  /** Where `drain` was asked for. It says `aborted` where the deadline ended it. */
  readonly drained?: DrainReport;
}

/**
 * Since the relay was made. At every moment `added` equals `persisted` plus `buffered` plus the sum over `dropped`.
 */
export interface RelayCounts extends BufferCounts {
  /** What the queue has settled, segments of earlier runs and of other processes included. */
  readonly delivery: DeliveryCounts;
  /** Given up undelivered by this relay, to keep the spool within `retention` or because the disk was full. */
  readonly droppedFromSpool: SegmentSum;
}

/** A buffer, a writer, a store and a queue that work as one. Made by `createRelay`. */
export interface Relay<TEvent> extends AsyncDisposable {
  /**
   * Takes an event into memory. Synchronous, no I/O; it is on disk after the next flush, which comes by itself.
   *
   * @returns Whether it was taken, and why not where it was not.
   */
  add(event: TEvent): AddResult;
  /** Takes an event as soon as there is room for it, in the order of the calls. */
  addWhenRoom(event: TEvent, options?: RelayAddOptions): Promise<AddResult>;
  /**
   * Opens the spool now, and seals what an earlier run left behind. Nobody needs to call it: the first flush opens, too.
   * Called at start, it tells at once whether the directory can be used.
   *
   * @throws RelayError `RELAY_SPOOL_UNSAFE`, `RELAY_SPOOL_UNSUPPORTED`, `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`,
   *   `RELAY_LOCK_UNAVAILABLE`, `RELAY_CLOSED`
   */
  open(): Promise<RecoveryReport>;
  /**
   * Resolves once everything added before is as durable as asked.
   *
   * @throws RelayError what the writer throws; the events stay in memory and are tried again. `RELAY_CLOSED`
   */
  flush(options?: RelayFlushOptions): Promise<void>;
  /** Flushes, and seals the active segment, so that it can be delivered now. `undefined`: there was nothing to seal. */
  rotate(options?: RelayFlushOptions): Promise<SegmentMetadata | undefined>;
  /**
   * Flushes, seals, and delivers what can be delivered now. Segments that failed before and wait for their next attempt
   * are not forced: the report counts them as `remaining`.
   *
   * @throws TypeError - the relay has neither `url` nor `uploader`.
   * @throws RelayError `RELAY_CLOSED`, and as `flush`.
   */
  drain(options?: RelayDrainOptions): Promise<DrainReport>;
  /**
   * For whoever made the relay with `holdExport: true` and has the consent now: ends the hold, and releases everything in
   * the spool that was held back by it. What was added before is stored first. Calling it again is harmless; at a start
   * with the consent it releases what a crash left held.
   *
   * @throws RelayError `RELAY_CLOSED`, as `flush`, and as `releaseHeld` of the store.
   */
  releaseHeld(): Promise<HeldReport>;
  /**
   * For whoever does not get the consent: gives up everything in the spool that was held back, and what was added so far,
   * with a record in the ledger. The hold goes on. Where `inUse` of the report is not 0, other living writers have held
   * events that are not sealed yet: call it again when they have sealed them.
   *
   * @param options.reason - For the ledger. Defaults to `discarded`.
   * @throws RelayError `RELAY_CLOSED`, as `flush`, and as `discardHeld` of the store.
   */
  discardHeld(options?: Pick<DiscardHeldOptions, 'reason'>): Promise<HeldReport>;
  /**
   * What was refused for good or is damaged, to look at, put back or discard. Opens the spool where that was not done yet.
   * What is put back counts towards `retention` again: in a spool that is at its limits it is dropped at the next write.
   *
   * @throws RelayError `RELAY_CLOSED`, and as `open`.
   */
  quarantine(): Promise<Quarantine>;
  /**
   * Takes no more events, stores what is in memory, seals the active segment, and releases everything. Calling it again
   * returns the same promise, which never rejects: what went wrong stands in the report.
   *
   * @throws TypeError, RangeError - at once, for options that are wrong.
   */
  close(options?: RelayCloseOptions): Promise<RelayCloseReport>;
  counts(): RelayCounts;
  readonly buffer: RelayEventBuffer<TEvent>;
  readonly writer: FileDiskWriter<TEvent>;
  readonly store: SegmentStore;
  /** `undefined` where the relay has neither `url` nor `uploader`. */
  readonly queue: DiskExportQueue | undefined;
}
