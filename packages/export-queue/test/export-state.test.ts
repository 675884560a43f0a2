// Goal: whatever a state file holds, the next attempt is within reach and the age is one the segment can have.

import type { ExportState } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { clampExportState, MAX_LAST_ERROR_CHARS, NEVER_FAILED } from '../src/export-state.ts';

const limits = { nowMs: 1_000_000, createdAtMs: 400_000, maxDelayMs: 3_600, maxAttempts: 5_000 };

describe('clampExportState', () => {
  it('leaves a sound state as it is', () => {
    const state = { attempts: 3, firstFailureAtMs: 500_000, nextAttemptAtMs: 1_000_500, lastError: '503' };
    expect(clampExportState(state, limits)).toEqual(state);
  });

  it.each([undefined, null, 7, 'x', []])('reads %j as a segment that never failed', (state) => {
    expect(clampExportState(state as ExportState | undefined, limits)).toEqual(NEVER_FAILED);
  });

  it.each<[string, Partial<Record<keyof ExportState, unknown>>, Partial<ExportState>]>([
    ['attempts below 0', { attempts: -1 }, { attempts: 0, firstFailureAtMs: 0 }],
    ['attempts beyond reason', { attempts: 1e300 }, { attempts: 0, firstFailureAtMs: 0 }],
    ['attempts beyond those of the policy', { attempts: 5_000 }, { attempts: 0, firstFailureAtMs: 0 }],
    ['attempts that are no number', { attempts: '3' }, { attempts: 0 }],
    ['attempts with a fraction', { attempts: 2.9 }, { attempts: 2 }],
    ['attempts that are infinite', { attempts: Number.POSITIVE_INFINITY }, { attempts: 0 }],
    ['a first failure in the future', { firstFailureAtMs: 9e15 }, { firstFailureAtMs: limits.nowMs }],
    ['a first failure before the segment', { firstFailureAtMs: 1 }, { firstFailureAtMs: limits.createdAtMs }],
    ['a first failure that is missing', { firstFailureAtMs: undefined }, { firstFailureAtMs: limits.nowMs }],
    ['a next attempt out of reach', { nextAttemptAtMs: 9e15 }, { nextAttemptAtMs: 0 }],
    ['a next attempt below 0', { nextAttemptAtMs: -9 }, { nextAttemptAtMs: 0 }],
    ['a next attempt that is NaN', { nextAttemptAtMs: Number.NaN }, { nextAttemptAtMs: 0 }],
    ['an endless error', { lastError: 'x'.repeat(9_999) }, { lastError: 'x'.repeat(MAX_LAST_ERROR_CHARS) }],
  ])('clamps %s', (_name, wrong, expected) => {
    const state = { attempts: 1, firstFailureAtMs: 500_000, nextAttemptAtMs: 0, ...wrong };
    expect(clampExportState(state as ExportState, limits)).toMatchObject(expected);
  });

  it('moves the first failure by the time in which nobody tried, so that it ages nothing', () => {
    const state = { attempts: 3, firstFailureAtMs: 500_000, nextAttemptAtMs: 600_000 };
    expect(clampExportState(state, limits).firstFailureAtMs).toBe(500_000 + (1_000_000 - 600_000 - 3_600));
    const due = { ...state, nextAttemptAtMs: 1_000_000 - 3_600 };
    expect(clampExportState(due, limits).firstFailureAtMs).toBe(500_000);
  });

  it('drops an error that is no text', () => {
    const state = { attempts: 1, firstFailureAtMs: 500_000, nextAttemptAtMs: 0, lastError: { a: 1 } };
    expect(clampExportState(state as unknown as ExportState, limits)).not.toHaveProperty('lastError');
  });

  it('believes no creation time in the future', () => {
    const state = { attempts: 1, firstFailureAtMs: 500_000, nextAttemptAtMs: 0 };
    const { firstFailureAtMs } = clampExportState(state, { ...limits, createdAtMs: 9e15 });
    expect(firstFailureAtMs).toBe(limits.nowMs);
  });
});
