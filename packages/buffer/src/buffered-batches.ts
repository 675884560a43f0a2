import type { BatchAddOutcome, EventBatch } from '@relaykit/types';
import { BufferedBatch } from './buffered-batch.ts';

/**
 * The events in memory, as batches from the oldest to the youngest: at most one in flight, then those that wait, the
 * last of which may be open for more. A linked list, so that every step takes the same time however many there are.
 */
export class BufferedBatches<TEvent> {
  readonly #openEncoded: (() => EventBatch<TEvent>) | undefined;
  #first: BufferedBatch<TEvent> | undefined;
  #last: BufferedBatch<TEvent> | undefined;
  #open: BufferedBatch<TEvent> | undefined;
  #inFlight: BufferedBatch<TEvent> | undefined;
  #lastId = 0;
  /** Events in memory, those in flight included. */
  eventCount = 0;
  /** Bytes of all batches that take no more and are in memory. */
  #endedBytes = 0;
  /** The same of all that there ever were. */
  #everEndedBytes = 0;
  /** Never less than the bytes of the open batch, which cost something to count. */
  #openBytesAtMost = 0;

  /** @param openEncoded - Without it, events are held as they are. */
  constructor(openEncoded: (() => EventBatch<TEvent>) | undefined) {
    this.#openEncoded = openEncoded;
  }

  get first(): BufferedBatch<TEvent> | undefined {
    return this.#first;
  }

  get inFlight(): BufferedBatch<TEvent> | undefined {
    return this.#inFlight;
  }

  /** Id of the youngest batch there ever was, 0 before the first. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Id of the oldest batch that is neither stored nor dropped; infinite where there is none. */
  get oldestId(): number {
    return this.#inFlight?.id ?? this.#first?.id ?? Number.POSITIVE_INFINITY;
  }

  /** Encoded bytes in memory; 0 where events are held as they are. */
  get sizeBytes(): number {
    return this.#endedBytes + (this.#open?.encoded?.sizeBytes ?? 0);
  }

  /** Encoded bytes of all events there ever were. */
  get addedBytes(): number {
    return this.#everEndedBytes + (this.#open?.encoded?.sizeBytes ?? 0);
  }

  /** Whether less than `maxBytes` are in memory. */
  isBelow(maxBytes: number): boolean {
    return this.#endedBytes + this.#openBytesAtMost < maxBytes || this.sizeBytes < maxBytes;
  }

  /** Puts the event into the open batch, opening one if there is none. */
  add(event: TEvent): BatchAddOutcome {
    this.#open ??= new BufferedBatch(this.#openEncoded?.());
    const batch = this.#open;
    if (batch.encoded === undefined) {
      batch.events.push(event);
    } else {
      const outcome = batch.encoded.add(event);
      if (outcome !== 'added') return outcome;
      this.#openBytesAtMost = batch.encoded.sizeBytesAtMost ?? batch.encoded.sizeBytes;
    }
    batch.eventCount += 1;
    this.eventCount += 1;
    // A batch without events never enters the queue: there would be nothing to store.
    if (batch.id === 0) this.#enqueue(batch);
    return 'added';
  }

  /** Whether the open batch holds that much. */
  isOpenBatchFull(maxEvents: number, maxBytes: number): boolean {
    const batch = this.#open;
    if (batch === undefined) return false;
    if (batch.eventCount >= maxEvents) return true;
    return this.#openBytesAtMost >= maxBytes && (batch.encoded?.sizeBytes ?? 0) >= maxBytes;
  }

  /** Ends the open batch, if it holds an event: the next one opens another. */
  seal(): void {
    const batch = this.#open;
    if (batch === undefined || batch.id === 0) return;
    batch.sizeBytes = batch.encoded?.sizeBytes ?? 0;
    this.#endedBytes += batch.sizeBytes;
    this.#everEndedBytes += batch.sizeBytes;
    this.#openBytesAtMost = 0;
    this.#open = undefined;
  }

  /** Moves the oldest waiting batch into flight. */
  launch(): BufferedBatch<TEvent> | undefined {
    this.#inFlight = this.#shift();
    return this.#inFlight;
  }

  /** Puts what is in flight back in front of those that wait. */
  land(): void {
    const batch = this.#inFlight;
    if (batch === undefined) return;
    this.#inFlight = undefined;
    batch.next = this.#first;
    this.#first = batch;
    this.#last ??= batch;
  }

  /** What is in memory, oldest first, what is in flight included. */
  list(): BufferedBatch<TEvent>[] {
    const batches = this.#inFlight === undefined ? [] : [this.#inFlight];
    for (let batch = this.#first; batch !== undefined; batch = batch.next) batches.push(batch);
    return batches;
  }

  /** Takes a batch out for good, in flight or waiting; at no cost for the oldest. */
  settle(batch: BufferedBatch<TEvent>): void {
    if (batch === this.#inFlight) this.#inFlight = undefined;
    else this.#unlink(batch);
    this.#forget(batch);
  }

  /** Takes the oldest waiting batch out for good; what is in flight stays. */
  removeOldest(): BufferedBatch<TEvent> | undefined {
    const batch = this.#shift();
    if (batch !== undefined) this.#forget(batch);
    return batch;
  }

  /** Gives back the memory of an open batch that never got an event. */
  releaseEmpty(): void {
    if (this.#open?.id === 0) this.#open.encoded?.release();
    this.#open = undefined;
  }

  #enqueue(batch: BufferedBatch<TEvent>): void {
    this.#lastId += 1;
    batch.id = this.#lastId;
    if (this.#last === undefined) this.#first = batch;
    else this.#last.next = batch;
    this.#last = batch;
  }

  #shift(): BufferedBatch<TEvent> | undefined {
    const batch = this.#first;
    if (batch === undefined) return undefined;
    this.#first = batch.next;
    batch.next = undefined;
    if (this.#first === undefined) this.#last = undefined;
    if (batch === this.#open) this.seal();
    return batch;
  }

  #unlink(batch: BufferedBatch<TEvent>): void {
    if (batch === this.#first) {
      this.#shift();
      return;
    }
    let before = this.#first;
    while (before !== undefined && before.next !== batch) before = before.next;
    if (before === undefined) return;
    before.next = batch.next;
    batch.next = undefined;
    if (batch === this.#last) this.#last = before;
    if (batch === this.#open) this.seal();
  }

  #forget(batch: BufferedBatch<TEvent>): void {
    batch.isSettled = true;
    this.eventCount -= batch.eventCount;
    this.#endedBytes -= batch.sizeBytes;
  }
}
