import { resolve } from 'node:path';
import { exponentialBackoff, validateRetryPolicy } from '@relaykit/retry';
import { defaultRetention, defaultRotation } from '@relaykit/rotation';
import { type DroppedSegment, isUsableExtension, type SpoolOptions, type WhenFull } from '@relaykit/segments';
import { DEFAULT_MAX_DECODED_BYTES, JSONEventSerializer } from '@relaykit/serializers';
import type {
  Durability,
  EventSerializer,
  RetentionPolicy,
  RetryPolicy,
  RotationPolicy,
  SegmentMetadata,
} from '@relaykit/types';
import type { DiskWriterMetricsCollector } from './disk-writer-metrics-collector.ts';
import { safeLogger } from './safe-logger.ts';

/** Larger than any sensible event, small enough that a runaway one does not fill the buffer. */
export const DEFAULT_MAX_EVENT_BYTES: number = 1024 * 1024;
/**
 * Half of what a reader takes at once (`DEFAULT_MAX_DECODED_BYTES`): a frame holds 256 KiB and one event more, and recovery
 * must be able to read every frame that was written.
 */
export const MAX_MAX_EVENT_BYTES: number = DEFAULT_MAX_DECODED_BYTES / 2;
/** A crash of the process loses nothing; whoever must survive a power cut asks for `synced` and pays for it. */
export const DEFAULT_DURABILITY: Durability = 'written';
/** New events say more about what is going on than the oldest of a long outage. The ledger tells what went. */
export const DEFAULT_WHEN_FULL: WhenFull = 'dropOldestUndelivered';
/** Five tries within about two seconds: long enough for a busy file system, short enough for a caller that waits. */
export const DEFAULT_WRITE_RETRY: RetryPolicy = exponentialBackoff({
  maxAttempts: 5,
  initialDelayMs: 10,
  maxDelayMs: 1_000,
});

/**
 * - `append`: flushes share segments; after a crash a prefix of whole events of an unacknowledged batch may be there.
 * - `atomic`: each flush becomes a segment of its own, sealed and synced before it is acknowledged; after a crash it is
 *   there whole or not at all.
 */
export type FlushMode = 'append' | 'atomic';

/** What a `FileDiskWriter` is made with; only `directory` is needed. */
export interface FileDiskWriterOptions<TEvent> extends SpoolOptions {
  /** How events become bytes. Defaults to `new JSONEventSerializer()`: JSON Lines. */
  readonly serializer?: EventSerializer<TEvent>;
  /** When a segment is sealed and the next begun. Defaults to 8 MiB, 60 s or 10,000 events, whichever comes first. */
  readonly rotation?: RotationPolicy;
  /**
   * How much the spool may hold, all writers together. Looked at before each new segment and once a minute. Defaults to
   * 512 MiB and 50,000 files.
   */
  readonly retention?: RetentionPolicy;
  /** What happens when the spool has reached its limits, or the disk is full. Defaults to `DEFAULT_WHEN_FULL`. */
  readonly whenFull?: WhenFull;
  /** What is done about transient failures of the disk. Defaults to `DEFAULT_WRITE_RETRY`. */
  readonly retry?: RetryPolicy;
  /** How far a batch must have travelled, where the call does not say. Defaults to `DEFAULT_DURABILITY`. */
  readonly durability?: Durability;
  /** Defaults to `append`. */
  readonly flushMode?: FlushMode;
  /**
   * Whether segments are held back from export, for whoever needs a consent first: `releaseHeld` of a segment store lets
   * them go, `discardHeld` gives them up, each as a whole. `setHoldExport` changes it. Defaults to `false`.
   */
  readonly holdExport?: boolean;
  /** Largest encoded event in bytes; a larger one is rejected by itself. Defaults to `DEFAULT_MAX_EVENT_BYTES`. */
  readonly maxEventBytes?: number;
  /** Called after each segment was sealed. What it throws is logged and harms nobody. */
  readonly onSegmentSealed?: (metadata: SegmentMetadata) => void;
  /**
   * Called after each segment that was given up to stay within `retention`. What it throws is logged and harms nobody.
   * Without it and without a logger, `process.emitWarning` tells.
   */
  readonly onSegmentDropped?: (segment: DroppedSegment) => void;
  /** Called after each batch was stored. What it throws is logged and harms nobody. */
  readonly onFlushed?: (flush: FlushFacts) => void;
  /** Counts what this writer does. Defaults to none. */
  readonly metrics?: Pick<DiskWriterMetricsCollector, 'attachWriter'>;
}

/** One batch that reached the disk. */
export interface FlushFacts {
  readonly eventCount: number;
  /** Encoded, before compression or encryption. */
  readonly sizeBytes: number;
  readonly segmentId: string;
  /** From the call to its acknowledgement. */
  readonly durationMs: number;
  readonly durability: Durability;
}

export type ResolvedOptions<TEvent> = FileDiskWriterOptions<TEvent> &
  Required<
    Pick<
      FileDiskWriterOptions<TEvent>,
      | 'serializer'
      | 'rotation'
      | 'retention'
      | 'whenFull'
      | 'retry'
      | 'durability'
      | 'flushMode'
      | 'holdExport'
      | 'maxEventBytes'
    >
  >;

