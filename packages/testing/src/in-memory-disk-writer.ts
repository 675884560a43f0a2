import type {
  Durability,
  EventBatch,
  EventPersisting,
  RejectedEvent,
  WriteOptions,
  WriteReceipt,
} from '@relaykit/types';
import { closedError } from './closed-error.ts';
import { encodeEvents } from './encode-event.ts';
import { InMemoryBatch } from './in-memory-batch.ts';
import { type InMemorySegment, InMemorySegments } from './in-memory-segments.ts';

/** The same limit as a real writer's: 1 MiB an event. */
export const DEFAULT_IN_MEMORY_MAX_EVENT_BYTES: number = 1024 * 1024;

/** Each has a default. */
export interface InMemoryDiskWriterOptions {
  /** What a write reaches when it does not ask. Defaults to `written`. */
  readonly durability?: Durability;
  /** Events a segment may hold before the next batch opens another; a whole number >= 1. Defaults to no limit. */
  readonly maxSegmentEvents?: number;
  /** Largest encoded event in bytes, its newline included. Defaults to `DEFAULT_IN_MEMORY_MAX_EVENT_BYTES`. */
  readonly maxEventBytes?: number;
  /** Stands in receipts and segment ids. Defaults to `memory`. */
  readonly writerId?: string;
}

/** A write or commit that has not settled. */
interface Pending {
  readonly lines: readonly string[];
  readonly rejected: readonly RejectedEvent[];
  readonly durability: Durability;
  readonly signal: AbortSignal | undefined;
  /** What the caller passed: how `writeSync` recognises what is already on its way. */
  readonly source: object;
  /** Called once the lines are stored: a batch ends with that, whoever stored it. */
  readonly onStored?: () => void;
  /** Set once stored, here or by `writeSync`; never stored twice. */
  receipt: WriteReceipt | undefined;
}

/**
 * A real `EventPersisting` that keeps its segments in memory: it serializes to JSON, orders concurrent writes, counts
 * sequences, knows what a power cut would leave, and passes `describeEventPersisting`.
 */
export class InMemoryDiskWriter<TEvent> implements EventPersisting<TEvent> {
  readonly #segments: InMemorySegments;
  readonly #durability: Durability;
  readonly #maxEventBytes: number;
  readonly #writerId: string;
  readonly #pending = new Set<Pending>();
  #tail: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: InMemoryDiskWriterOptions = {}) {
    const {
      durability = 'written',
      maxSegmentEvents = Number.MAX_SAFE_INTEGER,
      maxEventBytes = DEFAULT_IN_MEMORY_MAX_EVENT_BYTES,
      writerId = 'memory',
    } = options;
    checkCount('maxSegmentEvents', maxSegmentEvents);
    checkCount('maxEventBytes', maxEventBytes);
    this.#segments = new InMemorySegments(writerId, maxSegmentEvents);
    this.#durability = durability;
    this.#maxEventBytes = maxEventBytes;
    this.#writerId = writerId;
  }

  /** Every stored event in order, parsed anew; with `synced`, those a power cut would leave. */
  events(durability: Durability = 'written'): TEvent[] {
    return this.#segments.lines(durability).map((line) => JSON.parse(line) as TEvent);
  }

  get segments(): readonly InMemorySegment[] {
    return this.#segments.snapshot();
  }

  async write(events: readonly TEvent[], options: WriteOptions = {}): Promise<WriteReceipt> {
    this.#expectOpen('write');
    options.signal?.throwIfAborted();
    const { lines, rejected } = encodeEvents(events, this.#maxEventBytes);
    return this.#enqueue({ lines, rejected, source: events, ...this.#wishes(options) });
  }

  openBatch(): EventBatch<TEvent> {
    this.#expectOpen('openBatch');
    return new InMemoryBatch<TEvent>(this, this.#maxEventBytes);
  }

  async commit(batch: EventBatch<TEvent>, options: WriteOptions = {}): Promise<WriteReceipt> {
    const own = this.#expectOwn(batch);
    this.#expectOpen('commit');
    options.signal?.throwIfAborted();
    const lines = own.beginCommit();
    try {
      const onStored = (): void => own.free();
      return await this.#enqueue({ lines, rejected: [], source: own, onStored, ...this.#wishes(options) });
    } catch (error) {
      own.abandonCommit();
      throw error;
    }
  }

  writeSync(events: readonly TEvent[] | EventBatch<TEvent>): WriteReceipt {
    if (this.#closing !== undefined) throw closedError('writeSync');
    for (const pending of this.#pending) if (pending.source === events) return this.#store(pending);
    if (isArray(events)) {
      const { lines, rejected } = encodeEvents(events, this.#maxEventBytes);
      return this.#receipt(lines, rejected, 'written');
    }
    const own = this.#expectOwn(events);
    const receipt = this.#receipt(own.linesForExit(), [], 'written');
    own.free();
    return receipt;
  }

  close(): Promise<void> {
    this.#closing ??= this.#tail.then(() => this.#segments.seal());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wishes({ durability = this.#durability, signal }: WriteOptions): Pick<Pending, 'durability' | 'signal' | 'receipt'> {
    return { durability, signal, receipt: undefined };
  }

  #enqueue(pending: Pending): Promise<WriteReceipt> {
    this.#pending.add(pending);
    const turn = this.#tail.then(() => this.#run(pending));
    this.#tail = turn.catch(() => undefined);
    return turn.finally(() => this.#pending.delete(pending));
  }

  async #run(pending: Pending): Promise<WriteReceipt> {
    // Stored at exit already: an abort can no longer undo it.
    if (pending.receipt === undefined) pending.signal?.throwIfAborted();
    const receipt = this.#store(pending);
    if (pending.durability !== 'synced') return receipt;
    // A sync takes time, and covers what was stored before it began.
    const { nextSequence } = this.#segments;
    await Promise.resolve();
    this.#segments.sync(nextSequence);
    return { ...receipt, durability: 'synced' };
  }

  #store(pending: Pending): WriteReceipt {
    if (pending.receipt === undefined) {
      pending.receipt = this.#receipt(pending.lines, pending.rejected, 'written');
      pending.onStored?.();
    }
    return pending.receipt;
  }

  #receipt(lines: readonly string[], rejected: readonly RejectedEvent[], durability: Durability): WriteReceipt {
    const place = this.#segments.append(lines);
    return { ...place, writerId: this.#writerId, eventCount: lines.length, durability, rejected };
  }

  #expectOwn(batch: EventBatch<TEvent>): InMemoryBatch<TEvent> {
    if (batch instanceof InMemoryBatch && batch.owner === this) return batch;
    throw new TypeError('The batch was not opened by this writer; use its openBatch().');
  }

  #expectOpen(operation: string): void {
    if (this.#closing !== undefined) throw closedError(operation);
  }
}

function isArray<TEvent>(events: readonly TEvent[] | EventBatch<TEvent>): events is readonly TEvent[] {
  return Array.isArray(events);
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number >= 1, got ${value}`);
  }
}
