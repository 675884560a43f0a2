import { describe, expect, it } from 'vitest';
import { describeError, printable } from '../src/describe-error.ts';
import { formatAge, formatBytes, formatCount } from '../src/format.ts';

describe('formats for people', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1.00 kB'],
    [9_994, '9.99 kB'],
    [9_996, '10.0 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [17_106_256, '17.1 MB'],
    [5e14, '500 TB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [-5_000, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [172_800_000, '2 d'],
  ])('%d ms', (ageMs, text) => expect(formatAge(ageMs)).toBe(text));

  it('counts', () => expect([formatCount(1, 'line'), formatCount(39_244, 'line')]).toEqual(['1 line', '39,244 lines']));
});

describe('describeError', () => {
  it('names the causes that say more, once each', () => {
    const inner = new Error('connect ECONNREFUSED');
    const outer = new Error('Cannot upload', { cause: new Error('no answer: connect ECONNREFUSED', { cause: inner }) });
    expect(describeError(outer)).toBe('Cannot upload: no answer: connect ECONNREFUSED');
    expect(describeError('text')).toBe('text');
  });

  it('ends with a chain of causes that has no end', () => {
    const error = new Error('round');
    error.cause = error;
    expect(describeError(error)).toBe('round');
  });

  it('lets no control character through, and no flood', () => {
    expect(printable('a\u001b[31mb\r\nrelay: forged\u009b1mc')).toBe('ab relay: forgedc');
    expect(printable('x'.repeat(10_000))).toHaveLength(501);
  });
});
