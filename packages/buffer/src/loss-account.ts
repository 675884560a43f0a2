import type { DropReason, RefusalReason } from './add-result.ts';
import { errorFacts, type GuardedLogger } from './guarded-logger.ts';

/** Events that are gone. */
export interface DroppedEvents {
  readonly reason: DropReason;
  /** How many events went, all for `reason`. */
  readonly eventCount: number;
  /** What the persistence said, where it said something. */
  readonly cause?: unknown;
}

/** Told of every drop. What it throws harms nobody. */
export type DroppedListener = (dropped: DroppedEvents) => void;

/** Counts what the buffer could not keep, and says so. */
export class LossAccount {
  readonly dropped: Record<DropReason, number> = { overflow: 0, unserializable: 0, tooLarge: 0, unpersisted: 0 };
  readonly refused: Record<RefusalReason, number> = { full: 0, closed: 0 };
  readonly #onDropped: DroppedListener | undefined;
  readonly #logger: GuardedLogger;
  readonly #unannounced = new Map<DropReason, number>();
  readonly #onCounted: ((drop: { readonly reason: DropReason; readonly eventCount: number }) => void) | undefined;
  #isAnnouncing = false;

  /** @param onCounted - Told of every drop, at once and before any listener. */
  constructor(
    onDropped: DroppedListener | undefined,
    logger: GuardedLogger,
    onCounted: ((drop: { readonly reason: DropReason; readonly eventCount: number }) => void) | undefined,
  ) {
    this.#onCounted = onCounted;
    this.#onDropped = onDropped;
    this.#logger = logger;
  }

  drop(reason: DropReason, eventCount: number, cause?: unknown): void {
    this.dropEach([{ reason, eventCount, cause }]);
  }

  /** Counts all before it announces any: the listener may look at the buffer's counts, which are right by then. */
  dropEach(drops: readonly DroppedEvents[]): void {
    for (const { reason, eventCount, cause } of drops) {
      const before = this.dropped[reason];
      this.dropped[reason] = before + eventCount;
      this.#onCounted?.({ reason, eventCount });
      if (!hasMoreDigits(before, before + eventCount)) continue;
      const facts = cause === undefined ? {} : errorFacts(cause);
      this.#logger.warn('Events were dropped.', { reason, droppedInAll: before + eventCount, ...facts });
    }
    for (const { reason, eventCount, cause } of drops) this.#announce(reason, eventCount, cause);
  }

  refuse(reason: RefusalReason): void {
    const before = this.refused[reason];
    this.refused[reason] = before + 1;
    if (hasMoreDigits(before, before + 1)) {
      this.#logger.warn('Events were refused; whoever added them has to keep or lose them.', {
        reason,
        refusedInAll: before + 1,
      });
    }
  }

  #announce(reason: DropReason, eventCount: number, cause: unknown): void {
    if (this.#onDropped === undefined) return;
    const unannounced = (this.#unannounced.get(reason) ?? 0) + eventCount;
    this.#unannounced.set(reason, unannounced);
    // A listener that adds to a full buffer causes drops itself: they go with the next announcement, or it never ends.
    if (this.#isAnnouncing) return;
    this.#unannounced.set(reason, 0);
    this.#isAnnouncing = true;
    try {
      this.#onDropped({ reason, eventCount: unannounced, ...(cause === undefined ? {} : { cause }) });
    } catch (error) {
      this.#logger.error('onDropped threw.', errorFacts(error));
    } finally {
      this.#isAnnouncing = false;
    }
  }
}

/** True at 1, 10, 100 …: a log line for each of these says enough and floods nothing. */
function hasMoreDigits(before: number, after: number): boolean {
  return before === 0 ? after > 0 : String(after).length > String(before).length;
}
