import {
  DEFAULT_MAX_FILE_COUNT,
  DEFAULT_MAX_SEGMENT_AGE_MS,
  DEFAULT_MAX_SEGMENT_BYTES,
  DEFAULT_MAX_SEGMENT_EVENTS,
  MIN_SEGMENT_BYTES,
  retainAll,
  retainFileCount,
  retainTotalBytes,
  rotateByAge,
  rotateByBytes,
  rotateByEvents,
  rotateWhenAny,
} from '@relaykit/rotation';
import type { RetentionPolicy, RotationPolicy } from '@relaykit/types';

/** A spool's limit is looked at when a segment begins: in eight of them it is passed by an eighth at most. */
const segmentsInSpool = 8;

/** Policies that keep a spool within `maxSpoolBytes`, and its segments small enough for that. */
export function spoolLimits(maxSpoolBytes: number): { retention: RetentionPolicy; rotation: RotationPolicy } {
  const share = Math.floor(maxSpoolBytes / segmentsInSpool);
  return {
    retention: retainAll(retainTotalBytes(maxSpoolBytes), retainFileCount(DEFAULT_MAX_FILE_COUNT)),
    rotation: rotateWhenAny(
      rotateByBytes(Math.max(MIN_SEGMENT_BYTES, Math.min(DEFAULT_MAX_SEGMENT_BYTES, share))),
      rotateByAge(DEFAULT_MAX_SEGMENT_AGE_MS),
      rotateByEvents(DEFAULT_MAX_SEGMENT_EVENTS),
    ),
  };
}
