import type { CustomRetry, ExponentialBackoff, RetryPolicy } from '@relaykit/types';
import { MAX_DELAY_MS } from './next-delay.ts';

/**
 * Checks a policy that came in as an option, so that a mistake shows when something is constructed and not at its first
 * failure.
 *
 * @param optionName - Names the policy in messages: `retry.maxAttempts must be a whole number >= 1, got 0`.
 * @throws TypeError - the policy or a member has the wrong shape.
 * @throws RangeError - a number breaks its rule.
 */
export function validateRetryPolicy(policy: RetryPolicy, optionName: string): void {
  switch (isObject(policy) ? policy.kind : undefined) {
    case 'none':
      return;
    case 'exponentialBackoff':
      validateBackoff(policy as ExponentialBackoff, optionName);
      return;
    case 'custom':
      validateCustom(policy as CustomRetry, optionName);
      return;
    default: {
      const rule = `must be a retry policy of kind 'none', 'exponentialBackoff' or 'custom'`;
      const got = isObject(policy) ? `kind ${describe((policy as { kind?: unknown }).kind)}` : describe(policy);
      throw new TypeError(`${optionName} ${rule}, got ${got}`);
    }
  }
}

function validateCustom({ nextDelayMs }: CustomRetry, optionName: string): void {
  if (typeof nextDelayMs === 'function') return;
  throw new TypeError(`${optionName}.nextDelayMs must be a function, got ${describe(nextDelayMs)}`);
}

function validateBackoff(policy: ExponentialBackoff, optionName: string): void {
  const { maxAttempts, initialDelayMs, maxDelayMs, factor, jitter } = policy;
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1) {
    throw new RangeError(`${optionName}.maxAttempts must be a whole number >= 1, got ${describe(maxAttempts)}`);
  }
  if (!isDelay(initialDelayMs)) {
    const rule = `must be a number of milliseconds from 0 to ${MAX_DELAY_MS}`;
    throw new RangeError(`${optionName}.initialDelayMs ${rule}, got ${describe(initialDelayMs)}`);
  }
  if (!isDelay(maxDelayMs) || maxDelayMs < initialDelayMs) {
    const rule = `must be a number of milliseconds from initialDelayMs (${initialDelayMs}) to ${MAX_DELAY_MS}`;
    throw new RangeError(`${optionName}.maxDelayMs ${rule}, got ${describe(maxDelayMs)}`);
  }
  if (factor !== undefined && !(Number.isFinite(factor) && factor >= 1)) {
    throw new RangeError(`${optionName}.factor must be a number >= 1, got ${describe(factor)}`);
  }
  if (jitter !== undefined && jitter !== 'full' && jitter !== 'none') {
    throw new TypeError(`${optionName}.jitter must be 'full' or 'none', got ${describe(jitter)}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isDelay(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_DELAY_MS;
}

/** Short enough for a message whatever was passed. */
function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`;
  if (isObject(value) || typeof value === 'function') return typeof value;
  return String(value);
}
