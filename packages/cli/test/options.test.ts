import { describe, expect, it } from 'vitest';
import { byteSize, duration, moment, wholeNumber } from '../src/options.ts';

describe('values of options', () => {
  it.each([
    ['8388608', 8_388_608],
    ['8Mi', 8 * 2 ** 20],
    ['64k', 64_000],
    ['1.5GiB', 1.5 * 2 ** 30],
  ])('%s is a size', (text, bytes) => expect(byteSize(2)(text)).toBe(bytes));

  it.each(['1', '1.5', '-4k', '4 k', '4kb', '', '1e3', 'Mi'])('%j is no size', (text) => {
    expect(() => byteSize(2)(text)).toThrow(/It must be a whole number >= 2, in bytes, or with a unit/u);
  });

  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['7d', 604_800_000],
  ])('%s is a duration', (text, ms) => expect(duration(1)(text)).toBe(ms));

  it.each(['0s', '30', 's', '-1s', '1 s'])('%j is no duration', (text) => {
    expect(() => duration(1)(text)).toThrow(/It must be a duration/u);
  });

  it('takes a time, or how long ago', () => {
    const time = moment(() => 1_000_000);
    expect(time('2026-11-22T16:40:00Z')).toBe(Date.UTC(2026, 10, 22, 16, 40));
    expect(time('2026-11-22')).toBe(Date.UTC(2026, 10, 22));
    expect(time('90s')).toBe(910_000);
    for (const text of ['yesterday', '22.11.2026', '5', '2026-13-01'])
      expect(() => time(text)).toThrow(/must be a time/u);
  });

  it('refuses numbers that are none', () => {
    for (const text of ['', '1.0', '0x10', ' 5', '1e3']) expect(() => wholeNumber(0)(text)).toThrow(/whole number/u);
  });
});
