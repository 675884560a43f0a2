import { QUARANTINE_FULL_REASON } from '@relaykit/segments';
import type { SegmentOutcome, SegmentStore } from '@relaykit/types';

/** So many rejections in a row block the queue: a wrong address or key must not empty the spool into quarantine. */
export const REJECTIONS_BEFORE_BLOCK = 10;

/** What begins the reason of a segment that the receiver refused for good. */
export const REJECTED_REASON = 'rejected: ';

/**
 * Rejections with nothing accepted in between. It goes on where an earlier process ended: a job that runs once an hour, or
 * a service that is started anew again and again, would otherwise put nine segments more in quarantine each time.
 */
export class RejectionRun {
  #length = 0;
  #isContinued = false;

  get length(): number {
    return this.#length;
  }

  /** Adds what earlier processes saw, once. */
  async continueFrom(store: SegmentStore): Promise<void> {
    if (this.#isContinued || store.outcomesSinceDelivery === undefined) return;
    const outcomes = await store.outcomesSinceDelivery();
    // Ended meanwhile by somebody who says that the cause is mended.
    if (this.#isContinued) return;
    this.#isContinued = true;
    this.#length += outcomes.filter(isRejection).length;
  }

  /** Whether the queue has to stop. */
  rejected(): boolean {
    this.#length += 1;
    return this.#length >= REJECTIONS_BEFORE_BLOCK;
  }

  end(): void {
    this.#length = 0;
    this.#isContinued = true;
  }
}

/** What a full quarantine dropped was mostly put there by rejections; its record no longer says so. */
function isRejection(outcome: SegmentOutcome): boolean {
  if (outcome.status === 'quarantined') return outcome.reason.startsWith(REJECTED_REASON);
  return outcome.status === 'dropped' && outcome.reason === QUARANTINE_FULL_REASON;
}
