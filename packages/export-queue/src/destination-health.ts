import { exponentialBackoff, nextDelayMs } from '@relaykit/retry';
import type { ExponentialBackoff } from '@relaykit/types';

/**
 * So many failures of different segments, one after another with nothing accepted in between, speak of the receiver and
 * not of the segments: without a pause, ten thousand waiting segments would knock ten thousand times.
 */
export const FAILURES_BEFORE_PAUSE = 5;

/** How long nothing is sent, by the number of pauses in a row. One attempt in five minutes finds a receiver that is back. */
export const DESTINATION_BACKOFF: Required<ExponentialBackoff> = exponentialBackoff({
  maxAttempts: Number.MAX_SAFE_INTEGER,
  initialDelayMs: 1_000,
  maxDelayMs: 300_000,
});

export interface DestinationPause {
  readonly delayMs: number;
  readonly reason: 'asked' | 'failing';
}

/**
 * Whether the receiver takes anything at all, a circuit breaker: pauses after failures in a row, and when asked to.
 * After a pause one segment probes; its failure makes the next pause longer, an answer ends them.
 */
export class DestinationHealth {
  readonly #random: () => number;
  #failuresInARow = 0;
  #pausesInARow = 0;
  #pausedUntilMs = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Until when nothing is sent; in the past where nothing is in the way. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** Whether one segment should go alone before the others follow. */
  get needsProbe(): boolean {
    return this.#pausesInARow > 0;
  }

  /** The receiver judged a segment, so it is there; or somebody says so. */
  answered(): void {
    this.#failuresInARow = 0;
    this.#pausesInARow = 0;
    this.#pausedUntilMs = 0;
  }

  /** A segment failed in a way that may be its own. Returns the pause that this began. */
  failed(nowMs: number): DestinationPause | undefined {
    this.#failuresInARow += 1;
    // Uploads that were under way when the pause began tell nothing new.
    if (nowMs < this.#pausedUntilMs) return undefined;
    if (!this.needsProbe && this.#failuresInARow < FAILURES_BEFORE_PAUSE) return undefined;
    return this.#pause(nowMs, this.#nextBackoffMs(nowMs), 'failing');
  }

  /** The receiver asked to be left alone, for `delayMs` if it said how long. Returns the pause that this began. */
  askedToWait(nowMs: number, delayMs = 0): DestinationPause | undefined {
    this.#failuresInARow += 1;
    if (nowMs < this.#pausedUntilMs) {
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + delayMs);
      return undefined;
    }
    // "Retry-After: 0" from a receiver that refuses everything must not become a loop.
    return this.#pause(nowMs, Math.max(delayMs, this.#nextBackoffMs(nowMs)), 'asked');
  }

  #nextBackoffMs(nowMs: number): number {
    const attempts = this.#pausesInARow + 1;
    const failure = { attempts, elapsedMs: nowMs, cause: undefined };
    return Math.ceil(nextDelayMs(DESTINATION_BACKOFF, failure, this.#random) ?? DESTINATION_BACKOFF.maxDelayMs);
  }

  #pause(nowMs: number, delayMs: number, reason: 'asked' | 'failing'): DestinationPause {
    this.#pausesInARow += 1;
    this.#pausedUntilMs = nowMs + delayMs;
    return { delayMs, reason };
  }
}
