/**
 * What happens to the segment for which a full quarantine has no room.
 *
 * - `block`: it stays where it is, and the queue stops and says so: somebody has to look.
 * - `dropOldest`: the oldest in quarantine go for it, each with a record in the ledger.
 */
export type WhenQuarantineFull = 'block' | 'dropOldest';

/** A quarter of what a spool holds by default: some sixteen segments of full size, enough to see what is wrong. */
export const DEFAULT_MAX_QUARANTINE_BYTES: number = 128 * 1024 * 1024;
/** Small segments cost directory entries rather than bytes; nobody looks at more than these one by one. */
export const DEFAULT_MAX_QUARANTINE_SEGMENTS = 1_000;
/** What a receiver refuses for good is a mistake that somebody has to find; until then nothing is lost. */
export const DEFAULT_WHEN_QUARANTINE_FULL: WhenQuarantineFull = 'block';

/**
 * What recovery finds damaged is put aside whatever these say, for it must not stay in the way; it counts towards them.
 * Processes that add at the same moment may exceed them by a segment each.
 */
export interface QuarantineOptions {
  /** All files together, at least 0. Defaults to `DEFAULT_MAX_QUARANTINE_BYTES`, 128 MiB. */
  readonly maxBytes?: number;
  /** At least 1. Defaults to `DEFAULT_MAX_QUARANTINE_SEGMENTS`, 1,000. */
  readonly maxSegments?: number;
  /** Defaults to `block`. */
  readonly whenFull?: WhenQuarantineFull;
}

/** The bounds of a quarantine, defaults filled in. */
export type QuarantineLimits = Required<QuarantineOptions>;

/** @throws TypeError, RangeError - an option breaks its rule; the message names it. */
export function resolveQuarantineLimits(options: QuarantineOptions): QuarantineLimits {
  const {
    maxBytes = DEFAULT_MAX_QUARANTINE_BYTES,
    maxSegments = DEFAULT_MAX_QUARANTINE_SEGMENTS,
    whenFull = DEFAULT_WHEN_QUARANTINE_FULL,
  } = options;
  for (const [name, value, minimum] of [
    ['maxBytes', maxBytes, 0],
    ['maxSegments', maxSegments, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= minimum) continue;
    throw new RangeError(`quarantine.${name} must be a whole number >= ${minimum}, got ${String(value)}`);
  }
  if (whenFull !== 'block' && whenFull !== 'dropOldest') {
    throw new TypeError(`quarantine.whenFull must be 'block' or 'dropOldest', got ${JSON.stringify(whenFull)}`);
  }
  return { maxBytes, maxSegments, whenFull };
}
