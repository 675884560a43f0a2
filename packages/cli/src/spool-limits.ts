import {
  DEFAULT_MAX_FILE_COUNT,
  DEFAULT_MAX_SEGMENT_BYTES,
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

export interface SpoolLimitOptions {
  readonly maxSpoolBytes: number;
  /** Defaults to `DEFAULT_MAX_SEGMENT_BYTES`, or an eighth of `maxSpoolBytes`, whichever is less. */
  readonly rotateBytes?: number;
  readonly rotateAge: number;
  readonly rotateEvents: number;
}

/** Policies that keep a spool within `maxSpoolBytes`, and its segments small enough for that. */
export function spoolLimits({ maxSpoolBytes, rotateBytes, rotateAge, rotateEvents }: SpoolLimitOptions): {
  readonly retention: RetentionPolicy;
  readonly rotation: RotationPolicy;
} {
  const share = Math.max(MIN_SEGMENT_BYTES, Math.floor(maxSpoolBytes / segmentsInSpool));
  return {
    retention: retainAll(retainTotalBytes(maxSpoolBytes), retainFileCount(DEFAULT_MAX_FILE_COUNT)),
    rotation: rotateWhenAny(
      rotateByBytes(rotateBytes ?? Math.min(DEFAULT_MAX_SEGMENT_BYTES, share)),
      rotateByAge(rotateAge),
      rotateByEvents(rotateEvents),
    ),
  };
}
