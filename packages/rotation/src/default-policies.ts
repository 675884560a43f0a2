import type { RetentionPolicy, RotationPolicy } from '@relaykit/types';
import { retainAll } from './retain-all.ts';
import { retainFileCount } from './retain-file-count.ts';
import { retainTotalBytes } from './retain-total-bytes.ts';
import { rotateByAge } from './rotate-by-age.ts';
import { rotateByBytes } from './rotate-by-bytes.ts';
import { rotateByEvents } from './rotate-by-events.ts';
import { rotateWhenAny } from './rotate-when-any.ts';

/** 8 MiB: large enough that names and sealing cost nothing, small enough for one upload to be repeated. */
export const DEFAULT_MAX_SEGMENT_BYTES: number = 8 * 1_024 * 1_024;

/** 60 s: how long an event waits at most before its segment can be uploaded. */
export const DEFAULT_MAX_SEGMENT_AGE_MS = 60_000;

/** 10,000: receivers limit a request by records as well as by bytes. */
export const DEFAULT_MAX_SEGMENT_EVENTS = 10_000;

/** 512 MiB: 64 full segments, room for a long outage without filling a small disk. */
export const DEFAULT_MAX_TOTAL_BYTES: number = 512 * 1_024 * 1_024;

/** 50,000: segments of 60 s for 34 days, longer than an upload is retried. */
export const DEFAULT_MAX_FILE_COUNT = 50_000;

/** 8 MiB, 60 s or 10,000 events, whichever comes first. */
export function defaultRotation(): RotationPolicy {
  return rotateWhenAny(
    rotateByBytes(DEFAULT_MAX_SEGMENT_BYTES),
    rotateByAge(DEFAULT_MAX_SEGMENT_AGE_MS),
    rotateByEvents(DEFAULT_MAX_SEGMENT_EVENTS),
  );
}

/** 512 MiB and 50,000 files. */
export function defaultRetention(): RetentionPolicy {
  return retainAll(retainTotalBytes(DEFAULT_MAX_TOTAL_BYTES), retainFileCount(DEFAULT_MAX_FILE_COUNT));
}
