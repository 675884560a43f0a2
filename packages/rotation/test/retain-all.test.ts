import { retainAge, retainAll, retainFileCount, retainFreeSpace, retainTotalBytes } from '@relaykit/rotation';
import type { RetentionPolicy } from '@relaykit/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { now, select, spoolOf } from './spool.ts';

const ten = Array.from({ length: 10 }, () => ({ sizeBytes: 1_000 }));

describe('retainAll', () => {
  it('gives up for a later limit only what an earlier one did not free already', () => {
    expect(select(retainAll(retainFileCount(7), retainTotalBytes(7_000)), spoolOf(ten))).toEqual([
      '0:fileCount',
      '1:fileCount',
      '2:fileCount',
    ]);
    expect(select(retainAll(retainFileCount(7), retainTotalBytes(6_000)), spoolOf(ten))).toEqual([
      '0:fileCount',
      '1:fileCount',
      '2:fileCount',
      '3:totalBytes',
    ]);
  });

  it('counts freed bytes as free on the volume', () => {
    const policy = retainAll(retainFileCount(8), retainFreeSpace(5_000));
    const disk = { freeBytes: 2_500, totalBytes: 99_999 };
    expect(select(policy, spoolOf(ten), disk)).toEqual(['0:fileCount', '1:fileCount', '2:freeSpace']);
    expect(disk.freeBytes).toBe(2_500);
  });

  it('counts removed files for a later limit of files', () => {
    const policy = retainAll(retainAge(8_000), retainFileCount(7));
    expect(select(policy, spoolOf(ten))).toEqual(['0:age', '1:age', '2:fileCount']);
  });

  it('leaves a volume that does not tell untold', () => {
    expect(select(retainAll(retainFileCount(9), retainFreeSpace(5_000)), spoolOf(ten))).toEqual(['0:fileCount']);
  });

  it('has the volume measured if one of its policies asks for it', () => {
    expect(retainAll(retainFileCount(9), retainFreeSpace(5_000)).needsDiskUsage).toBe(true);
    expect(retainAll(retainFileCount(9), retainAge(5_000)).needsDiskUsage).toBe(false);
  });

  it('walks no further than its policies do', () => {
    const spool = spoolOf(ten);
    expect(select(retainAll(retainFileCount(8), retainTotalBytes(7_000)), spool)).toHaveLength(3);
    expect(Math.max(...spool.walked.map(Number))).toBe(2);
  });

  it('lets go of the spool when a policy stops early', () => {
    let isReleased = false;
    const spool = {
      ...spoolOf(ten),
      *oldestFirst() {
        try {
          yield* spoolOf(ten).oldestFirst();
        } finally {
          isReleased = true;
        }
      },
    };
    select(retainAll(retainFileCount(8)), spool);
    expect(isReleased).toBe(true);
  });

  it('nests', () => {
    const policy = retainAll(retainAll(retainAge(9_000), retainFileCount(8)), retainTotalBytes(7_000));
    expect(select(policy, spoolOf(ten))).toEqual(['0:age', '1:fileCount', '2:totalBytes']);
  });

  it('leaves out what was not offered, and what is named twice', () => {
    const careless: RetentionPolicy = {
      select(spool) {
        const [first] = spool.oldestFirst();
        const id = first?.id ?? '';
        return [
          { id: 'active', reason: 'own' },
          { id, reason: 'own' },
          { id, reason: 'again' },
        ];
      },
    };
    expect(select(retainAll(careless, retainFileCount(9)), spoolOf(ten))).toEqual(['0:own']);
  });

  it('passes the moment on', () => {
    let seen: unknown;
    const policy: RetentionPolicy = {
      select: (_spool, _disk, moment) => {
        seen = moment;
        return [];
      },
    };
    retainAll(policy).select(spoolOf(ten), undefined, now);
    expect(seen).toBe(now);
  });

  it('refuses to be empty, and what is no policy', () => {
    expect(() => retainAll()).toThrow(new TypeError('retainAll needs at least one policy, got none'));
    for (const value of [undefined, null, {}, 7]) {
      expect(() => retainAll(retainFileCount(9), value as never)).toThrow(
        new TypeError('retainAll: argument 1 must be a retention policy, with a method select'),
      );
    }
  });

  it('keeps every limit with no removal too many, in any spool', () => {
    const segment = fc.record({ sizeBytes: fc.integer({ min: 1, max: 3_000 }) });
    const limits = fc.record({
      maxFiles: fc.integer({ min: 2, max: 30 }),
      maxBytes: fc.integer({ min: 2_048, max: 40_000 }),
      free: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 40 }), limits, (segments, { maxFiles, maxBytes, free }) => {
        const spool = spoolOf(segments);
        const policy = retainAll(retainFileCount(maxFiles), retainTotalBytes(maxBytes), retainFreeSpace(10_000));
        const disk = { freeBytes: free, totalBytes: 1_000_000 };
        const removed = policy.select(spool, disk, now).map(({ id }) => Number(id));

        // The oldest, each once, without a gap.
        expect(removed).toEqual(removed.map((_, index) => index));
        const isKept = (count: number) => {
          const freed = spool.segments.slice(0, count).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          const { fileCount, totalBytes } = spool;
          return fileCount - count <= maxFiles && totalBytes - freed <= maxBytes && free + freed >= 10_000;
        };
        expect(isKept(removed.length) || removed.length === segments.length).toBe(true);
        if (removed.length > 0) expect(isKept(removed.length - 1)).toBe(false);
      }),
    );
  });
});
