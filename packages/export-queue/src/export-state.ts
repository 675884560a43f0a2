import type { ExportState } from '@relaykit/types';

/** Nobody counts further; a larger number on disk is damage. */
export const MAX_ATTEMPTS_REMEMBERED = 1_000_000;

/** Enough to see what went wrong; keeps the state file far below a disk block. */
export const MAX_LAST_ERROR_CHARS = 500;

export const NEVER_FAILED: ExportState = { attempts: 0, firstFailureAtMs: 0, nextAttemptAtMs: 0 };

export interface ExportStateLimits {
  readonly nowMs: number;
  /** A segment cannot have failed before it existed. */
  readonly createdAtMs: number;
  /** No attempt is put off for longer than this; one that seems to be is due at once. */
  readonly maxDelayMs: number;
  /** With so many failures the policy gives up: a number on disk that reaches it is damage, or from another policy. */
  readonly maxAttempts: number;
}

/**
 * What may be believed of a state read from disk. Wrong clocks, other versions and damage must neither put an attempt
 * out of reach nor age a segment into quarantine.
 *
 * Time in which nobody tried, beyond `maxDelayMs`, does not age it either: the first failure is moved by as much. A machine
 * that was switched off for a month, or whose clock was wrong, has not failed for a month.
 */
export function clampExportState(state: ExportState | undefined, limits: ExportStateLimits): ExportState {
  if (state === undefined || state === null || typeof state !== 'object') return NEVER_FAILED;
  const { nowMs, createdAtMs, maxDelayMs, maxAttempts } = limits;
  const found = Math.floor(positive(state.attempts));
  const attempts = found > MAX_ATTEMPTS_REMEMBERED || found >= maxAttempts ? 0 : found;
  const earliestMs = Math.min(nowMs, positive(createdAtMs));
  const nextMs = Math.floor(positive(state.nextAttemptAtMs));
  const idleMs = nextMs === 0 ? 0 : Math.max(0, nowMs - nextMs - maxDelayMs);
  const firstMs = (positive(state.firstFailureAtMs) || nowMs) + idleMs;
  const firstFailureAtMs = attempts === 0 ? 0 : between(earliestMs, firstMs, nowMs);
  // Moving it to the end of the reach would move it again with every look.
  const nextAttemptAtMs = nextMs > nowMs + maxDelayMs ? 0 : nextMs;
  const lastError = typeof state.lastError === 'string' ? state.lastError.slice(0, MAX_LAST_ERROR_CHARS) : undefined;
  return { attempts, firstFailureAtMs, nextAttemptAtMs, ...(lastError === undefined ? {} : { lastError }) };
}

function positive(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

function between(minimum: number, value: number, maximum: number): number {
  return Math.floor(Math.max(minimum, Math.min(value, maximum)));
}
