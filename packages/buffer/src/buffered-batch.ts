import type { EventBatch } from '@relaykit/types';

/** Events that are stored in one call: encoded already, or held as they are. */
export class BufferedBatch<TEvent> {
  /** `undefined` where the events are held as they are. */
  readonly encoded: EventBatch<TEvent> | undefined;
  readonly events: TEvent[] = [];
  /** Position among the buffer's batches, from 1; 0 until the first event is in. */
  id = 0;
  eventCount = 0;
  /** Measured when the batch ends; 0 for events held as they are, whose size nobody knows yet. */
  sizeBytes = 0;
  /** Stored or dropped: an answer that comes later changes nothing. */
  isSettled = false;
  /** The next younger batch in the queue. */
  next: BufferedBatch<TEvent> | undefined;

  constructor(encoded: EventBatch<TEvent> | undefined) {
    this.encoded = encoded;
  }

  /** What the persistence stores. It recognises what is on its way by this object. */
  get source(): EventBatch<TEvent> | readonly TEvent[] {
    return this.encoded ?? this.events;
  }
}
