import {
  type BatchAddOutcome,
  type Durability,
  type EventBatch,
  type EventPersisting,
  RelayError,
  type WriteOptions,
  type WriteReceipt,
} from '@relaykit/types';
import { closedError } from './closed-error.ts';
import { encodeEvent } from './encode-event.ts';
import { HoldGate } from './hold-gate.ts';
import type { InMemoryBatch } from './in-memory-batch.ts';
import { InMemoryDiskWriter, type InMemoryDiskWriterOptions } from './in-memory-disk-writer.ts';

/** Which optional parts of `EventPersisting` the mock offers. */
export interface MockDiskWriterOptions extends InMemoryDiskWriterOptions {
  /** Whether `openBatch` and `commit` exist. Defaults to `true`. */
  readonly offersBatches?: boolean;
  /** Whether `writeSync` exists. Defaults to `true`. */
  readonly offersWriteSync?: boolean;
}

/** One call of the code under test, in the order in which the calls came. */
export interface MockCall<TEvent> {
  readonly method: 'write' | 'commit' | 'writeSync' | 'close';
  /** The events passed, as they were then. */
  readonly events: readonly TEvent[];
  /** What was asked for; `undefined` where it was left to the writer. */
  readonly durability: Durability | undefined;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly receipt: WriteReceipt | undefined;
  readonly error: unknown;
}

type MutableCall<TEvent> = { -readonly [Key in keyof MockCall<TEvent>]: MockCall<TEvent>[Key] };

/**
 * An `InMemoryDiskWriter` that records every call, fails when told to and waits when held. What it stored is in
 * `events`. A failed call stores nothing, as the contract says.
 */
export class MockDiskWriter<TEvent> implements EventPersisting<TEvent> {
  readonly openBatch?: () => EventBatch<TEvent>;
  readonly commit?: (batch: EventBatch<TEvent>, options?: WriteOptions) => Promise<WriteReceipt>;
  readonly writeSync?: (events: readonly TEvent[] | EventBatch<TEvent>) => WriteReceipt;
  readonly #memory: InMemoryDiskWriter<TEvent>;
  readonly #gate = new HoldGate();
  readonly #calls: MutableCall<TEvent>[] = [];
  /** What is on its way, by the array or batch passed, and its receipt once `writeSync` stored it. */
  readonly #underWay = new Map<object, { receipt: WriteReceipt | undefined }>();
  #failure: { error: unknown; remaining: number } | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor({ offersBatches = true, offersWriteSync = true, ...memory }: MockDiskWriterOptions = {}) {
    this.#memory = new InMemoryDiskWriter<TEvent>(memory);
    if (offersBatches) {
      this.openBatch = () => {
        if (this.#closing !== undefined) throw closedError('openBatch');
        return new MockBatch(this.#memory.openBatch() as InMemoryBatch<TEvent>);
      };
      this.commit = (batch, options) => this.#commit(batch, options);
    }
    if (offersWriteSync) this.writeSync = (events) => this.#writeSync(events);
  }

  get calls(): readonly MockCall<TEvent>[] {
    return this.#calls;
  }

  /** Calls that `hold` keeps waiting now. */
  get heldCount(): number {
    return this.#gate.waitingCount;
  }

  /** Every stored event in order, parsed anew; with `synced`, those a power cut would leave. */
  events(durability?: Durability): TEvent[] {
    return this.#memory.events(durability);
  }

  /**
   * Makes the next `times` stores fail, `Number.POSITIVE_INFINITY` for all of them, until `succeed`. A call that is
   * held counts when it is let through.
   *
   * @param error - Defaults to `RELAY_STORAGE_FULL`.
   */
  failNext(times: number = 1, error: unknown = storageFull()): void {
    this.#failure = { error, remaining: times };
  }

  /** Ends what `failNext` began. */
  succeed(): void {
    this.#failure = undefined;
  }

  /** Keeps `write` and `commit` waiting before they store anything; `writeSync` never waits. */
  hold(): void {
    this.#gate.hold();
  }

  /** Lets `count` calls through, waiting ones first, and holds the rest; without `count`, all and no longer holds. */
  release(count?: number): void {
    this.#gate.release(count);
  }

  write(events: readonly TEvent[], options: WriteOptions = {}): Promise<WriteReceipt> {
    const copy = Array.from(events, asItIs);
    const call = this.#record('write', copy, options.durability);
    return this.#enqueue(call, events, options, () => this.#memory.write(copy, withoutSignal(options)));
  }

  close(): Promise<void> {
    const call = this.#record('close', [], undefined);
    this.#closing ??= this.#tail.then(() => this.#memory.close());
    void this.#closing.then(() => {
      call.status = 'succeeded';
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #commit(batch: EventBatch<TEvent>, options: WriteOptions = {}): Promise<WriteReceipt> {
    const own = this.#expectOwn(batch);
    const call = this.#record('commit', own.events, options.durability);
    return this.#enqueue(call, own, options, () => this.#memory.commit(own.inner, withoutSignal(options)));
  }

  #writeSync(source: readonly TEvent[] | EventBatch<TEvent>): WriteReceipt {
    const own = isArray(source) ? undefined : this.#expectOwn(source);
    const call = this.#record(
      'writeSync',
      own ? own.events : Array.from(source as readonly TEvent[], asItIs),
      undefined,
    );
    try {
      if (this.#closing !== undefined) throw closedError('writeSync');
      this.#failIfAsked();
      const underWay = this.#underWay.get(own ?? source);
      call.receipt = underWay?.receipt ?? this.#memory.writeSync(own?.inner ?? source);
      if (underWay !== undefined) underWay.receipt = call.receipt;
      call.status = 'succeeded';
      return call.receipt;
    } catch (error) {
      call.status = 'failed';
      call.error = error;
      throw error;
    }
  }

