import { type LedgerRecord, messageOf, type Spool } from '@relaykit/segments';

/** Events that were dropped before they were stored. */
export interface DroppedEarlier {
  /** As the ledger will have it. */
  readonly reason: string;
  readonly eventCount: number;
}

/**
 * Brings to the ledger what was dropped before it was stored. Such events take numbers of their writer between two
 * segments, so that every number is in one place: in a segment, or in a record of one that never was.
 */
export class LossRecorder {
  readonly #waiting = new Map<string, number>();
  /** Records whose numbers are taken and that the ledger may not have yet; each is tried as it is until it does. */
  readonly #unrecorded: LedgerRecord[] = [];

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#unrecorded.length === 0;
  }

  note({ reason, eventCount }: DroppedEarlier): void {
    this.#waiting.set(reason, (this.#waiting.get(reason) ?? 0) + eventCount);
  }

  /**
   * Takes numbers, before it returns, and records them. To be called between two segments. Never rejects: what cannot be
   * recorded now is tried again between the next two.
   *
   * @param place - Takes so many numbers and gives the record its name.
   */
  async record(spool: Spool, place: (eventCount: number) => Pick<LedgerRecord, 'id' | 'firstSequence'>): Promise<void> {
    const at = new Date(spool.clock.now()).toISOString();
    for (const [reason, eventCount] of this.#waiting) {
      const { id, firstSequence } = place(eventCount);
      const outcome = 'dropped' as const;
      this.#unrecorded.push({ kind: 'segment', id, outcome, reason, firstSequence, eventCount, bytes: 0, at });
    }
    this.#waiting.clear();
    try {
      for (let next = this.#unrecorded[0]; next !== undefined; next = this.#unrecorded[0]) {
        await spool.ledger.record(next);
        if (this.#unrecorded[0] === next) this.#unrecorded.shift();
      }
    } catch (error) {
      spool.logger?.warn('dropped events could not be recorded; it is tried again with the next segment', {
        events: this.#unrecorded.reduce((sum, { eventCount }) => sum + eventCount, 0),
        error: messageOf(error),
      });
    }
  }
}
