// The model: a list of events, and of each what the writer has said about it.
import type { Durability, WriteReceipt } from '@relaykit/types';

export type WriterName = 'append' | 'atomic';

export interface ListedBatch {
  readonly writer: WriterName;
  /** Whether a crash may leave a part of it. */
  readonly isWhole: boolean;
  /** On a clock that counts sends and refusals. */
  readonly sentAt: number;
  readonly events: readonly ListedEvent[];
}

export interface ListedEvent {
  readonly text: string;
  readonly batch: ListedBatch;
  /**
   * - `sent`: its call has not settled, so that it may be there or not.
   * - `kept`: acknowledged, or found after a crash; it must be there once from now on.
   * - `refused`: its call was rejected; it may be on disk until the writer stores something else.
   * - `absent`: not there, and must never appear.
   */
  state: 'sent' | 'kept' | 'refused' | 'absent';
  survives: Durability;
  refusedAt: number;
  writerId: string;
  sequence: number;
  segmentId: string;
  /** The kernel dropped its page after a sync that failed: nobody can bring it back. */
  isDropped: boolean;
}

/** Every event that was ever sent, in order. */
export class EventList {
  readonly byText = new Map<string, ListedEvent>();
  #now = 0;

  newBatch(writer: WriterName, eventCount: number, isWhole: boolean): ListedBatch {
    const events: ListedEvent[] = [];
    this.#now += 1;
    const batch = { writer, isWhole, events, sentAt: this.#now };
    for (let index = 0; index < eventCount; index += 1) {
      const number = this.byText.size;
      const text = `{"n":${number},"p":"${'x'.repeat((number * 13) % 50)}"}`;
      const event: ListedEvent = {
        text,
        batch,
        state: 'sent',
        survives: 'written',
        refusedAt: 0,
        writerId: '',
        sequence: -1,
        segmentId: '',
        isDropped: false,
      };
      events.push(event);
      this.byText.set(text, event);
    }
    return batch;
  }

  acknowledge(batch: ListedBatch, receipt: WriteReceipt, isUncertain: boolean): void {
    const { durability, firstSequence, segmentId, writerId, eventCount } = receipt;
    if (eventCount !== batch.events.length) {
      throw new Error(`acknowledged ${eventCount} events of ${batch.events.length}`);
    }
    if ((segmentId === '') !== (eventCount === 0)) {
      throw new Error(`a receipt for ${eventCount} events names segment ${JSON.stringify(segmentId)}`);
    }
    // Whatever was refused before was cut off before this could be written.
    if (eventCount > 0 && !isUncertain) this.#settleRefused(batch);
    for (const [index, event] of batch.events.entries()) {
      event.state = 'kept';
      event.survives = durability;
      event.writerId = writerId;
      event.sequence = firstSequence + index;
      event.segmentId = segmentId;
    }
  }

  refuse(batch: ListedBatch): void {
    this.#now += 1;
    for (const event of batch.events) {
      event.state = 'refused';
      event.refusedAt = this.#now;
    }
  }

  #settleRefused({ writer, sentAt }: ListedBatch): void {
    for (const event of this.byText.values()) {
      const isCutOff = event.state === 'refused' && event.batch.writer === writer && event.refusedAt < sentAt;
      if (isCutOff) event.state = 'absent';
    }
  }
}
