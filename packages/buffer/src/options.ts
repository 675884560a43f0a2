import type { Clock, Durability, EventPersisting, LifecycleSource, Logger } from '@relaykit/types';
import { defaultClock } from './default-clock.ts';
import type { DroppedListener } from './loss-account.ts';

/** Events in memory: with a writer that is stuck, some 20 flushes' worth. */
export const DEFAULT_MAX_EVENTS = 10_000;
/** Encoded bytes in memory: small beside any process, and more than `DEFAULT_MAX_EVENTS` events of usual size. */
export const DEFAULT_MAX_BYTES: number = 8 * 1024 * 1024;
/** Events that start a write: enough that the write itself costs each of them next to nothing. */
export const DEFAULT_FLUSH_EVENTS = 500;
/** Encoded bytes that start a write: one frame of a compressed segment. */
export const DEFAULT_FLUSH_BYTES: number = 256 * 1024;
/** How long an event waits at most before its write starts: what a crash of the process may take. */
export const DEFAULT_FLUSH_INTERVAL_MS = 1_000;
/**
 * What happens to an event that meets a full buffer. `reject` takes back nothing that `add` has accepted, and tells the
 * one caller who can still do something about it; the other policies lose events, though never without a count.
 */
export const DEFAULT_OVERFLOW: OverflowPolicy = 'reject';

/**
 * - `reject`: the event is refused and stays the caller's.
 * - `dropNewest`: the event is dropped.
 * - `dropOldest`: the oldest batch that waits is dropped whole, at most `flushEvents` events; what is being written
 *   stays. Where nothing else is in memory, the new event is dropped.
 */
export type OverflowPolicy = 'reject' | 'dropNewest' | 'dropOldest';

/**
 * - `onAdd`: an event is recorded as it was when it was added, and `maxBytes` is exact. Costs `add` the encoding.
 * - `onFlush`: the buffer keeps a reference. Changing the object before it is written changes what is stored, an event
 *   that cannot be stored is found out only then, and `maxBytes` and `flushBytes` do not apply.
 */
export type EncodeTime = 'onAdd' | 'onFlush';

/** What a `RelayEventBuffer` is made with; only `persistence` is needed. */
export interface RelayEventBufferOptions<TEvent> {
  /** Where events go. */
  readonly persistence: EventPersisting<TEvent>;
  /** Most events in memory, those being written included; a whole number >= 1. Defaults to `DEFAULT_MAX_EVENTS`. */
  readonly maxEvents?: number;
  /**
   * Most encoded bytes in memory, those being written included; a whole number >= 1. The event that reaches the bound
   * is still taken, so one event may stand above it. Defaults to `DEFAULT_MAX_BYTES`.
   */
  readonly maxBytes?: number;
  /**
   * Events that start a write; a whole number from 1 to `maxEvents`. Defaults to `DEFAULT_FLUSH_EVENTS`, or to
   * `maxEvents` where that is less.
   */
  readonly flushEvents?: number;
  /**
   * Encoded bytes that start a write; a whole number from 1 to `maxBytes`. Defaults to `DEFAULT_FLUSH_BYTES`, or to
   * `maxBytes` where that is less.
   */
  readonly flushBytes?: number;
  /**
   * Milliseconds after which a write starts, counted from the first event in memory, and after which a failed one is
   * tried again. At least 1, at most 2,147,483,647; `Number.POSITIVE_INFINITY` starts none for waiting events and
   * retries after `DEFAULT_FLUSH_INTERVAL_MS`. The timer keeps the process alive only while a caller of `addWhenRoom`
   * waits. Defaults to `DEFAULT_FLUSH_INTERVAL_MS`.
   */
  readonly flushIntervalMs?: number;
  /** Defaults to `DEFAULT_OVERFLOW`. */
  readonly overflow?: OverflowPolicy;
  /** Defaults to `onAdd` where the persistence offers `openBatch` and `commit`, to `onFlush` where it does not. */
  readonly encode?: EncodeTime;
  /** How far events must travel for a write to count, and for `flush()`. Defaults to the persistence's own setting. */
  readonly durability?: Durability;
  /**
   * Flushes on `background` and `terminate`, and on `exit` without waiting, where the persistence offers `writeSync`:
   * `nodeLifecycle()` of `@relaykit/buffer/node`, `pageLifecycle()`, `electronLifecycle(app, powerMonitor)`, or one of
   * your own. Defaults to none: no handler is installed unless asked for.
   */
  readonly lifecycle?: LifecycleSource;
  /**
   * Whether `close` closes the persistence too. Defaults to `true`, as streams do: a writer that nobody closes leaves
   * its last segment unsealed. Choose `false` where others use the same one.
   */
  readonly closesPersistence?: boolean;
  /** Told of every drop, at once. What it throws is logged. */
  readonly onDropped?: DroppedListener;
  /** Defaults to the platform's. */
  readonly clock?: Clock;
  /** Told of failed writes and, at the 1st, 10th, 100th … of their kind, of lost events. Defaults to none. */
  readonly logger?: Logger;
}

