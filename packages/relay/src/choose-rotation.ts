import {
  DEFAULT_MAX_SEGMENT_AGE_MS,
  DEFAULT_MAX_SEGMENT_BYTES,
  DEFAULT_MAX_SEGMENT_EVENTS,
  MIN_SEGMENT_AGE_MS,
  MIN_SEGMENT_BYTES,
  rotateByAge,
  rotateByBytes,
  rotateByEvents,
  rotateWhenAny,
} from '@relaykit/rotation';
import type { RotationPolicy } from '@relaykit/types';

export interface RotationChoice {
  readonly rotation?: RotationPolicy;
  readonly maxSegmentBytes?: number;
  readonly maxSegmentAgeMs?: number;
  readonly maxSegmentEvents?: number;
}

/** A policy as given, or one made of limits; a limit that is not given keeps its default. */
export function chooseRotation(choice: RotationChoice): RotationPolicy {
  const {
    rotation,
    maxSegmentBytes = DEFAULT_MAX_SEGMENT_BYTES,
    maxSegmentAgeMs = DEFAULT_MAX_SEGMENT_AGE_MS,
    maxSegmentEvents = DEFAULT_MAX_SEGMENT_EVENTS,
  } = choice;
  if (rotation !== undefined) {
    for (const name of ['maxSegmentBytes', 'maxSegmentAgeMs', 'maxSegmentEvents'] as const) {
      if (choice[name] !== undefined) throw new TypeError(`${name} must not stand beside rotation; choose one of them`);
    }
    return rotation;
  }
  requireAtLeast('maxSegmentBytes', maxSegmentBytes, MIN_SEGMENT_BYTES);
  requireAtLeast('maxSegmentAgeMs', maxSegmentAgeMs, MIN_SEGMENT_AGE_MS);
  requireAtLeast('maxSegmentEvents', maxSegmentEvents, 1);
  return rotateWhenAny(rotateByBytes(maxSegmentBytes), rotateByAge(maxSegmentAgeMs), rotateByEvents(maxSegmentEvents));
}

function requireAtLeast(name: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return;
  throw new RangeError(`${name} must be a whole number >= ${minimum}, got ${String(value)}`);
}
