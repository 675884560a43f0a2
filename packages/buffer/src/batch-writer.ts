import { type Durability, type EventPersisting, RelayError, type WriteReceipt } from '@relaykit/types';
import type { BufferedBatch } from './buffered-batch.ts';
import type { BufferedBatches } from './buffered-batches.ts';
import { endOfTurn } from './end-of-turn.ts';
import { PendingFlushes } from './pending-flushes.ts';

export interface BatchWriterOptions<TEvent> {
  readonly batches: BufferedBatches<TEvent>;
  readonly persistence: EventPersisting<TEvent>;
  /** What is asked of a write that no flush waits for; `undefined` leaves it to the persistence. */
  readonly durability: Durability | undefined;
  /** The batch is stored, and no longer in memory. */
  onStored(batch: BufferedBatch<TEvent>, receipt: WriteReceipt): void;
  /** A write or a sync failed. A failed batch waits again, at its place. */
  onFailed(error: unknown, eventCount: number): void;
}

/** Brings batches to the persistence: one at a time, oldest first, none before somebody asks for it. */
export class BatchWriter<TEvent> {
  readonly #options: BatchWriterOptions<TEvent>;
  readonly #batches: BufferedBatches<TEvent>;
  readonly #flushes = new PendingFlushes();
  /** Batches up to this id are to be stored. */
  #requestedId = 0;
  #draining: Promise<void> | undefined;
  /** Batches stored since the last sync that a power cut would take. */
  #unsyncedBatches = 0;
  #failedWrites = 0;

  constructor(options: BatchWriterOptions<TEvent>) {
    this.#options = options;
    this.#batches = options.batches;
  }

  /** Writes and syncs that failed so far. */
  get failedWrites(): number {
    return this.#failedWrites;
  }

  /** Stores everything that is in memory now, without anybody waiting for it. */
  request(): void {
    this.#requestedId = this.#batches.lastId;
    // In a turn of its own: what is added in this one joins, and a batch is never taken while it encodes an event.
    this.#draining ??= Promise.resolve().then(() => this.#drain());
  }

  /** Stores everything that is in memory now, and resolves once it is as durable as asked. */
  flush(durability: Durability | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const isSynced = durability === 'synced';
    const throughId = this.#batches.lastId;
    if (this.#batches.oldestId > throughId && !(isSynced && this.#unsyncedBatches > 0)) return Promise.resolve();
    const flushed = this.#flushes.wait(throughId, isSynced, signal);
    this.request();
    return flushed;
  }

  /** Waits until nothing is being written. Never rejects. */
  async whenIdle(): Promise<void> {
    await this.#draining;
  }

  /** A waiting batch was dropped: whoever waits for it cannot be told that it is stored. */
  reportDropped(batch: BufferedBatch<TEvent>): void {
    const { eventCount } = batch;
    const message = `${eventCount} events were dropped before they could be flushed; write more often or allow more in memory.`;
    this.#flushes.rejectFrom(batch.id, new RelayError('RELAY_EVENTS_UNPERSISTED', message, { eventCount }));
  }

  /**
   * Stores everything in memory before it returns, in order, what is in flight first: the persistence stores that once.
   * A batch that fails stays in memory, and the next one is tried all the same.
   *
   * @returns What failed.
   */
  storeAllSync(): unknown[] {
    const errors: unknown[] = [];
    // A batch that is stored cannot be measured any more.
    this.#batches.seal();
    for (const batch of this.#batches.list()) {
      try {
        this.#settle(batch, this.#writeSync(batch));
      } catch (error) {
        this.#failedWrites += 1;
        errors.push(error);
      }
    }
    this.#resolveFlushes();
    return errors;
  }

  async #drain(): Promise<void> {
    for (;;) {
      // Calls come one after another within a turn, each in a task of its own: a sync that began with the first of them
      // would leave the others to the next one, and take as long.
      if (this.#flushes.needsSync) await endOfTurn();
      // Deciding that nothing is left and ending happen in one go, or a request in between would be forgotten.
      const step = this.#nextStep();
      if (step === undefined) break;
      await step();
    }
    this.#draining = undefined;
  }

  #nextStep(): (() => Promise<void>) | undefined {
    this.#resolveFlushes();
    const { oldestId } = this.#batches;
    if (this.#unsyncedBatches > 0 && this.#flushes.needsSyncBefore(oldestId)) return () => this.#sync();
    if (oldestId > this.#requestedId) return undefined;
    const batch = this.#batches.launch();
    return batch && (() => this.#store(batch));
  }

  async #store(batch: BufferedBatch<TEvent>): Promise<void> {
    try {
      const receipt = await this.#write(batch);
      // Stored meanwhile, because the process was about to exit?
      if (!batch.isSettled) this.#settle(batch, receipt);
    } catch (error) {
      if (batch.isSettled) return;
      this.#batches.land();
      this.#flushes.rejectFrom(batch.id, error);
      // Nobody waits for what was requested any more: the next trigger asks again.
      this.#requestedId = 0;
      this.#fail(error, batch.eventCount);
    }
  }

  #write({ id, encoded, events }: BufferedBatch<TEvent>): Promise<WriteReceipt> {
    const { persistence, durability: usual } = this.#options;
    const durability = this.#flushes.needsSyncAt(id) ? 'synced' : usual;
    const options = durability === undefined ? {} : { durability };
    if (encoded === undefined || persistence.commit === undefined) return persistence.write(events, options);
    return persistence.commit(encoded, options);
  }

  #writeSync({ source }: BufferedBatch<TEvent>): WriteReceipt {
    const { persistence } = this.#options;
    if (persistence.writeSync === undefined) throw new TypeError('The persistence offers no writeSync.');
    return persistence.writeSync(source);
  }

  /** An empty write is a barrier: it resolves once everything written before is synced. */
  async #sync(): Promise<void> {
    const coveredBatches = this.#unsyncedBatches;
    const { oldestId } = this.#batches;
    try {
      await this.#options.persistence.write([], { durability: 'synced' });
      this.#unsyncedBatches -= coveredBatches;
    } catch (error) {
      this.#flushes.rejectSyncedBefore(oldestId, error);
      this.#fail(error, 0);
    }
  }

  #settle(batch: BufferedBatch<TEvent>, receipt: WriteReceipt): void {
    // Before anything changes: without a receipt nobody knows what became of the batch.
    if (!Array.isArray(receipt?.rejected)) throw new TypeError('The persistence must answer with a WriteReceipt.');
    this.#batches.settle(batch);
    if (receipt.durability !== 'synced') this.#unsyncedBatches += 1;
    this.#options.onStored(batch, receipt);
  }

  #resolveFlushes(): void {
    this.#flushes.resolveBefore(this.#batches.oldestId, this.#unsyncedBatches === 0);
  }

  #fail(error: unknown, eventCount: number): void {
    this.#failedWrites += 1;
    this.#options.onFailed(error, eventCount);
  }
}
