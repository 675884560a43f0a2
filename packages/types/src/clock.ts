/** A pending call. */
export interface Timer {
  /** Harmless after the call was made. */
  cancel(): void;
}

/** How a timer treats the process. */
export interface TimerOptions {
  /** Whether the timer alone keeps the process running. Defaults to `false`. */
  readonly keepsProcessAlive?: boolean;
}

/** Time, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. May leap in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes backwards. */
  monotonicMs(): number;
  setTimer(delayMs: number, run: () => void, options?: TimerOptions): Timer;
}

/** One moment on both clocks. */
export interface Instant {
  readonly epochMs: number;
  readonly monotonicMs: number;
}
