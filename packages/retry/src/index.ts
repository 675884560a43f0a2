export { MAX_DELAY_MS, nextDelayMs } from './next-delay.ts';
export {
  customRetry,
  DEFAULT_FACTOR,
  DEFAULT_INITIAL_DELAY_MS,
  DEFAULT_JITTER,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MAX_DELAY_MS,
  type ExponentialBackoffOptions,
  exponentialBackoff,
  noRetry,
} from './policies.ts';
export { type RetryAttempt, type RetryOptions, retry } from './retry.ts';
export { type GiveUpReason, isRetryError, RetryError, type RetryErrorFacts } from './retry-error.ts';
export { isTransientStorageError } from './transient-storage-error.ts';
export { validateRetryPolicy } from './validate-retry-policy.ts';
export { type WaitOptions, waitFor } from './wait-for.ts';
