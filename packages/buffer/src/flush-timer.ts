import type { Clock, Timer } from '@relaykit/types';
import { DEFAULT_FLUSH_INTERVAL_MS } from './options.ts';

export interface FlushTimerOptions {
  readonly clock: Clock;
  /** As the buffer's option of this name. */
  readonly flushIntervalMs: number;
  /** Whether somebody waits for what the timer is going to do. */
  isAwaited(): boolean;
  onDue(): void;
}

/** The time at which a write starts by itself: some while after the first event in memory, or after one that failed. */
export class FlushTimer {
  readonly #options: FlushTimerOptions;
  /** Milliseconds until what failed is tried again: where no interval is set, it must not stay for ever. */
  readonly retryMs: number;
  #timer: Timer | undefined;
  #dueMs = 0;
  #keepsProcessAlive = false;
  #isBackingOff = false;

  constructor(options: FlushTimerOptions) {
    this.#options = options;
    const { flushIntervalMs } = options;
    this.retryMs = Number.isFinite(flushIntervalMs) ? flushIntervalMs : DEFAULT_FLUSH_INTERVAL_MS;
  }

  /** Whether a retry is coming that the number of events must not forestall; it comes for certain. */
  get isBackingOff(): boolean {
    return this.#isBackingOff;
  }

  /** An event is in memory. */
  start(): void {
    if (this.#timer !== undefined || !Number.isFinite(this.#options.flushIntervalMs)) return;
    this.#set(this.#options.flushIntervalMs);
  }

  /** A write failed, and its events wait. */
  backOff(): void {
    this.stop();
    this.#set(this.retryMs);
    this.#isBackingOff = true;
  }

  /**
   * Somebody waits from now on. The process does not end before the timer has run, as it would with nothing else to do:
   * an `await` at the top level would end it, with events in memory.
   */
  keepProcessAlive(): void {
    if (this.#timer === undefined || this.#keepsProcessAlive) return;
    this.#timer.cancel();
    this.#set(Math.max(0, this.#dueMs - this.#options.clock.monotonicMs()));
  }

  /** A write succeeded: events start writes again. */
  recover(): void {
    this.#isBackingOff = false;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isBackingOff = false;
  }

  #set(delayMs: number): void {
    const { clock, isAwaited, onDue } = this.#options;
    const keepsProcessAlive = isAwaited();
    const run = (): void => {
      this.#timer = undefined;
      this.#isBackingOff = false;
      onDue();
    };
    this.#dueMs = clock.monotonicMs() + delayMs;
    this.#keepsProcessAlive = keepsProcessAlive;
    this.#timer = clock.setTimer(delayMs, run, { keepsProcessAlive });
  }
}
