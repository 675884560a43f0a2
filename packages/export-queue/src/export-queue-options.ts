import { exponentialBackoff, MAX_DELAY_MS, validateRetryPolicy } from '@relaykit/retry';
import { systemClock } from '@relaykit/segments';
import type {
  AfterDelivery,
  Clock,
  ExponentialBackoff,
  Logger,
  RetryPolicy,
  SegmentStore,
  SegmentUploader,
} from '@relaykit/types';
import { checkMethods, checkWholeNumber } from './check.ts';
import type { ExportCondition } from './conditions.ts';
import { safeLogger } from './safe-logger.ts';

/**
 * One segment at a time: they arrive in the order of their creation as long as none fails, and at megabytes each a
 * single stream fills most uplinks. More helps where the receiver is far away or slow to answer.
 */
export const DEFAULT_CONCURRENCY = 1;

/** A month of outage, holidays included; by then somebody should look at what is stuck. */
export const DEFAULT_MAX_RETRY_AGE_MS: number = 30 * 24 * 60 * 60 * 1_000;

/** `wake()` tells of segments of this process at once; polling finds those of others, and costs one listing. */
export const DEFAULT_POLL_INTERVAL_MS = 10_000;

/** Uploads under way get this long to end when the queue closes: less than most supervisors wait before they kill. */
export const DEFAULT_CLOSE_DEADLINE_MS = 5_000;

/** From one second to five minutes, with no bound on attempts: `maxRetryAgeMs` is the bound. */
export const DEFAULT_UPLOAD_RETRY: Required<ExponentialBackoff> = exponentialBackoff({
  maxAttempts: Number.MAX_SAFE_INTEGER,
  initialDelayMs: 1_000,
  maxDelayMs: 300_000,
});

/** A receiver may put an attempt off for this long and no longer, whatever its `Retry-After` says. */
export const MAX_RETRY_AFTER_MS: number = 60 * 60 * 1_000;

/**
 * - `oldestFirst`: oldest first; a segment that failed waits for its next attempt while newer ones go on.
 * - `perWriter`: strictly in order per writer. A segment that is not delivered yet (failing, held, leased by another
 *   queue) holds back the later segments of its writer, and no one else's.
 */
export type ExportOrder = 'oldestFirst' | 'perWriter';

/** What a `DiskExportQueue` is made with; `store` and `uploader` are needed. */
export interface DiskExportQueueOptions {
  /** Where segments wait. Stays the caller's: `close()` does not close it. */
  readonly store: SegmentStore;
  /** Where they go. `close()` of the queue closes it. */
  readonly uploader: SegmentUploader;
  /** When a failed segment is tried again. Defaults to `DEFAULT_UPLOAD_RETRY`. Giving up puts the segment in quarantine. */
  readonly retry?: RetryPolicy;
  /**
   * How long a segment may go on failing before it is put in quarantine. Between two attempts the longest delay of `retry`
   * counts and no more, at least `MAX_RETRY_AFTER_MS`: a machine that is off or holds the queue ages nothing. Defaults to `DEFAULT_MAX_RETRY_AGE_MS`, 30 days.
   */
  readonly maxRetryAgeMs?: number;
  /** Uploads at a time, at least 1. Defaults to `DEFAULT_CONCURRENCY`, 1. */
  readonly concurrency?: number;
  /** Defaults to `oldestFirst`. */
  readonly order?: ExportOrder;
  /** How often the started queue looks for segments of other processes. Defaults to `DEFAULT_POLL_INTERVAL_MS`, 10 s. */
  readonly pollIntervalMs?: number;
  /** All uploads of this queue together. Defaults to no limit. */
  readonly maxBytesPerSecond?: number;
  /** Asked before each upload; the first that answers `{ hold }` keeps everything in the spool. Defaults to none. */
  readonly conditions?: readonly ExportCondition[];
  /** What is done with a delivered file: removed, or kept in a directory of yours, for a time or for good. Defaults to `delete`. */
  readonly afterDelivery?: AfterDelivery;
  /** How long `close()` waits for uploads under way. Defaults to `DEFAULT_CLOSE_DEADLINE_MS`, 5 s. */
  readonly closeDeadlineMs?: number;
  readonly clock?: Clock;
  /** Defaults to silence. Gets names, numbers and codes; never payload, header values or addresses with a query. */
  readonly logger?: Logger;
  /** A number from 0 to 1, for jitter. Defaults to `Math.random`. */
  readonly random?: () => number;
}

