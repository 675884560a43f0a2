// Goal: Retry-After is read as RFC 9110 writes it, and nothing else is read into it.
import { expect, it } from 'vitest';
import { parseRetryAfterMs } from '../../src/http/retry-after.ts';

const nowMs = Date.UTC(2026, 9, 21, 7, 28, 0);
const serverDate = 'Wed, 21 Oct 2026 05:28:00 GMT';

it.each([
  ['120', 120_000],
  [' 120 ', 120_000],
  ['0', 0],
  ['99999999999999999999', 1e23],
  ['-1', undefined],
  ['+1', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['', undefined],
  ['120, 60', undefined],
  ['Wed, 21 Oct 2026 07:29:00 GMT', 60_000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['Wed, 99 Oct 2026 07:29:00 GMT', undefined],
  ['2026-10-21T07:29:00Z', undefined],
  ['Wednesday, 21-Oct-26 07:29:00 GMT', undefined],
])('%s', (value, expected) => {
  expect(parseRetryAfterMs(value, { date: undefined, nowMs })).toBe(expected);
});

it('is undefined where there is none', () => {
  expect(parseRetryAfterMs(undefined, { date: undefined, nowMs })).toBeUndefined();
});

it('measures a date from the date of the same answer, not from a clock that may be wrong', () => {
  const value = 'Wed, 21 Oct 2026 05:28:30 GMT';
  expect(parseRetryAfterMs(value, { date: serverDate, nowMs })).toBe(30_000);
  expect(parseRetryAfterMs(value, { date: 'garbage', nowMs })).toBe(0);
});
