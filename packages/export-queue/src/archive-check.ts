import type { ResolvedExportQueueOptions } from './export-queue-options.ts';
import { TROUBLE_DELAY_MS } from './segment-delivery.ts';
import type { SteadyTime } from './steady-time.ts';

/**
 * Tries the archive before the first segment is sent, once in the life of a queue: what cannot be archived cannot be
 * recorded, and would be sent again by every process that starts.
 */
export class ArchiveCheck {
  readonly #options: ResolvedExportQueueOptions;
  readonly #time: SteadyTime;
  readonly #report: (cause: unknown) => void;
  #isGood = false;
  #nextTryAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ResolvedExportQueueOptions, time: SteadyTime, report: (cause: unknown) => void) {
    this.#options = options;
    this.#time = time;
    this.#report = report;
  }

  /** What was in the way may be mended: whoever drains wants to know. */
  tryAgain(): void {
    this.#nextTryAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Never rejects. What is in the way is reported, and tried again after `TROUBLE_DELAY_MS`. */
  async isInTheWay(): Promise<boolean> {
    const { store, afterDelivery } = this.#options;
    if (this.#isGood || afterDelivery === undefined || afterDelivery === 'delete') return false;
    if (this.#time.nowMs() < this.#nextTryAtMs) return true;
    this.#nextTryAtMs = this.#time.nowMs() + TROUBLE_DELAY_MS;
    try {
      await store.checkArchive?.(afterDelivery);
      this.#isGood = true;
    } catch (cause) {
      this.#report(cause);
    }
    return !this.#isGood;
  }
}