type Defaulted = Required<Omit<DiskExportQueueOptions, 'maxBytesPerSecond' | 'afterDelivery' | 'logger'>>;

export interface ResolvedExportQueueOptions extends Defaulted {
  readonly maxBytesPerSecond: number | undefined;
  readonly afterDelivery: AfterDelivery | undefined;
  readonly logger: Logger | undefined;
}

/** @throws TypeError, RangeError - an option breaks its rule; the message names it. */
export function resolveExportQueueOptions(options: DiskExportQueueOptions): ResolvedExportQueueOptions {
  const { order = 'oldestFirst', retry = DEFAULT_UPLOAD_RETRY, conditions = [], maxBytesPerSecond } = options;
  if (order !== 'oldestFirst' && order !== 'perWriter') {
    throw new TypeError(`order must be 'oldestFirst' or 'perWriter', got ${String(order)}`);
  }
  const wrongCondition = conditions.find((condition) => typeof condition !== 'function');
  if (wrongCondition !== undefined) throw new TypeError(`conditions must be functions, got ${typeof wrongCondition}`);
  validateRetryPolicy(retry, 'retry');
  if (maxBytesPerSecond !== undefined) checkWholeNumber('maxBytesPerSecond', maxBytesPerSecond, 1);
  return {
    store: checkMethods('store', options.store, ['list', 'lease']),
    uploader: checkMethods('uploader', options.uploader, ['upload']),
    retry,
    maxRetryAgeMs: checkWholeNumber('maxRetryAgeMs', options.maxRetryAgeMs ?? DEFAULT_MAX_RETRY_AGE_MS, 0),
    concurrency: checkWholeNumber('concurrency', options.concurrency ?? DEFAULT_CONCURRENCY, 1),
    order,
    pollIntervalMs: checkWholeNumber('pollIntervalMs', options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS, 1),
    maxBytesPerSecond,
    conditions: [...conditions],
    afterDelivery: checkAfterDelivery(options.afterDelivery),
    closeDeadlineMs: checkWholeNumber('closeDeadlineMs', options.closeDeadlineMs ?? DEFAULT_CLOSE_DEADLINE_MS, 0),
    clock: options.clock ?? systemClock(),
    logger: safeLogger(options.logger),
    random: options.random ?? Math.random,
  };
}

function checkAfterDelivery(value: AfterDelivery | undefined): AfterDelivery | undefined {
  if (value === undefined || value === 'delete') return value;
  const { archiveDirectory, keepForMs } = value ?? {};
  if (typeof archiveDirectory !== 'string' || archiveDirectory === '') {
    const found = JSON.stringify(archiveDirectory) ?? 'undefined';
    throw new TypeError(`afterDelivery must be 'delete' or have an archiveDirectory that is a path, got ${found}`);
  }
  if (keepForMs !== undefined) checkWholeNumber('afterDelivery.keepForMs', keepForMs, 0);
  return value;
}

/** No attempt is put off for longer than this; a later time on disk is damage or the work of a wrong clock. */
export function longestDelayMs(retry: RetryPolicy): number {
  if (retry.kind === 'custom') return MAX_DELAY_MS;
  return Math.max(MAX_RETRY_AFTER_MS, retry.kind === 'exponentialBackoff' ? retry.maxDelayMs : 0);
}