/** Options with every default in its place. */
export interface ResolvedOptions<TEvent> {
  readonly persistence: EventPersisting<TEvent>;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly flushEvents: number;
  readonly flushBytes: number;
  readonly flushIntervalMs: number;
  readonly overflow: OverflowPolicy;
  readonly encode: EncodeTime;
  readonly durability: Durability | undefined;
  readonly lifecycle: LifecycleSource | undefined;
  readonly closesPersistence: boolean;
  readonly onDropped: DroppedListener | undefined;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
}

// `setTimeout` keeps its delay in 32 bits and runs at once where it does not fit.
const maxTimerMs = 2 ** 31 - 1;

/** @throws TypeError, RangeError - naming the option, the rule and the value. */
export function resolveOptions<TEvent>(options: RelayEventBufferOptions<TEvent>): ResolvedOptions<TEvent> {
  const { persistence, maxEvents = DEFAULT_MAX_EVENTS, maxBytes = DEFAULT_MAX_BYTES } = options;
  checkPersistence(persistence);
  checkCount('maxEvents', maxEvents);
  checkCount('maxBytes', maxBytes);
  // A buffer that is full before anything starts a write would stay full until the timer runs.
  const { flushEvents = Math.min(DEFAULT_FLUSH_EVENTS, maxEvents) } = options;
  checkCount('flushEvents', flushEvents);
  checkAtMost('flushEvents', flushEvents, 'maxEvents', maxEvents);
  const { flushBytes = Math.min(DEFAULT_FLUSH_BYTES, maxBytes) } = options;
  checkCount('flushBytes', flushBytes);
  checkAtMost('flushBytes', flushBytes, 'maxBytes', maxBytes);
  const { flushIntervalMs = DEFAULT_FLUSH_INTERVAL_MS, overflow = DEFAULT_OVERFLOW } = options;
  checkInterval(flushIntervalMs);
  checkWord('overflow', overflow, ['reject', 'dropNewest', 'dropOldest']);
  const offersBatches = typeof persistence.openBatch === 'function' && typeof persistence.commit === 'function';
  const { encode = offersBatches ? 'onAdd' : 'onFlush', durability } = options;
  checkWord('encode', encode, ['onAdd', 'onFlush']);
  if (encode === 'onAdd' && !offersBatches) {
    throw new TypeError("encode: 'onAdd' needs a persistence with openBatch and commit; leave it out or use 'onFlush'");
  }
  if (durability !== undefined) checkWord('durability', durability, ['written', 'synced']);
  const { onDropped, lifecycle, closesPersistence = true, clock = defaultClock, logger } = options;
  if (onDropped !== undefined && typeof onDropped !== 'function') {
    throw new TypeError(`onDropped must be a function, got ${typeof onDropped}`);
  }
  if (typeof closesPersistence !== 'boolean') {
    throw new TypeError(`closesPersistence must be true or false, got ${String(closesPersistence)}`);
  }
  checkMethods('lifecycle', lifecycle, ['subscribe']);
  checkMethods('clock', clock, ['now', 'monotonicMs', 'setTimer']);
  checkMethods('logger', logger, ['debug', 'info', 'warn', 'error']);
  return {
    persistence,
    maxEvents,
    maxBytes,
    flushEvents,
    flushBytes,
    flushIntervalMs,
    overflow,
    encode,
    durability,
    lifecycle,
    closesPersistence,
    onDropped,
    clock,
    logger,
  };
}

function checkPersistence(persistence: unknown): void {
  const candidate = persistence as Partial<EventPersisting<unknown>> | null | undefined;
  if (typeof candidate?.write !== 'function' || typeof candidate.close !== 'function') {
    throw new TypeError('persistence must be an EventPersisting: an object with write and close');
  }
}

function checkMethods(name: string, value: object | undefined, methods: readonly string[]): void {
  if (value === undefined) return;
  for (const method of methods) {
    const found: unknown = value === null ? undefined : (value as Readonly<Record<string, unknown>>)[method];
    if (typeof found !== 'function') throw new TypeError(`${name} must have the method ${method}, got ${typeof found}`);
  }
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number >= 1, got ${value}`);
  }
}

function checkAtMost(name: string, value: number, boundName: string, bound: number): void {
  if (value > bound) throw new RangeError(`${name} must be at most ${boundName} (${bound}), got ${value}`);
}

function checkInterval(value: number): void {
  if (value === Number.POSITIVE_INFINITY || (value >= 1 && value <= maxTimerMs)) return;
  throw new RangeError(`flushIntervalMs must be a number from 1 to ${maxTimerMs} or Infinity, got ${value}`);
}

function checkWord(name: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) {
    throw new TypeError(`${name} must be one of ${words.map((word) => `'${word}'`).join(', ')}, got '${value}'`);
  }
}
