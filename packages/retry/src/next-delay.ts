import type { ExponentialBackoff, RetryFailure, RetryPolicy } from '@relaykit/types';

/** The longest wait a timer can hold, 2^31 - 1 ms or 24.8 days: Node and browsers run longer ones at once. */
export const MAX_DELAY_MS = 2_147_483_647;

/**
 * How long to wait before the next attempt, in milliseconds from 0 to `MAX_DELAY_MS`; `undefined`: give up.
 *
 * Pure. An attempt count that makes no sense, as a damaged file may hold, counts as the first failure.
 *
 * @param random - A number from 0 to 1, for jitter; values outside are clamped. Defaults to `Math.random`.
 * @throws TypeError - a custom policy answered something that is no number, with the failure as its cause.
 */
export function nextDelayMs(
  policy: RetryPolicy,
  failure: RetryFailure,
  random: () => number = Math.random,
): number | undefined {
  switch (policy.kind) {
    case 'none':
      return undefined;
    case 'exponentialBackoff':
      return backoffDelayMs(policy, failure.attempts, random);
    case 'custom': {
      const delayMs = policy.nextDelayMs(failure);
      if (delayMs === undefined) return undefined;
      if (typeof delayMs === 'number' && !Number.isNaN(delayMs)) return clamp(delayMs, 0, MAX_DELAY_MS);
      const message = `nextDelayMs of a custom retry policy must return milliseconds or undefined, got ${String(delayMs)}`;
      throw new TypeError(message, { cause: failure.cause });
    }
  }
}

function backoffDelayMs(policy: ExponentialBackoff, failedAttempts: number, random: () => number): number | undefined {
  const { maxAttempts, initialDelayMs, maxDelayMs, factor = 2, jitter = 'full' } = policy;
  const attempts = failedAttempts >= 1 ? failedAttempts : 1;
  if (attempts >= maxAttempts) return undefined;
  // The power overflows to Infinity after about a thousand attempts; times 0 that would be NaN.
  const grown = initialDelayMs === 0 ? 0 : initialDelayMs * factor ** (attempts - 1);
  const ceilingMs = clamp(grown, 0, Math.min(maxDelayMs, MAX_DELAY_MS));
  return jitter === 'none' ? ceilingMs : ceilingMs * unit(random());
}

function unit(value: number): number {
  return Number.isNaN(value) ? 1 : clamp(value, 0, 1);
}

function clamp(value: number, minimum: number, maximum: number): number {
  return Math.min(Math.max(value, minimum), maximum);
}
