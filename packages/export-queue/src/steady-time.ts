import type { Clock } from '@relaykit/types';

/**
 * Wall-clock time as it was when the queue was made, plus what has passed since: a clock that leaps while the process
 * runs neither ages a segment by years nor puts its next attempt out of reach.
 */
export class SteadyTime {
  readonly #clock: Clock;
  readonly #startEpochMs: number;
  readonly #startMonotonicMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startEpochMs = clock.now();
    this.#startMonotonicMs = clock.monotonicMs();
  }

  /** Milliseconds since the epoch. Never goes backwards. */
  nowMs(): number {
    return Math.round(this.#startEpochMs + (this.#clock.monotonicMs() - this.#startMonotonicMs));
  }
}
