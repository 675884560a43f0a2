import { type LedgerRecord, messageOf, type Spool } from '@relaykit/segments';
import { isRelayError } from '@relaykit/types';

/** Events that were dropped before they were stored. */
export interface DroppedEarlier {
  /** As the ledger will have it. */
  readonly reason: string;
  readonly eventCount: number;
}

/** Takes so many numbers and gives their record its name; `undefined` where a segment is being written. */
export type PlaceLoss = (eventCount: number) => Pick<LedgerRecord, 'id' | 'firstSequence'> | undefined;

/**
 * Brings to the ledger what was dropped before it was stored. Such events take numbers of their writer between two
 * segments, so that every number is in one place: in a segment, or in a record of one that never was.
 *
 * No write waits for the ledger, whose lock another process may hold. Until it has the records that were placed last,
 * no others are placed: so one for each reason waits at most, however long that takes.
 */
export class LossRecorder {
  readonly #waiting = new Map<string, number>();
  /** Records whose numbers are taken and that the ledger may not have yet; each is tried as it is until it does. */
  readonly #unrecorded: LedgerRecord[] = [];
  /** Resolves to what kept the ledger from taking all of them; to `undefined` where it has. */
  #recording: Promise<unknown> | undefined;

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#unrecorded.length === 0;
  }

  note({ reason, eventCount }: DroppedEarlier): void {
    this.#waiting.set(reason, (this.#waiting.get(reason) ?? 0) + eventCount);
  }

  /**
   * Takes numbers, before it returns, and records them beside what happens next. To be called between two segments. What
   * cannot be recorded now is tried again between the next two.
   */
  record(spool: Spool, place: PlaceLoss): void {
    if (this.#recording) return;
    if (this.#unrecorded.length === 0) this.#placeWaiting(spool, place);
    if (this.#unrecorded.length === 0) return;
    this.#recording = this.#recordAll(spool).finally(() => {
      this.#recording = undefined;
    });
  }

  /** Records what there is, and waits for it: as long as the ledger waits for its lock, once. Never rejects. */
  async finish(spool: Spool, place: PlaceLoss): Promise<void> {
    // A lock that somebody kept all the while would be waited for as long again.
    if (isRelayError(await this.#recording, 'RELAY_LOCK_BUSY')) return;
    // What is left of earlier tries, and then what could not be placed before that was recorded.
    for (let round = 1; round <= 2; round += 1) {
      this.record(spool, place);
      if ((await this.#recording) !== undefined) return;
    }
  }

  #placeWaiting(spool: Spool, place: PlaceLoss): void {
    const at = new Date(spool.clock.now()).toISOString();
    for (const [reason, eventCount] of [...this.#waiting]) {
      const placed = place(eventCount);
      if (!placed) return;
      this.#waiting.delete(reason);
      this.#unrecorded.push({ kind: 'segment', ...placed, outcome: 'dropped', reason, eventCount, bytes: 0, at });
    }
  }

  async #recordAll(spool: Spool): Promise<unknown> {
    try {
      for (let next = this.#unrecorded[0]; next !== undefined; next = this.#unrecorded[0]) {
        await spool.ledger.record(next);
        this.#unrecorded.shift();
      }
      return undefined;
    } catch (error) {
      const waiting = [...this.#unrecorded.map(({ eventCount }) => eventCount), ...this.#waiting.values()];
      spool.logger?.warn('dropped events could not be recorded; it is tried again with the next segment', {
        events: waiting.reduce((sum, eventCount) => sum + eventCount, 0),
        error: messageOf(error),
      });
      return error;
    }
  }
}
