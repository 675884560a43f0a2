/**
 * Why an operation was given up.
 *
 * - `attemptsExhausted`: the policy allows no further attempt.
 * - `notTransient`: `isTransient` says that another attempt cannot help.
 * - `policyFailed`: the policy itself threw or gave no usable answer; `policyFailure` holds what it threw.
 */
export type GiveUpReason = 'attemptsExhausted' | 'notTransient' | 'policyFailed';

/** What a `RetryError` tells. */
export interface RetryErrorFacts {
  readonly reason: GiveUpReason;
  /** How often the operation was tried, at least 1. */
  readonly attempts: number;
  /** From the start of the first attempt to the end of the last. */
  readonly elapsedMs: number;
  readonly policyFailure?: unknown;
}

/** An operation was given up. `cause` is what its last attempt threw. */
export class RetryError extends Error {
  override readonly name = 'RetryError';
  readonly reason: GiveUpReason;
  readonly attempts: number;
  readonly elapsedMs: number;
  /** What the policy threw, where `reason` is `policyFailed`. */
  readonly policyFailure: unknown;

  constructor({ reason, attempts, elapsedMs, policyFailure }: RetryErrorFacts, cause: unknown) {
    super(
      `Gave up after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} (${explanations[reason]}); see cause.`,
      {
        cause,
      },
    );
    this.reason = reason;
    this.attempts = attempts;
    this.elapsedMs = elapsedMs;
    this.policyFailure = policyFailure;
  }
}

const explanations: Readonly<Record<GiveUpReason, string>> = {
  attemptsExhausted: 'no attempts left',
  notTransient: 'another attempt cannot help',
  policyFailed: 'the retry policy failed, see policyFailure',
};

/** Recognises a `RetryError` across duplicate installs, where `instanceof` cannot. */
export function isRetryError(value: unknown): value is RetryError {
  return value instanceof Error && value.name === 'RetryError' && 'attempts' in value && 'reason' in value;
}