  #record(method: MockCall<TEvent>['method'], events: readonly TEvent[], durability: Durability | undefined) {
    const call: MutableCall<TEvent> = {
      method,
      events,
      durability,
      status: 'pending',
      receipt: undefined,
      error: undefined,
    };
    this.#calls.push(call);
    return call;
  }

  #enqueue(
    call: MutableCall<TEvent>,
    source: object,
    { signal }: WriteOptions,
    store: () => Promise<WriteReceipt>,
  ): Promise<WriteReceipt> {
    if (this.#closing !== undefined) return this.#settle(call, Promise.reject(closedError(call.method)));
    if (signal?.aborted) return this.#settle(call, Promise.reject(signal.reason));
    const underWay: { receipt: WriteReceipt | undefined } = { receipt: undefined };
    this.#underWay.set(source, underWay);
    const turn = this.#tail.then(async () => {
      await this.#gate.wait(signal);
      if (underWay.receipt !== undefined) return underWay.receipt;
      signal?.throwIfAborted();
      this.#failIfAsked();
      underWay.receipt = await store();
      return underWay.receipt;
    });
    this.#tail = turn.catch(() => undefined);
    const settled = turn.finally(() => {
      if (this.#underWay.get(source) === underWay) this.#underWay.delete(source);
    });
    return this.#settle(call, settled);
  }

  async #settle(call: MutableCall<TEvent>, result: Promise<WriteReceipt>): Promise<WriteReceipt> {
    try {
      call.receipt = await result;
      call.status = 'succeeded';
      return call.receipt;
    } catch (error) {
      call.status = 'failed';
      call.error = error;
      throw error;
    }
  }

  #failIfAsked(): void {
    if (this.#failure === undefined || this.#failure.remaining <= 0) return;
    this.#failure.remaining -= 1;
    throw this.#failure.error;
  }

  #expectOwn(batch: EventBatch<TEvent>): MockBatch<TEvent> {
    if (batch instanceof MockBatch) return batch;
    throw new TypeError('The batch was not opened by this writer; use its openBatch().');
  }
}

/** Tells what was added, for the record of calls. */
class MockBatch<TEvent> implements EventBatch<TEvent> {
  readonly inner: InMemoryBatch<TEvent>;

  constructor(inner: InMemoryBatch<TEvent>) {
    this.inner = inner;
  }

  /** As they were when they were added; none once the batch was stored or released. */
  get events(): TEvent[] {
    return this.eventCount === 0 ? [] : this.inner.linesForExit().map((line) => JSON.parse(line) as TEvent);
  }

  get eventCount(): number {
    return this.inner.eventCount;
  }

  get sizeBytes(): number {
    return this.inner.sizeBytes;
  }

  add(event: TEvent): BatchAddOutcome {
    return this.inner.add(event);
  }

  release(): void {
    this.inner.release();
  }
}

/** The mock has looked at the signal; what it hands on is on its way to the disk. */
function withoutSignal({ durability }: WriteOptions): WriteOptions {
  return durability === undefined ? {} : { durability };
}

/** As it is stored: what the caller changes later is no part of it. What has no such form is kept for its rejection. */
function asItIs<TEvent>(event: TEvent): TEvent {
  const encoded = encodeEvent(event, Number.POSITIVE_INFINITY);
  return 'rejected' in encoded ? event : (JSON.parse(encoded.json) as TEvent);
}

function isArray<TEvent>(source: readonly TEvent[] | EventBatch<TEvent>): source is readonly TEvent[] {
  return Array.isArray(source);
}

function storageFull(): RelayError<'RELAY_STORAGE_FULL'> {
  const facts = { path: 'mock', operation: 'write', attempts: 1, systemCode: 'ENOSPC' } as const;
  return new RelayError('RELAY_STORAGE_FULL', 'Cannot write mock: the disk is full; make room and try again.', facts);
}
