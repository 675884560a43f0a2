import {
  type BatchAddOutcome,
  type Durability,
  isRelayError,
  type LifecycleChange,
  RelayError,
  type Unsubscribe,
  type WriteReceipt,
} from '@relaykit/types';
import {
  type AddResult,
  added,
  type DropReason,
  droppedByOverflow,
  type RefusalReason,
  refusedClosed,
  refusedFull,
} from './add-result.ts';
import { BatchWriter } from './batch-writer.ts';
import type { BufferedBatch } from './buffered-batch.ts';
import { BufferedBatches } from './buffered-batches.ts';
import { FlushTimer } from './flush-timer.ts';
import { errorFacts, GuardedLogger } from './guarded-logger.ts';
import { LossAccount } from './loss-account.ts';
import { type RelayEventBufferOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { RoomQueue } from './room-queue.ts';

/** What one `flush` asks for. */
export interface FlushOptions {
  /** Defaults to the buffer's `durability`. */
  readonly durability?: Durability;
  /** Ends the waiting, with the signal's reason. The events are written all the same. */
  readonly signal?: AbortSignal;
}

/**
 * What became of every event. At every moment `added` equals `persisted` plus `buffered` plus the sum over `dropped`.
 */
export interface BufferCounts {
  /** Events the buffer answered for; refused ones are not among them. */
  readonly added: number;
  /** Encoded bytes of those that were encoded at once; 0 with `encode: 'onFlush'`. */
  readonly addedBytes: number;
  /** Events the persistence has acknowledged. */
  readonly persisted: number;
  /** Events in memory, those being written included. */
  readonly buffered: number;
  /** Their encoded bytes; 0 with `encode: 'onFlush'`. */
  readonly bufferedBytes: number;
  /** Events being written now; part of `buffered`. */
  readonly inFlight: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** Callers of `addWhenRoom` that wait. Their events are not added yet. */
  readonly waitingForRoom: number;
  /** Writes and syncs that failed; their events were kept. */
  readonly failedWrites: number;
}

/** What `close` could not do. */
export interface CloseReport {
  /** Events that could not be persisted: lost, and counted as `dropped.unpersisted`. */
  readonly unpersistedEventCount: number;
  /** What the persistence answered to the last writes and to its own `close`; empty where all went well. */
  readonly errors: readonly unknown[];
}

/**
 * Takes events without waiting, and brings them to an `EventPersisting` in batches: once enough have come together,
 * once the oldest has waited long enough, when the application leaves, and when asked. Bounded in events and bytes. One
 * write is in flight at most; a failed one is tried again later, and its events keep their place.
 */
export class RelayEventBuffer<TEvent> {
  readonly #options: ResolvedOptions<TEvent>;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #batches: BufferedBatches<TEvent>;
  readonly #writer: BatchWriter<TEvent>;
  readonly #room = new RoomQueue<TEvent>();
  /** After a failed write, the number of events starts none: the timer does, and whoever asks. */
  readonly #timer: FlushTimer;
  readonly #losses: LossAccount;
  readonly #logger: GuardedLogger;
  readonly #unsubscribe: Unsubscribe | undefined;
  #added = 0;
  #persisted = 0;
  /** Between an `exit` and the next turn, which a process that ends does not have: what is added then is stored at once. */
  #isExiting = false;
  /** Events that are being encoded: encoding one may add another. */
  #addingDepth = 0;
  #isStoring = false;
  #isStoreWanted = false;
  #closing: Promise<CloseReport> | undefined;

  /** @throws TypeError, RangeError - an option is not what it must be; the message names option, rule and value. */
  constructor(options: RelayEventBufferOptions<TEvent>) {
    this.#options = resolveOptions(options);
    const { persistence, encode, durability, lifecycle, maxEvents, maxBytes, onDropped, logger } = this.#options;
    const { clock, flushIntervalMs } = this.#options;
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
    this.#logger = new GuardedLogger(logger);
    this.#losses = new LossAccount(onDropped, this.#logger, persistence.noteDropped?.bind(persistence));
    this.#batches = new BufferedBatches(encode === 'onAdd' ? persistence.openBatch?.bind(persistence) : undefined);
    this.#writer = new BatchWriter({
      batches: this.#batches,
      persistence,
      durability,
      onStored: (batch, receipt) => this.#onStored(batch, receipt),
      onFailed: (error, eventCount) => this.#onFailed(error, eventCount),
    });
    this.#timer = new FlushTimer({
      clock,
      flushIntervalMs,
      isAwaited: () => this.#room.size > 0,
      onDue: () => this.#writer.request(),
    });
    this.#unsubscribe = lifecycle?.subscribe((change) => this.#onLifecycle(change));
  }

  /**
   * Takes one event, or says why not. Synchronous, no I/O, and the same time however much is buffered. Never throws for
   * what an event contains.
   */
  add(event: TEvent): AddResult {
    if (this.#closing !== undefined) return this.#refuseClosed();
    if (this.#hasRoom()) return this.#take(event);
    const answer = this.#onFull() ?? this.#take(event);
    this.#admitWaiting();
    return answer;
  }

  /**
   * Takes one event as soon as there is room, in the order of the calls; the overflow policy does not apply.
   *
   * @param event - Recorded as it is when there is room.
   * @param options - `signal` ends the waiting: the event is not added, and the promise rejects with the signal's reason.
   * @returns Never `refused` with `full`.
   */
  addWhenRoom(event: TEvent, { signal }: { readonly signal?: AbortSignal } = {}): Promise<AddResult> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closing !== undefined) return Promise.resolve(this.#refuseClosed());
    // The promise rejects with what `take` throws.
    if (this.#hasRoom()) return new Promise((resolve) => resolve(this.#take(event)));
    // Room comes: a full buffer holds a full batch, whose write has been requested or is going to be retried.
    const admitted = this.#room.wait(event, signal);
    this.#timer.keepProcessAlive();
    return admitted;
  }

  /**
   * Writes what is in memory, and resolves once every event added before the call is as durable as asked. Calls share
   * writes. An event that has no representation in the format does not hold it up: it is dropped and announced.
   *
   * @throws what the persistence failed with - the events are still in memory, and tried again.
   * @throws RelayError `RELAY_EVENTS_UNPERSISTED` - `dropOldest` dropped some of the events meanwhile.
   * @throws RelayError `RELAY_CLOSED` - after `close()` began.
   * @throws the signal's reason.
   */
  flush({ durability = this.#options.durability, signal }: FlushOptions = {}): Promise<void> {
    if (this.#closing === undefined) return this.#writer.flush(durability, signal);
    const message = 'Cannot flush: the buffer is closed; its close() has written what it could.';
    return Promise.reject(new RelayError('RELAY_CLOSED', message, { operation: 'flush' }));
  }

  counts(): BufferCounts {
    return {
      added: this.#added,
      addedBytes: this.#batches.addedBytes,
      persisted: this.#persisted,
      buffered: this.#batches.eventCount,
      bufferedBytes: this.#batches.sizeBytes,
      inFlight: this.#batches.inFlight?.eventCount ?? 0,
      dropped: { ...this.#losses.dropped },
      refused: { ...this.#losses.refused },
      waitingForRoom: this.#room.size,
      failedWrites: this.#writer.failedWrites,
    };
  }

  /**
   * Takes no more events, tries once to write each batch in memory, and closes the persistence (see `closesPersistence`). Calling
   * it again returns the same promise, which never rejects: what went wrong stands in the report.
   */
  close(): Promise<CloseReport> {
    // Decided first and begun after: whatever `close` calls finds the buffer closed already.
    this.#closing ??= Promise.resolve().then(() => this.#close());
    return this.#closing;
  }

  /**
   * Closes.
   *
   * @throws RelayError `RELAY_EVENTS_UNPERSISTED` - events could not be persisted and are lost.
   * @throws what the persistence failed to close with.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { unpersistedEventCount: eventCount, errors } = await this.close();
    const [cause] = errors;
    if (eventCount > 0) {
      const message = `${eventCount} events could not be persisted before the buffer closed; they are lost.`;
      throw new RelayError('RELAY_EVENTS_UNPERSISTED', message, { eventCount }, { cause });
    }
    if (errors.length > 0) throw cause;
  }

  #hasRoom(): boolean {
    return this.#batches.eventCount < this.#maxEvents && this.#batches.isBelow(this.#maxBytes);
  }

  #take(event: TEvent): AddResult {
    const outcome = this.#offer(event);
    if (outcome === undefined) return this.#refuseClosed();
    this.#added += 1;
    if (outcome !== 'added') {
      if (this.#isExiting && this.#addingDepth === 0) this.#storeAllSync();
      return this.#dropRejected(outcome.rejected);
    }
    const { flushEvents, flushBytes } = this.#options;
    if (this.#batches.isOpenBatchFull(flushEvents, flushBytes)) {
      this.#batches.seal();
      if (!this.#timer.isBackingOff) this.#writer.request();
    }
    this.#timer.start();
    // A batch that is taking an event cannot be stored: the outermost one does it for those within it.
    if (this.#isExiting && this.#addingDepth === 0) this.#storeAllSync();
    return added;
  }

  /** @returns `undefined` where the persistence is closed, which somebody else may have done. */
  #offer(event: TEvent): BatchAddOutcome | undefined {
    this.#addingDepth += 1;
    try {
      return this.#batches.add(event);
    } catch (error) {
      if (isRelayError(error, 'RELAY_CLOSED')) return undefined;
      throw error;
    } finally {
      this.#addingDepth -= 1;
    }
  }

  #refuseClosed(): AddResult {
    this.#losses.refuse('closed');
    return refusedClosed;
  }

  #dropRejected(cause: unknown): AddResult {
    const reason = reasonOf(cause);
    this.#losses.drop(reason, 1, cause);
    return { status: 'dropped', reason, cause };
  }

  /** @returns The answer to the new event, or `undefined` where there is room for it now. */
  #onFull(): AddResult | undefined {
    const { overflow } = this.#options;
    if (overflow === 'reject') {
      this.#losses.refuse('full');
      return refusedFull;
    }
    while (overflow === 'dropOldest' && !this.#hasRoom()) {
      const batch = this.#batches.removeOldest();
      if (batch === undefined) break;
      batch.encoded?.release();
      this.#writer.reportDropped(batch);
      this.#losses.drop('overflow', batch.eventCount);
    }
    if (this.#hasRoom()) return undefined;
    this.#added += 1;
    this.#losses.drop('overflow', 1);
    return droppedByOverflow;
  }

  #onStored(batch: BufferedBatch<TEvent>, { rejected }: WriteReceipt): void {
    this.#timer.recover();
    this.#persisted += batch.eventCount - rejected.length;
    this.#losses.dropEach(rejected.map(({ cause }) => ({ reason: reasonOf(cause), eventCount: 1, cause })));
    this.#admitWaiting();
    if (this.#batches.eventCount === 0) this.#timer.stop();
  }

  #onFailed(error: unknown, eventCount: number): void {
    const { retryMs: retryInMs } = this.#timer;
    this.#logger.warn('A write failed; its events stay in memory.', { eventCount, retryInMs, ...errorFacts(error) });
    // A sync fails with nothing in memory, too: then nothing is tried again, and the next events start their own write.
    if (this.#batches.eventCount > 0) this.#timer.backOff();
  }

  #admitWaiting(): void {
    this.#room.admit(
      () => this.#hasRoom(),
      (event) => this.#take(event),
    );
  }

  #onLifecycle(change: LifecycleChange): Promise<void> | undefined {
    if (change === 'foreground') return undefined;
    if (change === 'exit') {
      this.#onExit();
      return undefined;
    }
    // A failed flush is logged where it fails, and must not keep an application from ending.
    const flushed = this.#writer.flush(this.#options.durability, undefined).catch(() => undefined);
    return change === 'terminate' ? flushed : undefined;
  }

  #onExit(): void {
    this.#isExiting = true;
    queueMicrotask(() => {
      this.#isExiting = false;
    });
    this.#storeAllSync();
  }

  #storeAllSync(): void {
    this.#isStoreWanted = true;
    // What is stored makes room for those that wait for it: they are stored in their turn, and nothing twice.
    if (this.#isStoring) return;
    this.#isStoring = true;
    const errors: unknown[] = [];
    while (this.#isStoreWanted) {
      this.#isStoreWanted = false;
      errors.push(...this.#writer.storeAllSync());
    }
    this.#isStoring = false;
    if (errors.length === 0) return;
    // Should the process live on: these batches have no write coming.
    this.#timer.backOff();
    this.#logger.error('Events could not be written at once; they are lost if nothing runs after this.', {
      eventCount: this.#batches.eventCount,
      ...errorFacts(errors[0]),
    });
  }

  async #close(): Promise<CloseReport> {
    const { persistence, closesPersistence, durability } = this.#options;
    const errors: unknown[] = [];
    this.#room.refuseAll(() => this.#losses.refuse('closed'));
    // A write that is failing now does not count as the last attempt.
    await this.#writer.whenIdle();
    let unpersistedEventCount = 0;
    do {
      try {
        await this.#writer.flush(durability, undefined);
      } catch (error) {
        errors.push(error);
        // The oldest batch has had its attempt, and those behind it get theirs.
        unpersistedEventCount += this.#dropOldestUnpersisted(error);
      }
    } while (this.#batches.eventCount > 0);
    this.#timer.stop();
    this.#unsubscribe?.();
    this.#batches.releaseEmpty();
    if (closesPersistence) {
      try {
        await persistence.close();
      } catch (error) {
        errors.push(error);
        this.#logger.error('The persistence failed to close.', errorFacts(error));
      }
    }
    return { unpersistedEventCount, errors };
  }

  #dropOldestUnpersisted(cause: unknown): number {
    const batch = this.#batches.removeOldest();
    if (batch === undefined) return 0;
    batch.encoded?.release();
    this.#losses.drop('unpersisted', batch.eventCount, cause);
    return batch.eventCount;
  }
}

function reasonOf(cause: unknown): DropReason {
  return isRelayError(cause, 'RELAY_EVENT_TOO_LARGE') ? 'tooLarge' : 'unserializable';
}
