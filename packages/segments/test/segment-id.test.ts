import { describe, expect, it } from 'vitest';
import { createWriterId, formatSegmentId, parseSegmentId } from '../src/index.ts';

describe('segment ids', () => {
  it('say when, from which event on, and by whom', () => {
    const parts = { createdAtMs: Date.UTC(2026, 10, 22, 16, 40, 58, 107), firstSequence: 1, writerId: 'k3f9q2m4xa' };
    const id = formatSegmentId(parts);
    expect(id).toBe('20261122T164058107Z-000000000001-k3f9q2m4xa');
    expect(parseSegmentId(id)).toEqual(parts);
  });

  it('sort by creation', () => {
    const times = [0, 1, 999, 1000, Date.UTC(1999, 11, 31), Date.UTC(2026, 0, 1), Date.UTC(9999, 11, 31)];
    const ids = times.map((createdAtMs) => formatSegmentId({ createdAtMs, firstSequence: 7, writerId: 'aaaaaaaaaa' }));
    expect([...ids].sort()).toEqual(ids);
  });

  it('keep a nameable time whatever the clock says', () => {
    for (const createdAtMs of [Number.NaN, -5, Number.POSITIVE_INFINITY, 1e18]) {
      const id = formatSegmentId({ createdAtMs, firstSequence: 0, writerId: 'aaaaaaaaaa' });
      expect(parseSegmentId(id)).toBeDefined();
    }
  });

  it.for([
    '',
    '../../etc/passwd',
    '20261122T164058107Z-000000000001-k3f9q2m4x',
    '20261122T164058107Z-00000000001-k3f9q2m4xa',
    '20261122T164058107Z-000000000001-K3F9Q2M4XA',
    '20261131T164058107Z-000000000001-k3f9q2m4xa',
    '20261122T164058107Z-000000000001-k3f9q2m4xa\n',
    '20261122T164058107Z-9999999999999999-k3f9q2m4xa',
  ])('refuse %j', (text) => {
    expect(parseSegmentId(text)).toBeUndefined();
  });

  it('have writer ids of ten characters that differ', () => {
    const ids = new Set(Array.from({ length: 1000 }, createWriterId));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{10}$/);
  });
});
