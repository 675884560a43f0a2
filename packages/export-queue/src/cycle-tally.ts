import type { CycleEnd, DrainReport } from './drain-report.ts';
import type { BlockKind } from './export-events.ts';
import type { DeliveryOutcome } from './segment-delivery.ts';

/** Why a queue stopped itself. */
export interface Block {
  readonly kind: BlockKind;
  /** In a sentence. */
  readonly reason: string;
  /** Of the segment at which it stopped. */
  readonly bytes: number;
}

/** What stands beside the counts of a cycle. */
export interface TallyReasons {
  readonly blocked: Block | undefined;
  readonly hold: string | undefined;
  readonly unrecorded: number;
}

/** Counts what a cycle does. */
export class CycleTally {
  #listed = 0;
  #delivered = 0;
  #quarantined = 0;
  #retriesScheduled = 0;
  #held = 0;
  #gone = 0;
  #bytes = 0;

  listed(): void {
    this.#listed += 1;
  }

  held(): void {
    this.#held += 1;
  }

  count(outcome: DeliveryOutcome): void {
    if (outcome.status === 'delivered') {
      this.#delivered += 1;
      this.#bytes += outcome.bytes;
    }
    if (outcome.status === 'quarantined') this.#quarantined += 1;
    if (outcome.status === 'retryScheduled') this.#retriesScheduled += 1;
    if (outcome.status === 'held') this.#held += 1;
    if (outcome.status === 'gone') this.#gone += 1;
  }

  addTo(totals: { delivered: number; quarantined: number; retriesScheduled: number; bytes: number }): void {
    totals.delivered += this.#delivered;
    totals.quarantined += this.#quarantined;
    totals.retriesScheduled += this.#retriesScheduled;
    totals.bytes += this.#bytes;
  }

  report(endedBy: CycleEnd, reasons: TallyReasons): DrainReport {
    return {
      endedBy,
      delivered: this.#delivered,
      quarantined: this.#quarantined,
      retriesScheduled: this.#retriesScheduled,
      held: this.#held,
      remaining: this.#listed - this.#delivered - this.#quarantined - this.#gone,
      unrecorded: reasons.unrecorded,
      bytes: this.#bytes,
      ...(reasons.blocked === undefined ? {} : { blocked: reasons.blocked.reason, blockedKind: reasons.blocked.kind }),
      ...(reasons.hold === undefined ? {} : { hold: reasons.hold }),
    };
  }
}
