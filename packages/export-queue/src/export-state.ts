import type { ExportState } from '@relaykit/types';

/** More attempts than a segment can have in `maxRetryAgeMs`; a larger number on disk is damage. */
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
}

/**
 * What may be believed of a state read from disk. Wrong clocks, other versions and damage must neither put an attempt
 * out of reach nor age a segment into quarantine.
 */
export function clampExportState(state: ExportState | undefined, limits: ExportStateLimits): ExportState {
  if (state === undefined || state === null || typeof state !== 'object') return NEVER_FAILED;
  const { nowMs, createdAtMs, maxDelayMs } = limits;
  const attempts = Math.min(MAX_ATTEMPTS_REMEMBERED, Math.floor(positive(state.attempts)));
  const earliestMs = Math.min(nowMs, positive(createdAtMs));
  const firstFailureAtMs = attempts === 0 ? 0 : between(earliestMs, positive(state.firstFailureAtMs) || nowMs, nowMs);
  // Moving it to the end of the reach would move it again with every look.
  const nextMs = Math.floor(positive(state.nextAttemptAtMs));
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
