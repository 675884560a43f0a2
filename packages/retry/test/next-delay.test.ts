import { customRetry, exponentialBackoff, MAX_DELAY_MS, nextDelayMs, noRetry } from '@relaykit/retry';
import type { RetryPolicy } from '@relaykit/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const failed = (attempts: number, elapsedMs = 0, cause: unknown = new Error('no')) => ({ attempts, elapsedMs, cause });

describe('noRetry', () => {
  it('gives up after the first failure', () => {
    expect(nextDelayMs(noRetry, failed(1))).toBeUndefined();
  });
});

describe('exponential backoff', () => {
  const steady = exponentialBackoff({ maxAttempts: 6, initialDelayMs: 10, maxDelayMs: 50, jitter: 'none' });

  it('doubles from the initial delay to the longest, and gives up with the last attempt', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7].map((attempts) => nextDelayMs(steady, failed(attempts)));
    expect(delays).toEqual([10, 20, 40, 50, 50, undefined, undefined]);
  });

  it('multiplies by a factor of its own', () => {
    const policy = exponentialBackoff({ initialDelayMs: 10, maxDelayMs: 1_000, factor: 3, jitter: 'none' });
    expect([1, 2, 3].map((attempts) => nextDelayMs(policy, failed(attempts)))).toEqual([10, 30, 90]);
  });

  it('draws the wait evenly from 0 to the full one', () => {
    const policy = exponentialBackoff({ initialDelayMs: 10, maxDelayMs: 1_000 });
    const draw = (value: number) => nextDelayMs(policy, failed(3), () => value);
    expect([draw(0), draw(0.25), draw(1)]).toEqual([0, 10, 40]);
  });

  it('clamps a random source that leaves its range', () => {
    const policy = exponentialBackoff({ initialDelayMs: 10, maxDelayMs: 1_000 });
    const draw = (value: number) => nextDelayMs(policy, failed(1), () => value);
    expect([draw(-3), draw(7), draw(Number.NaN)]).toEqual([0, 10, 10]);
  });

  it('does without factor and jitter, as a plain value may: doubling, full jitter', () => {
    const policy: RetryPolicy = { kind: 'exponentialBackoff', maxAttempts: 9, initialDelayMs: 8, maxDelayMs: 99 };
    expect(nextDelayMs(policy, failed(2), () => 0.5)).toBe(8);
  });

  it('takes an attempt count that makes no sense for the first failure', () => {
    for (const attempts of [Number.NaN, -4, 0]) expect(nextDelayMs(steady, failed(attempts))).toBe(10);
    expect(nextDelayMs(steady, failed(Number.POSITIVE_INFINITY))).toBeUndefined();
  });

  it('stays finite and within its bounds for every policy and every count', () => {
    const policies = fc.record({
      kind: fc.constant('exponentialBackoff' as const),
      maxAttempts: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      initialDelayMs: fc.double({ min: 0, noNaN: true }),
      maxDelayMs: fc.double({ min: 0, noNaN: true }),
      factor: fc.double({ min: 1, noNaN: true }),
      jitter: fc.constantFrom('full' as const, 'none' as const),
    });
    fc.assert(
      fc.property(policies, fc.double(), fc.double(), (policy, attempts, drawn) => {
        const delayMs = nextDelayMs(policy, failed(attempts), () => drawn);
        if (delayMs === undefined) return (attempts >= 1 ? attempts : 1) >= policy.maxAttempts;
        return delayMs >= 0 && delayMs <= Math.min(policy.maxDelayMs, MAX_DELAY_MS);
      }),
    );
  });
});

describe('a custom policy', () => {
  const answering = (delayMs: unknown) => customRetry(() => delayMs as number);

  it('is told about the failure', () => {
    const cause = new Error('full');
    const policy = customRetry(({ attempts, elapsedMs, cause: seen }) => (seen === cause ? attempts + elapsedMs : 0));
    expect(nextDelayMs(policy, failed(2, 40, cause))).toBe(42);
  });

  it('gives up with undefined', () => {
    expect(nextDelayMs(answering(undefined), failed(1))).toBeUndefined();
  });

  it.each([
    [-1, 0],
    [0.5, 0.5],
    [Number.POSITIVE_INFINITY, MAX_DELAY_MS],
    [Number.NEGATIVE_INFINITY, 0],
    [2 ** 31, MAX_DELAY_MS],
  ])('answering %d waits %d ms', (answer, delayMs) => {
    expect(nextDelayMs(answering(answer), failed(1))).toBe(delayMs);
  });

  it.each([[Number.NaN], ['7'], [null]])('answering %s is refused, and the failure stays the cause', (answer) => {
    const cause = new Error('full');
    const decide = () => nextDelayMs(answering(answer), failed(1, 0, cause));
    expect(decide).toThrow(TypeError);
    expect(decide).toThrow(`nextDelayMs of a custom retry policy must return milliseconds or undefined, got ${answer}`);
    expect(decide).toThrow(expect.objectContaining({ cause }));
  });
});