/** Fills in the defaults and refuses what cannot work, naming option, rule and value. */
export function resolveOptions<TEvent>(options: FileDiskWriterOptions<TEvent>): ResolvedOptions<TEvent> {
  checkShapes(options);
  const resolved: ResolvedOptions<TEvent> = {
    ...options,
    // The spool is opened later, and the process may be in another directory by then.
    directory: resolve(options.directory),
    ...(options.logger ? { logger: safeLogger(options.logger) } : {}),
    serializer: options.serializer ?? new JSONEventSerializer<TEvent>(),
    rotation: options.rotation ?? defaultRotation(),
    retention: options.retention ?? defaultRetention(),
    whenFull: options.whenFull ?? DEFAULT_WHEN_FULL,
    retry: options.retry ?? DEFAULT_WRITE_RETRY,
    durability: options.durability ?? DEFAULT_DURABILITY,
    flushMode: options.flushMode ?? 'append',
    holdExport: options.holdExport ?? false,
    maxEventBytes: options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES,
  };
  const { durability, flushMode, holdExport, maxEventBytes, retry, rotation, serializer } = resolved;
  checkDurability('durability', durability);
  checkHoldExport(holdExport);
  if (flushMode !== 'append' && flushMode !== 'atomic') {
    throw new TypeError(`flushMode must be 'append' or 'atomic', got ${JSON.stringify(flushMode)}`);
  }
  if (!Number.isSafeInteger(maxEventBytes) || maxEventBytes < 1) {
    throw new RangeError(`maxEventBytes must be a whole number >= 1, got ${String(maxEventBytes)}`);
  }
  if (maxEventBytes > MAX_MAX_EVENT_BYTES) {
    throw new RangeError(`maxEventBytes must be at most ${MAX_MAX_EVENT_BYTES}, got ${maxEventBytes}`);
  }
  if (typeof rotation.shouldRotate !== 'function') {
    throw new TypeError('rotation must be a RotationPolicy with shouldRotate');
  }
  if (typeof resolved.retention.select !== 'function') {
    throw new TypeError('retention must be a RetentionPolicy with select');
  }
  if (resolved.whenFull !== 'dropOldestUndelivered' && resolved.whenFull !== 'refuseNew') {
    const found = JSON.stringify(resolved.whenFull);
    throw new TypeError(`whenFull must be 'dropOldestUndelivered' or 'refuseNew', got ${found}`);
  }
  if (!isUsableExtension(serializer.format.fileExtension)) {
    const found = JSON.stringify(serializer.format.fileExtension);
    throw new TypeError(`serializer.format.fileExtension must be like 'ndjson' or 'ndjson.gz', got ${found}`);
  }
  validateRetryPolicy(retry, 'retry');
  return resolved;
}

/** What is called later, and far from whoever made the mistake, is looked at now. */
function checkShapes<TEvent>(options: FileDiskWriterOptions<TEvent>): void {
  const { allowUnsafeDirectory, clock, directory, fileSystem, logger, metrics, serializer } = options ?? {};
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new TypeError(`directory must be a path, got ${JSON.stringify(directory) ?? 'undefined'}`);
  }
  for (const name of ['onFlushed', 'onSegmentDropped', 'onSegmentSealed'] as const) {
    const listener: unknown = options[name];
    if (listener !== undefined && typeof listener !== 'function') {
      throw new TypeError(`${name} must be a function, got ${typeof listener}`);
    }
  }
  checkMethods('logger', logger, ['debug', 'info', 'warn', 'error']);
  checkMethods('clock', clock, ['now', 'monotonicMs', 'setTimer']);
  checkMethods('metrics', metrics, ['attachWriter']);
  checkMethods('fileSystem', fileSystem, ['createFileSync', 'openFile', 'rename', 'syncDirectory']);
  checkMethods('serializer', serializer, ['encode', 'decode', 'scan']);
  if (serializer && typeof serializer.format !== 'object') throw new TypeError('serializer must have a format');
  if (allowUnsafeDirectory !== undefined && typeof allowUnsafeDirectory !== 'boolean') {
    throw new TypeError(`allowUnsafeDirectory must be true or false, got ${JSON.stringify(allowUnsafeDirectory)}`);
  }
}

function checkMethods(name: string, value: object | undefined, methods: readonly string[]): void {
  if (value === undefined) return;
  for (const method of methods) {
    const found: unknown = value === null ? undefined : (value as Record<string, unknown>)[method];
    if (typeof found !== 'function') throw new TypeError(`${name} must have the method ${method}, got ${typeof found}`);
  }
}

export function checkHoldExport(value: boolean): void {
  if (typeof value === 'boolean') return;
  throw new TypeError(`holdExport must be true or false, got ${JSON.stringify(value)}`);
}

export function checkDurability(name: string, value: Durability): void {
  if (value !== 'written' && value !== 'synced') {
    throw new TypeError(`${name} must be 'written' or 'synced', got ${JSON.stringify(value)}`);
  }
}
