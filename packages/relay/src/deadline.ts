import type { Clock, Timer } from '@relaykit/types';

/** One span of time that several steps share. Without a length it never ends. */
export class Deadline {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #endsAtMs: number | undefined;
  readonly #timer: Timer | undefined;

  constructor(clock: Clock, lengthMs: number | undefined) {
    this.#clock = clock;
    if (lengthMs === undefined) return;
    this.#endsAtMs = clock.monotonicMs() + lengthMs;
    this.#timer = clock.setTimer(lengthMs, () => this.#abort.abort(), { keepsProcessAlive: true });
  }

  /** Aborts at the end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What is left, as an option for a step; empty where there is no end. */
  leftOptions(): { readonly deadlineMs?: number } {
    if (this.#endsAtMs === undefined) return {};
    return { deadlineMs: Math.max(0, Math.round(this.#endsAtMs - this.#clock.monotonicMs())) };
  }

  /** Stops the timer. */
  end(): void {
    this.#timer?.cancel();
  }
}
