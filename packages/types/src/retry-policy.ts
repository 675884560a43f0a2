/** What a policy decides on. */
export interface RetryFailure {
  /** How many times the operation has failed, from 1. */
  readonly attempts: number;
  /** Time since the first attempt began. */
  readonly elapsedMs: number;
  readonly cause: unknown;
}

/** Try once, then report. */
export interface NoRetry {
  readonly kind: 'none';
}

/**
 * Waits `initialDelayMs * factor ** (attempts - 1)`, at most `maxDelayMs`. With `full` jitter the wait is drawn evenly
 * between 0 and that (the "full jitter" of the AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export interface ExponentialBackoff {
  readonly kind: 'exponentialBackoff';
  /** All attempts, the first included; a whole number, at least 1. */
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** Defaults to 2; at least 1. */
  readonly factor?: number;
  /** Defaults to `full`. */
  readonly jitter?: 'full' | 'none';
}

/** A function that decides. */
export interface CustomRetry {
  readonly kind: 'custom';
  /** How long to wait before the next attempt; `undefined` gives up. */
  nextDelayMs(failure: RetryFailure): number | undefined;
}

/** How long to wait after a failure, as a value that holds no state. */
export type RetryPolicy = NoRetry | ExponentialBackoff | CustomRetry;
