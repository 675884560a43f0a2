import {
  DEFAULT_MAX_FILE_COUNT,
  DEFAULT_MAX_SEGMENT_AGE_MS,
  DEFAULT_MAX_SEGMENT_BYTES,
  DEFAULT_MAX_SEGMENT_EVENTS,
  DEFAULT_MAX_TOTAL_BYTES,
  defaultRetention,
  defaultRotation,
} from '@relaykit/rotation';
import { expect, it } from 'vitest';
import { now, select, spoolOf } from './spool.ts';

it('a segment ends at 8 MiB, 60 s or 10,000 events', () => {
  const fresh = { id: 's', sizeBytes: 1, eventCount: 1, ageMs: 0 };
  const policy = defaultRotation();
  expect(policy.shouldRotate(fresh, now)).toBeUndefined();
  expect(policy.shouldRotate({ ...fresh, sizeBytes: 8 * 1_024 * 1_024 }, now)).toBe('bytes');
  expect(policy.shouldRotate({ ...fresh, ageMs: 60_000 }, now)).toBe('age');
  expect(policy.shouldRotate({ ...fresh, eventCount: 10_000 }, now)).toBe('events');
  expect(policy.nextCheckMs?.(fresh, now)).toBe(60_000);
  expect([DEFAULT_MAX_SEGMENT_BYTES, DEFAULT_MAX_SEGMENT_AGE_MS, DEFAULT_MAX_SEGMENT_EVENTS]).toEqual([
    8_388_608, 60_000, 10_000,
  ]);
});

it('a spool keeps 512 MiB and 50,000 files', () => {
  const policy = defaultRetention();
  const spool = spoolOf([{}, {}, {}]);
  expect(select(policy, { ...spool, fileCount: 50_000, totalBytes: 536_870_912 })).toEqual([]);
  expect(select(policy, { ...spool, totalBytes: 536_870_913 })).toEqual(['0:totalBytes']);
  expect(select(policy, { ...spool, fileCount: 50_002 })).toEqual(['0:fileCount', '1:fileCount']);
  expect(policy.needsDiskUsage).toBe(false);
  expect([DEFAULT_MAX_TOTAL_BYTES, DEFAULT_MAX_FILE_COUNT]).toEqual([536_870_912, 50_000]);
});
