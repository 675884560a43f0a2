import { isRetryError, RetryError } from '@relaykit/retry';
import { describe, expect, it } from 'vitest';

describe('RetryError', () => {
  it('says how often and why, and keeps the cause', () => {
    const cause = new Error('disk full');
    const error = new RetryError({ reason: 'attemptsExhausted', attempts: 5, elapsedMs: 150 }, cause);
    expect(error.message).toBe('Gave up after 5 attempts (no attempts left); see cause.');
    expect(error).toMatchObject({ name: 'RetryError', reason: 'attemptsExhausted', attempts: 5, elapsedMs: 150 });
    expect(error.cause).toBe(cause);
    expect(error.policyFailure).toBeUndefined();
  });

  it('counts one attempt as one', () => {
    const error = new RetryError({ reason: 'notTransient', attempts: 1, elapsedMs: 0 }, 'cause');
    expect(error.message).toBe('Gave up after 1 attempt (another attempt cannot help); see cause.');
  });
});

describe('isRetryError', () => {
  it('knows its own, also from another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'RetryError', attempts: 1, reason: 'notTransient' });
    expect(isRetryError(new RetryError({ reason: 'notTransient', attempts: 1, elapsedMs: 0 }, 0))).toBe(true);
    expect(isRetryError(foreign)).toBe(true);
  });

  it.each([
    [undefined],
    [{ name: 'RetryError', attempts: 1, reason: 'notTransient' }],
    [new Error('x')],
    [Object.assign(new Error('x'), { name: 'RetryError' })],
    [Object.assign(new Error('x'), { name: 'RetryError', attempts: 1 })],
  ])('refuses %o', (value) => {
    expect(isRetryError(value)).toBe(false);
  });
});
