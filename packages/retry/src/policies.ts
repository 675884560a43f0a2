import type { CustomRetry, ExponentialBackoff, NoRetry, RetryFailure } from '@relaykit/types';
import { validateRetryPolicy } from './validate-retry-policy.ts';

/** Five attempts span about 150 ms of waiting: enough for a busy handle, short enough for a caller that awaits. */
export const DEFAULT_MAX_ATTEMPTS = 5;

/** Local storage recovers fast or not at all, so the first wait is short. */
export const DEFAULT_INITIAL_DELAY_MS = 10;

/** A write is awaited by somebody; longer pauses belong to whoever called. */
export const DEFAULT_MAX_DELAY_MS = 1_000;

/** The usual doubling. */
export const DEFAULT_FACTOR = 2;

/** Full jitter spreads competing callers best at the same load; see `ExponentialBackoff`. */
export const DEFAULT_JITTER = 'full';

/** Times are milliseconds; each has a default. */
export interface ExponentialBackoffOptions {
  /** All attempts, the first included: a whole number >= 1. Defaults to `DEFAULT_MAX_ATTEMPTS`, 5. */
  readonly maxAttempts?: number;
  /** Defaults to `DEFAULT_INITIAL_DELAY_MS`, 10. */
  readonly initialDelayMs?: number;
  /** At least `initialDelayMs`. Defaults to `DEFAULT_MAX_DELAY_MS`, 1,000. */
  readonly maxDelayMs?: number;
  /** What each wait is multiplied by, at least 1. Defaults to `DEFAULT_FACTOR`, 2. */
  readonly factor?: number;
  /** Defaults to `DEFAULT_JITTER`, `full`. */
  readonly jitter?: 'full' | 'none';
}

/** Try once, then report. */
export const noRetry: NoRetry = Object.freeze({ kind: 'none' });

/**
 * Waits that grow from `initialDelayMs` to `maxDelayMs`. For no limit of attempts pass `Number.MAX_SAFE_INTEGER`.
 *
 * @throws TypeError, RangeError - an option breaks its rule; the message names it.
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Required<ExponentialBackoff> {
  const policy = {
    kind: 'exponentialBackoff',
    maxAttempts: options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    initialDelayMs: options.initialDelayMs ?? DEFAULT_INITIAL_DELAY_MS,
    maxDelayMs: options.maxDelayMs ?? DEFAULT_MAX_DELAY_MS,
    factor: options.factor ?? DEFAULT_FACTOR,
    jitter: options.jitter ?? DEFAULT_JITTER,
  } as const;
  validateRetryPolicy(policy, 'exponentialBackoff');
  return Object.freeze(policy);
}

/**
 * A rule of your own: how long to wait after a failure, in milliseconds, or `undefined` to give up. A negative wait
 * counts as 0, one beyond `MAX_DELAY_MS` as that.
 *
 * @throws TypeError - `nextDelayMs` is not a function.
 */
export function customRetry(nextDelayMs: (failure: RetryFailure) => number | undefined): CustomRetry {
  const policy = { kind: 'custom', nextDelayMs } as const;
  validateRetryPolicy(policy, 'customRetry');
  return Object.freeze(policy);
}
