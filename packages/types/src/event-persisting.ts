import type { Durability } from './durability.ts';

/** What one `write` or `commit` asks for. */
export interface WriteOptions {
  /** How far the events must have travelled before the promise resolves. Defaults to the writer's own setting. */
  readonly durability?: Durability;
  /**
   * Gives up waiting, with the signal's reason. An abort before the bytes are handed to the file system means that
   * nothing was persisted; afterwards the call settles as if it had not been aborted, so an abort never leaves doubt.
   */
  readonly signal?: AbortSignal;
}

/** One event that was left out of a batch; the others are not affected. */
export interface RejectedEvent {
  /** Position in the array that was passed, from 0. */
  readonly index: number;
  /** Usually a `RelayError` with `RELAY_EVENT_UNSERIALIZABLE` or `RELAY_EVENT_TOO_LARGE`. */
  readonly cause: unknown;
}

/** Where a batch landed. A batch lies in one segment, in the order in which it was passed. */
export interface WriteReceipt {
  /** The segment that holds the batch; empty where every event was rejected and nothing was stored. */
  readonly segmentId: string;
  readonly writerId: string;
  /** Position of the batch's first event among those of its writer, counting from 0. */
  readonly firstSequence: number;
  /** Events stored, those in `rejected` not counted. */
  readonly eventCount: number;
  /** What was reached; at least what was asked for. */
  readonly durability: Durability;
  readonly rejected: readonly RejectedEvent[];
}

/** What became of one event offered to a batch. */
export type BatchAddOutcome = 'added' | { readonly rejected: unknown };

/**
 * Events that are encoded as they are added, so that each is recorded as it was at that moment. A batch belongs to the
 * persistence that opened it.
 */
export interface EventBatch<TEvent> {
  /** Encodes one event. Synchronous, no I/O. Never throws for what an event contains. */
  add(event: TEvent): BatchAddOutcome;
  /** Events added and not rejected. */
  readonly eventCount: number;
  /** Exact size of the encoded events, before compression or encryption. */
  readonly sizeBytes: number;
  /** Never less than `sizeBytes`, and cheap to ask for after every event. Missing where `sizeBytes` itself is cheap. */
  readonly sizeBytesAtMost?: number;
  /**
   * Gives the batch's memory back without storing its events. A committed batch is released by `commit`; using a batch
   * after either throws `TypeError`.
   */
  release(): void;
}

/**
 * Stores events in call order. Implementations pass `describeEventPersisting` of `@relaykit/testing/conformance`.
 */
export interface EventPersisting<TEvent> {
  /**
   * Stores `events`. Until the promise settles they may survive a crash as a prefix of whole events; all or none
   * holds where the implementation says so (`flushMode: 'atomic'`). A call that rejects has stored nothing.
   *
   * A receipt that says `synced` covers everything that was stored before, too. An empty array resolves with
   * `eventCount` 0; with `durability: 'synced'` that makes it a barrier.
   *
   * @returns Where the batch landed, once the durability asked for is reached and no earlier.
   * @throws RelayError `RELAY_STORAGE_FULL` - nothing was acknowledged; the same call may succeed later.
   * @throws RelayError `RELAY_STORAGE_FAILED` - nothing was acknowledged; pass the batch again once the cause is gone.
   * @throws RelayError `RELAY_CLOSED` - after `close()` began.
   */
  write(events: readonly TEvent[], options?: WriteOptions): Promise<WriteReceipt>;

  /**
   * Where offered: a batch that encodes events as they are added. Never touches the disk.
   *
   * @throws RelayError `RELAY_CLOSED` - after `close()` began.
   */
  openBatch?(): EventBatch<TEvent>;

  /**
   * Stores a batch of this persistence, with the promises and errors of `write`. On success the batch is released; a
   * failed commit leaves it as it was, to be committed again. `rejected` of the receipt is empty: `add` has told.
   */
  commit?(batch: EventBatch<TEvent>, options?: WriteOptions): Promise<WriteReceipt>;

  /**
   * Last resort while the process exits: stores without waiting on the event loop, `written` at least, after all that
   * was acknowledged. A batch whose `commit`, or an array whose `write`, is still under way is stored once all the same.
   */
  writeSync?(events: readonly TEvent[] | EventBatch<TEvent>): WriteReceipt;

  /**
   * Where offered: told of events that were dropped before they were stored, so that what is stored tells of them, too.
   * Synchronous, no I/O, and never throws.
   */
  noteDropped?(dropped: { readonly reason: string; readonly eventCount: number }): void;

  /** Waits for accepted batches, then releases what is held. Calling it again returns the same promise. */
  close(): Promise<void>;
}
