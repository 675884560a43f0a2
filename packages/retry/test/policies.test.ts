import {
  customRetry,
  DEFAULT_FACTOR,
  DEFAULT_INITIAL_DELAY_MS,
  DEFAULT_JITTER,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MAX_DELAY_MS,
  exponentialBackoff,
  MAX_DELAY_MS,
  noRetry,
  validateRetryPolicy,
} from '@relaykit/retry';
import type { RetryPolicy } from '@relaykit/types';
import { describe, expect, it } from 'vitest';

describe('policies', () => {
  it('are plain values that nobody changes by accident', () => {
    const custom = customRetry(() => undefined);
    expect(noRetry).toEqual({ kind: 'none' });
    expect(custom.kind).toBe('custom');
    for (const policy of [noRetry, exponentialBackoff(), custom]) expect(Object.isFrozen(policy)).toBe(true);
  });

  it('default to five attempts from 10 ms to 1 s, doubling, with full jitter', () => {
    expect(exponentialBackoff()).toEqual({
      kind: 'exponentialBackoff',
      maxAttempts: 5,
      initialDelayMs: 10,
      maxDelayMs: 1_000,
      factor: 2,
      jitter: 'full',
    });
    expect([
      DEFAULT_MAX_ATTEMPTS,
      DEFAULT_INITIAL_DELAY_MS,
      DEFAULT_MAX_DELAY_MS,
      DEFAULT_FACTOR,
      DEFAULT_JITTER,
    ]).toEqual([5, 10, 1_000, 2, 'full']);
  });

  it('keep what is set', () => {
    const options = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0, factor: 1, jitter: 'none' } as const;
    expect(exponentialBackoff(options)).toEqual({ kind: 'exponentialBackoff', ...options });
    expect(exponentialBackoff({ maxDelayMs: MAX_DELAY_MS }).maxDelayMs).toBe(MAX_DELAY_MS);
  });

  it('refuse what breaks a rule', () => {
    const make = () => exponentialBackoff({ maxAttempts: 0 });
    expect(make).toThrow(new RangeError('exponentialBackoff.maxAttempts must be a whole number >= 1, got 0'));
    expect(() => customRetry(7 as never)).toThrow('customRetry.nextDelayMs must be a function, got 7');
  });
});

describe('validateRetryPolicy', () => {
  const backoff = { kind: 'exponentialBackoff', maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 5 };
  const check = (policy: unknown) => () => validateRetryPolicy(policy as RetryPolicy, 'retry');

  it('lets every valid policy pass', () => {
    const valid = [noRetry, exponentialBackoff(), customRetry(() => 1), backoff, { ...backoff, factor: 1 }];
    for (const policy of valid) expect(check(policy)).not.toThrow();
  });

  it.each([
    [{ ...backoff, maxAttempts: 0 }, RangeError, 'retry.maxAttempts must be a whole number >= 1, got 0'],
    [{ ...backoff, maxAttempts: 1.5 }, RangeError, 'got 1.5'],
    [{ ...backoff, maxAttempts: Number.POSITIVE_INFINITY }, RangeError, 'got Infinity'],
    [{ ...backoff, maxAttempts: '3' }, RangeError, "got '3'"],
    [{ ...backoff, maxAttempts: () => 3 }, RangeError, 'got function'],
    [{ ...backoff, maxAttempts: null }, RangeError, 'got null'],
    [{ ...backoff, maxAttempts: {} }, RangeError, 'got object'],
    [
      { ...backoff, initialDelayMs: -1 },
      RangeError,
      'retry.initialDelayMs must be a number of milliseconds from 0 to 2147483647, got -1',
    ],
    [{ ...backoff, initialDelayMs: Number.NaN }, RangeError, 'got NaN'],
    [{ ...backoff, initialDelayMs: '1' }, RangeError, "got '1'"],
    [
      { ...backoff, maxDelayMs: 0.5 },
      RangeError,
      'retry.maxDelayMs must be a number of milliseconds from initialDelayMs (1) to 2147483647, got 0.5',
    ],
    [{ ...backoff, maxDelayMs: 2 ** 31 }, RangeError, 'got 2147483648'],
    [{ ...backoff, factor: 0.9 }, RangeError, 'retry.factor must be a number >= 1, got 0.9'],
    [{ ...backoff, factor: Number.POSITIVE_INFINITY }, RangeError, 'got Infinity'],
    [{ ...backoff, jitter: 'some' }, TypeError, "retry.jitter must be 'full' or 'none', got 'some'"],
    [{ kind: 'custom' }, TypeError, 'retry.nextDelayMs must be a function, got undefined'],
    [
      { kind: 'linear' },
      TypeError,
      "retry must be a retry policy of kind 'none', 'exponentialBackoff' or 'custom', got kind 'linear'",
    ],
    [undefined, TypeError, 'got undefined'],
    [null, TypeError, 'got null'],
    ['none', TypeError, "got 'none'"],
  ])('refuses %o', (policy, type, message) => {
    expect(check(policy)).toThrow(type);
    expect(check(policy)).toThrow(message);
  });
});
