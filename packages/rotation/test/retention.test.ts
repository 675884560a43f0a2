import {
  MIN_FILE_COUNT,
  MIN_RETAINED_AGE_MS,
  MIN_TOTAL_BYTES,
  retainAge,
  retainFileCount,
  retainFreeSpace,
  retainTotalBytes,
} from '@relaykit/rotation';
import { describe, expect, it } from 'vitest';
import { select, spoolOf } from './spool.ts';

const five = [{}, {}, {}, {}, {}];

describe('retainFileCount', () => {
  it('gives up the oldest beyond the limit, and looks no further', () => {
    const spool = spoolOf(five);
    expect(select(retainFileCount(3), spool)).toEqual(['0:fileCount', '1:fileCount']);
    expect(spool.walked).toEqual(['0', '1']);
  });

  it('counts the active segment', () => {
    expect(select(retainFileCount(5), spoolOf(five, 10))).toEqual(['0:fileCount']);
  });

  it('does not look at a spool within the limit', () => {
    const spool = spoolOf(five);
    expect(select(retainFileCount(5), spool)).toEqual([]);
    expect(spool.walked).toEqual([]);
  });

  it('gives up all there is where that is not enough', () => {
    const spool = { ...spoolOf([{}, {}]), fileCount: 9 };
    expect(select(retainFileCount(2), spool)).toEqual(['0:fileCount', '1:fileCount']);
  });
});

describe('retainTotalBytes', () => {
  const sizes = [{ sizeBytes: 1_000 }, { sizeBytes: 1_500 }, { sizeBytes: 2_000 }, { sizeBytes: 500 }];

  it.each([
    [5_000, []],
    [4_999, ['0:totalBytes']],
    [4_000, ['0:totalBytes']],
    [3_999, ['0:totalBytes', '1:totalBytes']],
    [2_500, ['0:totalBytes', '1:totalBytes']],
    [2_499, ['0:totalBytes', '1:totalBytes', '2:totalBytes']],
  ])('keeps within %d bytes', (maxBytes, removals) => {
    const spool = spoolOf(sizes);
    expect(select(retainTotalBytes(maxBytes), spool)).toEqual(removals);
    expect(spool.walked).toHaveLength(removals.length);
  });

  it('counts the active segment', () => {
    expect(select(retainTotalBytes(5_000), spoolOf(sizes, 1))).toEqual(['0:totalBytes']);
  });
});

describe('retainAge', () => {
  it('gives up what is older, and looks no further than the first that is not', () => {
    const spool = spoolOf(five);
    expect(select(retainAge(3_000), spool)).toEqual(['0:age', '1:age']);
    expect(spool.walked).toEqual(['0', '1', '2']);
  });

  it('passes over delivered ones that are young, to the old ones behind', () => {
    const spool = spoolOf([
      { isDelivered: true, ageMs: 9_000 },
      { isDelivered: true, ageMs: 2_000 },
      { isDelivered: true, ageMs: 1_000 },
      { ageMs: 8_000 },
      { ageMs: 5_000 },
      { ageMs: 500 },
    ]);
    expect(select(retainAge(5_000), spool)).toEqual(['0:age', '3:age']);
    expect(spool.walked).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('retainFreeSpace', () => {
  const policy = retainFreeSpace(1_000);
  const disk = (freeBytes: number) => ({ freeBytes, totalBytes: 99_999 });

  it('gives up segments until their bytes are free', () => {
    const spool = spoolOf(five);
    expect(select(policy, spool, disk(750))).toEqual(['0:freeSpace', '1:freeSpace', '2:freeSpace']);
    expect(spool.walked).toEqual(['0', '1', '2']);
  });

  it('gives up nothing where enough is free', () => {
    const spool = spoolOf(five);
    expect(select(policy, spool, disk(1_000))).toEqual([]);
    expect(spool.walked).toEqual([]);
  });

  it('gives up nothing where the volume does not tell', () => {
    expect(select(policy, spoolOf(five))).toEqual([]);
    expect(select(policy, spoolOf(five), disk(Number.NaN))).toEqual([]);
  });

  it('asks for the volume to be measured, as the others do not', () => {
    expect(policy.needsDiskUsage).toBe(true);
    for (const other of [retainFileCount(5), retainTotalBytes(5_000), retainAge(5_000)]) {
      expect(other.needsDiskUsage ?? false).toBe(false);
    }
  });
});

describe('options', () => {
  it.each([
    [retainFileCount, 'maxFiles', MIN_FILE_COUNT],
    [retainTotalBytes, 'maxBytes', MIN_TOTAL_BYTES],
    [retainAge, 'maxAgeMs', MIN_RETAINED_AGE_MS],
    [retainFreeSpace, 'minFreeBytes', 1],
  ])('%o: %s is a whole number, at least %d', (make, option, minimum) => {
    expect(() => make(minimum)).not.toThrow();
    for (const value of [minimum - 1, minimum + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const message = `${option} must be a whole number >= ${minimum}, got ${value}`;
      expect(() => make(value)).toThrow(new RangeError(message));
    }
  });
});
