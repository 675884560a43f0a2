import type { Clock, RetryFailure, RetryPolicy } from '@relaykit/types';
import { nextDelayMs } from './next-delay.ts';
import { RetryError, type RetryErrorFacts } from './retry-error.ts';
import { waitFor } from './wait-for.ts';

/** How `retry` goes about it. */
export interface RetryOptions {
  readonly policy: RetryPolicy;
  /** Measures elapsed time and holds the waits. */
  readonly clock: Clock;
  /** Whether another attempt may help. Defaults to yes, for every failure. */
  readonly isTransient?: (cause: unknown) => boolean;
  /**
   * Ends waiting at once, with the signal's reason. An attempt under way is not cut short: where it succeeds its result
   * counts, where it fails the signal's reason is thrown.
   */
  readonly signal?: AbortSignal | undefined;
  /** A number from 0 to 1, for jitter. Defaults to `Math.random`. */
  readonly random?: () => number;
  /** Called before each wait, for counting and logging. What it throws ends the call. */
  readonly onRetry?: (failure: RetryFailure, delayMs: number) => void;
  /** Whether a wait alone keeps the process running. Defaults to `true`: somebody awaits the result. */
  readonly keepsProcessAlive?: boolean;
}

/** What an operation learns about its attempt. */
export interface RetryAttempt {
  /** Counts from 1. */
  readonly attempt: number;
  /** The signal that was passed to `retry`. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs `operation` until it succeeds or its policy gives up. Attempts follow one another and never overlap.
 *
 * @returns What the first successful attempt returned.
 * @throws RetryError - given up; `cause` is the last failure, `attempts` says how many there were.
 * @throws The signal's reason - aborted before the first attempt, after a failed one, or while waiting.
 */
export async function retry<T>(
  operation: (attempt: RetryAttempt) => T | Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { clock, signal, keepsProcessAlive = true } = options;
  const startedAtMs = clock.monotonicMs();
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await operation({ attempt, signal });
    } catch (cause) {
      signal?.throwIfAborted();
      const failure = { attempts: attempt, elapsedMs: clock.monotonicMs() - startedAtMs, cause };
      const delayMs = decide(failure, options);
      options.onRetry?.(failure, delayMs);
      await waitFor(delayMs, { clock, signal, keepsProcessAlive });
    }
  }
}

/** How long to wait, or a throw that ends it. */
function decide(failure: RetryFailure, { policy, isTransient, random }: RetryOptions): number {
  let mayHelp: boolean;
  let delayMs: number | undefined;
  try {
    mayHelp = isTransient?.(failure.cause) ?? true;
    delayMs = mayHelp ? nextDelayMs(policy, failure, random) : undefined;
  } catch (policyFailure) {
    throw giveUp(failure, { reason: 'policyFailed', policyFailure });
  }
  if (delayMs === undefined) throw giveUp(failure, { reason: mayHelp ? 'attemptsExhausted' : 'notTransient' });
  return delayMs;
}

function giveUp(failure: RetryFailure, facts: Pick<RetryErrorFacts, 'reason' | 'policyFailure'>): RetryError {
  const { attempts, elapsedMs, cause } = failure;
  return new RetryError({ attempts, elapsedMs, ...facts }, cause);
}
