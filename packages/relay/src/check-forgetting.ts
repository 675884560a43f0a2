import type { RetentionPolicy, RotationPolicy } from '@relaykit/types';

export interface ForgettingCheck {
  readonly rotation: RotationPolicy;
  readonly retention: RetentionPolicy;
  readonly maxRetryAgeMs: number;
}

/**
 * Refuses limits that would drop a segment while its delivery is still being retried, however little is recorded: a
 * spool of 1,000 files of one minute each forgets after 17 hours, long before a retry of 30 days has ended.
 *
 * Policies are pure, so they are asked: what happens to the oldest segment of a spool that has recorded one byte each
 * time a segment lasts as long as it may, for as long as a delivery is retried? Limits in bytes are left to judge by
 * whoever knows how much comes.
 *
 * @throws RangeError - names the way out.
 */
export function checkForgetting({ rotation, retention, maxRetryAgeMs }: ForgettingCheck): void {
  const now = { epochMs: 0, monotonicMs: 0 };
  const oneEvent = { id: 'example', sizeBytes: 1, eventCount: 1, ageMs: 0 };
  const segmentAgeMs = rotation.nextCheckMs?.(oneEvent, now);
  // Without a limit of age, a segment may last as long as the retry.
  const segmentCount = segmentAgeMs === undefined ? 1 : Math.ceil(maxRetryAgeMs / Math.max(1, segmentAgeMs));
  const oldest = {
    id: 'example',
    createdAtMs: -maxRetryAgeMs,
    firstSequence: 0,
    writerId: 'example',
    fileExtension: 'ndjson',
    sizeBytes: 1,
    ageMs: maxRetryAgeMs,
    isDelivered: false,
  };
  const removals = retention.select(
    { fileCount: segmentCount + 1, totalBytes: segmentCount + 1, oldestFirst: () => [oldest] },
    { freeBytes: Number.MAX_SAFE_INTEGER, totalBytes: Number.MAX_SAFE_INTEGER },
    now,
  );
  const [removal] = removals;
  if (removal === undefined) return;
  throw new RangeError(
    `retention (${removal.reason}) drops undelivered segments before export.maxRetryAgeMs, ${maxRetryAgeMs}, is over: ` +
      `in that time ${segmentCount} segments may pile up. Keep more or older segments, rotate less often, retry for a ` +
      'shorter time, or pass allowEarlyForgetting: true',
  );
}
