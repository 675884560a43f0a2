import type { AddResult, RelayEventBuffer } from '@relaykit/buffer';
import type { FileDiskWriter } from '@relaykit/disk-writer';
import type { DiskExportQueue, DrainReport } from '@relaykit/export-queue';
import type { DiscardHeldOptions, FileSegmentStore, HeldReport, Quarantine, RecoveryReport } from '@relaykit/segments';
import { type Clock, RelayError, type SegmentMetadata, type Unsubscribe } from '@relaykit/types';
import { Deadline } from './deadline.ts';
import { DeliveryCounter, type SegmentSum } from './delivery-counter.ts';
import type { LateSegmentStore } from './late-segment-store.ts';
import type {
  Relay,
  RelayAddOptions,
  RelayCloseOptions,
  RelayCloseReport,
  RelayCounts,
  RelayDrainOptions,
  RelayFlushOptions,
} from './relay.ts';

/** Less than most supervisors wait between asking a process to end and killing it. */
export const DEFAULT_DRAIN_DEADLINE_MS = 5_000;

export interface RelayParts<TEvent> {
  readonly buffer: RelayEventBuffer<TEvent>;
  readonly writer: FileDiskWriter<TEvent>;
  readonly store: LateSegmentStore<FileSegmentStore>;
  readonly queue: DiskExportQueue | undefined;
  readonly clock: Clock;
  /** Ends what watches the parts, once they are closed. */
  readonly observed: readonly Unsubscribe[];
  readonly droppedFromSpool: () => SegmentSum;
}

/** The parts, working as one. */
export class AssembledRelay<TEvent> implements Relay<TEvent> {
  readonly buffer: RelayEventBuffer<TEvent>;
  readonly writer: FileDiskWriter<TEvent>;
  readonly store: LateSegmentStore<FileSegmentStore>;
  readonly queue: DiskExportQueue | undefined;
  readonly #clock: Clock;
  readonly #delivery: DeliveryCounter;
  readonly #observed: readonly Unsubscribe[];
  readonly #droppedFromSpool: () => SegmentSum;
  #closing: Promise<RelayCloseReport> | undefined;

  constructor({ buffer, writer, store, queue, clock, observed, droppedFromSpool }: RelayParts<TEvent>) {
    this.#observed = observed;
    this.#droppedFromSpool = droppedFromSpool;
    this.buffer = buffer;
    this.writer = writer;
    this.store = store;
    this.queue = queue;
    this.#clock = clock;
    this.#delivery = new DeliveryCounter(queue);
  }

  add(event: TEvent): AddResult {
    return this.buffer.add(event);
  }

  addWhenRoom(event: TEvent, options?: RelayAddOptions): Promise<AddResult> {
    return this.buffer.addWhenRoom(event, options);
  }

  async open(): Promise<RecoveryReport> {
    const report = await this.writer.open();
    await this.store.open();
    return report;
  }

  flush(options?: RelayFlushOptions): Promise<void> {
    return this.buffer.flush(options);
  }

  async rotate(options?: RelayFlushOptions): Promise<SegmentMetadata | undefined> {
    await this.buffer.flush(options);
    return this.writer.rotate();
  }

  async drain(options: RelayDrainOptions = {}): Promise<DrainReport> {
    const { queue } = this;
    if (queue === undefined) {
      throw new TypeError('drain needs somewhere to deliver to; pass url or uploader to createRelay');
    }
    this.#checkOpen('drain');
    const since = queue.counts();
    await this.rotate(options);
    return queue.drain({ ...options, since });
  }

  async releaseHeld(): Promise<HeldReport> {
    this.#checkOpen('releaseHeld');
    // What is in memory goes with the rest, rather than before it.
    await this.rotate();
    this.writer.setHoldExport(false);
    // A batch that was written between the two was held still.
    await this.writer.rotate();
    const report = await (await this.store.open()).releaseHeld();
    this.queue?.wake();
    return report;
  }

  async discardHeld(options?: Pick<DiscardHeldOptions, 'reason'>): Promise<HeldReport> {
    this.#checkOpen('discardHeld');
    await this.rotate();
    return (await this.store.open()).discardHeld(options);
  }

  async quarantine(): Promise<Quarantine> {
    this.#checkOpen('quarantine');
    return (await this.store.open()).quarantine;
  }

  close(options: RelayCloseOptions = {}): Promise<RelayCloseReport> {
    const { drain = false, deadlineMs = drain ? DEFAULT_DRAIN_DEADLINE_MS : undefined } = options;
    if (deadlineMs !== undefined && (!Number.isSafeInteger(deadlineMs) || deadlineMs < 0)) {
      throw new RangeError(`deadlineMs must be a whole number >= 0, got ${String(deadlineMs)}`);
    }
    if (drain && this.queue === undefined) {
      throw new TypeError('drain needs somewhere to deliver to; pass url or uploader to createRelay');
    }
    // Set before anything of a caller's runs, so that whatever closing calls finds the relay closed.
    this.#closing ??= Promise.resolve().then(() => this.#close(drain, deadlineMs));
    return this.#closing;
  }

  counts(): RelayCounts {
    return { ...this.buffer.counts(), delivery: this.#delivery.counts, droppedFromSpool: this.#droppedFromSpool() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { unpersistedEventCount: eventCount, errors } = await this.close();
    const [cause] = errors;
    if (eventCount > 0) {
      const message = `${eventCount} events could not be stored before the relay closed; they are lost.`;
      throw new RelayError('RELAY_EVENTS_UNPERSISTED', message, { eventCount }, { cause });
    }
    if (errors.length > 0) throw cause;
  }

  /** Each step is taken whatever became of those before it: a disk that fails must not keep connections open. */
  async #close(isDraining: boolean, deadlineMs: number | undefined): Promise<RelayCloseReport> {
    const since = this.queue?.counts();
    // Closes the writer too, which seals the last segment.
    const { unpersistedEventCount, errors: bufferErrors } = await this.buffer.close();
    const errors = [...bufferErrors];
    const attempt = async <Result>(step: () => Promise<Result> | undefined): Promise<Result | undefined> => {
      try {
        return await step();
      } catch (error) {
        errors.push(error);
        return undefined;
      }
    };
    const deadline = new Deadline(this.#clock, deadlineMs);
    const drained = isDraining
      ? await attempt(() => this.queue?.drain({ signal: deadline.signal, ...(since && { since }) }))
      : undefined;
    await attempt(() => this.queue?.close(deadline.leftOptions()));
    deadline.end();
    await attempt(() => this.store.close());
    for (const end of this.#observed) end();
    return { unpersistedEventCount, errors, ...(drained === undefined ? {} : { drained }) };
  }

  #checkOpen(operation: string): void {
    if (this.#closing === undefined) return;
    throw new RelayError('RELAY_CLOSED', `Cannot ${operation}: the relay is closed; make a new one.`, { operation });
  }
}
