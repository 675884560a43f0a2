import type { Clock, Timer } from '@relaykit/types';

export interface ExchangeDeadlineOptions {
  readonly clock: Clock;
  /** Longest time without a piece of the body being taken, and for the answer once all is sent. */
  readonly timeoutMs: number;
  /** Longest time for the whole exchange. */
  readonly totalMs: number;
  readonly onExceeded: () => void;
}

/**
 * Bounds an exchange as Apache's `mod_reqtimeout` does: a time without progress, and a slowest rate for the whole. Time
 * spent waiting for our own disk or bandwidth limit is not the receiver's and does not count.
 */
export class ExchangeDeadline {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onExceeded: () => void;
  #leftMs: number;
  #runningSinceMs = 0;
  #timer: Timer | undefined;
  #hasEnded = false;

  constructor({ clock, timeoutMs, totalMs, onExceeded }: ExchangeDeadlineOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onExceeded = onExceeded;
    this.#leftMs = totalMs;
    this.#run();
  }

  /** Passes a body through, one piece at a time. */
  async *watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const pieces = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        this.#pause();
        const step = await pieces.next();
        this.#run();
        if (step.done) return;
        yield step.value;
      }
    } finally {
      await pieces.return?.();
    }
  }

  /** Stops the time for good. */
  end(): void {
    this.#pause();
    this.#hasEnded = true;
  }

  #pause(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#leftMs -= this.#clock.monotonicMs() - this.#runningSinceMs;
  }

  #run(): void {
    // The body may still be asked for pieces after the answer came.
    if (this.#hasEnded) return;
    this.#runningSinceMs = this.#clock.monotonicMs();
    const delayMs = Math.max(0, Math.min(this.#timeoutMs, this.#leftMs));
    this.#timer = this.#clock.setTimer(delayMs, this.#onExceeded, { keepsProcessAlive: true });
  }
}
