import {
  type Logger,
  RelayError,
  type SegmentInfo,
  type SegmentName,
  type Unsubscribe,
  type UploadResult,
} from '@relaykit/types';
import { ArchiveCheck } from './archive-check.ts';
import { BandwidthLimit } from './bandwidth-limit.ts';
import { checkWholeNumber } from './check.ts';
import { askConditions } from './conditions.ts';
import { type Block, CycleTally, type TallyReasons } from './cycle-tally.ts';
import { Deferrals } from './deferrals.ts';
import { describeCause } from './describe-cause.ts';
import { DestinationHealth, type DestinationPause } from './destination-health.ts';
import type { CycleEnd, DrainReport } from './drain-report.ts';
import { EventHub } from './event-hub.ts';
import { ExportCycle } from './export-cycle.ts';
import type { BlockKind, ExportErrorEvent, ExportEventType, ExportListener } from './export-events.ts';
import {
  type DiskExportQueueOptions,
  type ResolvedExportQueueOptions,
  resolveExportQueueOptions,
} from './export-queue-options.ts';
import { RejectionRun } from './rejection-run.ts';
import { clampRetryAfterMs, type DeliveryOutcome, SegmentDelivery } from './segment-delivery.ts';
import { SteadyTime } from './steady-time.ts';
import { untilAborted } from './until-aborted.ts';
import { WakeUp } from './wake-up.ts';

/** Delivered segments that the ledger does not know yet. More would mean sending much again after a crash. */
export const MAX_UNRECORDED_SEGMENTS = 100;

/** Next attempts that fall close together share a cycle: each cycle lists the spool. */
export const MIN_CYCLE_GAP_MS = 1_000;

/** An uploader gets this long to close where nothing is left of the deadline: enough to say goodbye, if anybody listens. */
export const MIN_UPLOADER_CLOSE_MS = 1_000;

/** How the queue is at this moment. */
export interface ExportQueueStatus {
  readonly isStarted: boolean;
  readonly isPaused: boolean;
  readonly isClosed: boolean;
  /** Why the queue stopped itself; `undefined` where it did not. */
  readonly blocked: string | undefined;
  /** What a condition said when last asked, where it holds the queue. */
  readonly hold: string | undefined;
  /** Milliseconds since the epoch until which nothing is sent; `undefined` where nothing pauses the receiver. */
  readonly destinationPausedUntilMs: number | undefined;
  /** Segments whose `exportReady` was `false` when the queue last looked: held for a consent, or rebuilt metadata. */
  readonly heldSegments: number;
  /** Segments leased at this moment. */
  readonly underWay: number;
  /** Delivered segments whose outcome the disk did not take so far. */
  readonly unrecorded: number;
}

/** What the queue did since it was made. */
export interface ExportCounts {
  readonly delivered: number;
  readonly quarantined: number;
  readonly retriesScheduled: number;
  /** Bytes of the delivered segments. */
  readonly bytes: number;
}

/**
 * Delivers sealed segments, oldest first, each until it is accepted, refused for good or too old to go on trying.
 *
 * What is promised: a segment is removed only after the receiver accepted it and the ledger says so, synced. It is sent
 * at least once, always with its id as idempotency key; again only after a crash or a lost answer. Attempts and waits
 * are on disk and survive the process. Nobody else uploads a segment at the same time.
 */
export class DiskExportQueue implements AsyncDisposable {
  readonly #options: ResolvedExportQueueOptions;
  readonly #logger: Logger | undefined;
  readonly #events: EventHub;
  readonly #time: SteadyTime;
  readonly #wakeUp: WakeUp;
  readonly #health: DestinationHealth;
  readonly #deferrals = new Deferrals();
  readonly #delivery: SegmentDelivery;
  readonly #archiveCheck: ArchiveCheck;
  readonly #counts = { delivered: 0, quarantined: 0, retriesScheduled: 0, bytes: 0 };
  #loop: Promise<void> | undefined;
  /** Cycles follow one another; this is the end of the last one. Never rejects. */
  #lastCycle: Promise<void> = Promise.resolve();
  /** Aborts what is under way in the current cycle. */
  #cycleAbort: AbortController | undefined;
  /** One for each upload: a signal shared by all would collect listeners by their number. */
  readonly #underWay = new Set<AbortController>();
  #isPaused = false;
  #blocked: Block | undefined;
  #hold: string | undefined;
  readonly #rejections = new RejectionRun();
  #closing: Promise<void> | undefined;

  /** @throws TypeError, RangeError - an option breaks its rule; the message names it. */
  constructor(options: DiskExportQueueOptions) {
    this.#options = resolveExportQueueOptions(options);
    const { clock, logger, random, maxBytesPerSecond } = this.#options;
    this.#logger = logger;
    this.#events = new EventHub(logger);
    this.#time = new SteadyTime(clock);
    this.#wakeUp = new WakeUp(clock);
    this.#health = new DestinationHealth(random);
    this.#archiveCheck = new ArchiveCheck(this.#options, this.#time, (cause) => this.#reportError('archive', cause));
    this.#delivery = new SegmentDelivery({
      options: this.#options,
      time: this.#time,
      events: this.#events,
      bandwidth: maxBytesPerSecond === undefined ? undefined : new BandwidthLimit(clock, maxBytesPerSecond),
      verdicts: {
        accepted: () => this.#onAccepted(),
        rejected: (segment, cause) => this.#onRejected(segment, cause),
        failed: (result) => this.#onFailed(result),
        blocked: (kind, segment, cause) => this.#block(kind, describeCause(cause), segment, cause),
      },
    });
  }

  /**
   * Begins to deliver in the background: at once, when woken, when an attempt is due, and every `pollIntervalMs`. While
   * nothing is under way this does not keep the process alive. Calling it again is harmless.
   *
   * @throws RelayError `RELAY_CLOSED`
   */
  start(): void {
    this.#checkOpen('start');
    this.#loop ??= this.#run();
  }

  /** Looks for segments now, those last seen as held included. Does nothing while paused, blocked or not started. */
  wake(): void {
    this.#deferrals.forgetWhatOthersHold();
    this.#wakeUp.wake();
  }

  /**
   * One cycle: tries each segment that is ready at most once and says what became of them. Segments whose next attempt
   * is later are not waited for: they count as `remaining`. Runs after a cycle that is under way, and reports what that and
   * any other did since the call, too: two drains at once both count the same segments. `counts()` counts each once.
   *
   * @param options.signal - Ends the cycle early: uploads under way are aborted and stay in the spool, `endedBy` is
   *   `aborted`.
   * @param options.since - The report counts what was done since `counts()` gave this. Defaults to the call.
   * @throws RelayError `RELAY_CLOSED`, and what the store throws when its segments cannot be listed.
   */
  async drain(options: { readonly signal?: AbortSignal; readonly since?: ExportCounts } = {}): Promise<DrainReport> {
    this.#checkOpen('drain');
    const { since = this.counts() } = options;
    const ownReport = await this.#cycle(options.signal, () => {
      this.#deferrals.forgetWhatOthersHold();
      this.#archiveCheck.tryAgain();
    });
    // What a background cycle did meanwhile was done for whoever drains, too.
    const report = { ...ownReport, ...difference(this.counts(), since) };
    this.#events.emit('drained', report);
    return report;
  }

  /** Sends nothing more until `resume()`. Uploads under way end normally. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Ends `pause()`, a block and a pause of the destination; whoever calls it says that the cause is mended. */
  resume(): void {
    this.#isPaused = false;
    this.#blocked = undefined;
    this.#rejections.end();
    this.#health.answered();
    this.wake();
  }

  on<Type extends ExportEventType>(type: Type, listener: ExportListener<Type>): Unsubscribe {
    return this.#events.on(type, listener);
  }

  status(): ExportQueueStatus {
    const { pausedUntilMs } = this.#health;
    return {
      isStarted: this.#loop !== undefined,
      isPaused: this.#isPaused,
      isClosed: this.#closing !== undefined,
      blocked: this.#blocked?.reason,
      hold: this.#hold,
      destinationPausedUntilMs: pausedUntilMs > this.#time.nowMs() ? pausedUntilMs : undefined,
      heldSegments: this.#deferrals.heldCount,
      underWay: this.#underWay.size,
      unrecorded: this.#delivery.unrecordedCount,
    };
  }

  counts(): ExportCounts {
    return { ...this.#counts };
  }

  /**
   * Starts nothing new, waits for uploads under way, aborts them after the deadline, then closes the uploader,
   * for which it waits until the deadline, at least `MIN_UPLOADER_CLOSE_MS`. Aborted segments stay in the spool as they
   * were. An outcome that is being written is waited for: its segment would be sent again. Calling it again returns the same promise.
   *
   * @param options.deadlineMs - Defaults to `closeDeadlineMs`.
   */
  close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    const deadlineMs = checkWholeNumber('deadlineMs', options.deadlineMs ?? this.#options.closeDeadlineMs, 0);
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    // Lets `#closing` be set, which is what stops everybody else.
    await Promise.resolve();
    this.#wakeUp.wake();
    const { clock } = this.#options;
    const endsAtMs = clock.monotonicMs() + deadlineMs;
    const timer = clock.setTimer(deadlineMs, () => this.#cycleAbort?.abort(closed('upload')), {
      keepsProcessAlive: true,
    });
    await this.#loop;
    await this.#lastCycle;
    timer.cancel();
    await this.#closeUploader(Math.max(MIN_UPLOADER_CLOSE_MS, endsAtMs - clock.monotonicMs()));
  }

  async #closeUploader(limitMs: number): Promise<void> {
    const { clock, uploader } = this.#options;
    const limit = new AbortController();
    const onLimit = (): void => limit.abort(new DOMException(`It took longer than ${limitMs} ms`, 'TimeoutError'));
    const timer = clock.setTimer(limitMs, onLimit, { keepsProcessAlive: true });
    try {
      await untilAborted(Promise.resolve(uploader.close?.()), limit.signal);
    } catch (cause) {
      this.#reportError('closeUploader', cause);
    } finally {
      timer.cancel();
    }
  }

  async #run(): Promise<void> {
    while (this.#closing === undefined) {
      if (this.#blocked?.kind === 'quarantineFull') await this.#lookForRoom(this.#blocked);
      if (!this.#isPaused && this.#blocked === undefined) await this.#backgroundCycle();
      if (this.#closing === undefined) await this.#wakeUp.wait(this.#restMs());
    }
  }

  /** Room in a full quarantine is made by other processes, too, which cannot call `resume()`. */
  async #lookForRoom(blocked: Block): Promise<void> {
    try {
      const hasRoom = await this.#options.store.hasQuarantineRoomFor?.(blocked.bytes);
      if (!hasRoom || this.#blocked !== blocked) return;
      this.#blocked = undefined;
      this.#logger?.info('The export queue goes on: there is room in quarantine again');
    } catch (cause) {
      this.#reportError('list', cause);
    }
  }

  async #backgroundCycle(): Promise<void> {
    try {
      const report = await this.#cycle(undefined);
      const didSomething = report.delivered + report.quarantined + report.retriesScheduled > 0;
      if (didSomething) this.#events.emit('drained', report);
    } catch (cause) {
      this.#reportError('list', cause);
    }
  }

  /** How long the loop rests unless woken. */
  #restMs(): number {
    const { pollIntervalMs } = this.#options;
    if (this.#isPaused || this.#blocked !== undefined || this.#hold !== undefined) return pollIntervalMs;
    const nowMs = this.#time.nowMs();
    if (this.#health.pausedUntilMs > nowMs) return this.#health.pausedUntilMs - nowMs;
    const dueAtMs = this.#deferrals.nextDueAtMs() ?? Number.POSITIVE_INFINITY;
    return Math.min(pollIntervalMs, Math.max(MIN_CYCLE_GAP_MS, dueAtMs - nowMs));
  }

  /** @param prepare - Called when it is this cycle's turn: what the one before has seen may have changed since. */
  async #cycle(signal: AbortSignal | undefined, prepare: () => void = () => undefined): Promise<DrainReport> {
    const previous = this.#lastCycle;
    const { promise: ended, resolve: end } = withResolvers();
    this.#lastCycle = ended;
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(signal?.reason);
    try {
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      // Aborted while another cycle runs: what is left is counted beside it, without touching anything.
      const hasTurn = await untilAborted(previous, abort.signal).then(
        () => true,
        () => false,
      );
      if (!hasTurn) return await this.#countOnly();
      this.#cycleAbort = abort;
      prepare();
      return await this.#runCycle(abort.signal);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      void previous.then(end);
    }
  }

  async #runCycle(signal: AbortSignal): Promise<DrainReport> {
    const { store, concurrency, order, afterDelivery } = this.#options;
    if (afterDelivery !== undefined) await store.sweepArchive?.(afterDelivery);
    await this.#rejections.continueFrom(store);
    signal.addEventListener('abort', () => {
      for (const upload of this.#underWay) upload.abort(signal.reason);
    });
    const cycle = new ExportCycle({
      store,
      concurrency,
      order,
      time: this.#time,
      deferrals: this.#deferrals,
      health: this.#health,
      unrecorded: this.#delivery.unrecorded,
      deliver: (name) => this.#deliver(name, signal),
      obstacle: (name) => this.#obstacle(name, signal),
    });
    try {
      const endedBy = await cycle.run();
      return cycle.tally.report(endedBy, this.#reasons());
    } finally {
      cycle.tally.addTo(this.#counts);
    }
  }

  async #deliver(name: SegmentName, signal: AbortSignal): Promise<DeliveryOutcome> {
    const upload = new AbortController();
    if (signal.aborted) upload.abort(signal.reason);
    this.#underWay.add(upload);
    try {
      return await this.#delivery.deliver(name, upload.signal);
    } finally {
      this.#underWay.delete(upload);
    }
  }

  #reasons(): TallyReasons {
    return { blocked: this.#blocked, hold: this.#hold, unrecorded: this.#delivery.unrecordedCount };
  }

  async #countOnly(): Promise<DrainReport> {
    const tally = new CycleTally();
    for await (const _name of this.#options.store.list()) tally.listed();
    return tally.report('aborted', this.#reasons());
  }

  async #obstacle(name: SegmentName | undefined, signal: AbortSignal): Promise<CycleEnd | undefined> {
    return (
      this.#standingObstacle(name, signal) ??
      (await this.#conditionObstacle(signal)) ??
      (await this.#archiveObstacle(name)) ??
      this.#standingObstacle(name, signal)
    );
  }

  #standingObstacle(name: SegmentName | undefined, signal: AbortSignal): CycleEnd | undefined {
    if (this.#closing !== undefined) return 'closed';
    if (signal.aborted) return 'aborted';
    if (this.#blocked !== undefined) return 'blocked';
    if (this.#isPaused) return 'paused';
    if (this.#health.pausedUntilMs > this.#time.nowMs()) return 'destinationPaused';
    if (name === undefined || this.#delivery.isUnrecorded(name.id)) return undefined;
    if (this.#delivery.isArchiveFailing) return 'storage';
    return this.#delivery.unrecordedCount >= MAX_UNRECORDED_SEGMENTS ? 'storage' : undefined;
  }

  /** Asked only where everything else lets a segment pass. */
  async #archiveObstacle(name: SegmentName | undefined): Promise<CycleEnd | undefined> {
    return name !== undefined && (await this.#archiveCheck.isInTheWay()) ? 'storage' : undefined;
  }

  async #conditionObstacle(signal: AbortSignal): Promise<CycleEnd | undefined> {
    const { conditions, clock } = this.#options;
    if (conditions.length === 0) return undefined;
    const hold = await askConditions(conditions, {
      signal,
      clock,
      onFailure: (cause) => this.#reportError('condition', cause),
    });
    if (signal.aborted) return undefined;
    const isNews = hold !== undefined && hold !== this.#hold;
    this.#hold = hold;
    if (isNews) this.#events.emit('held', { reason: hold });
    return hold === undefined ? undefined : 'condition';
  }

  #onAccepted(): void {
    this.#rejections.end();
    this.#health.answered();
  }

  #onRejected(segment: SegmentInfo, cause: unknown): boolean {
    // Nothing more goes to quarantine once the address itself is in doubt.
    if (this.#blocked !== undefined) return false;
    if (this.#rejections.rejected()) {
      const last = describeCause(cause);
      const reason = `${this.#rejections.length} segments in a row were rejected, the last with: ${last}`;
      this.#block('rejections', reason, segment, cause);
      return false;
    }
    this.#health.answered();
    return true;
  }

  #onFailed(result: UploadResult & { status: 'retry' }): void {
    const nowMs = this.#time.nowMs();
    const pause: DestinationPause | undefined = result.pausesDestination
      ? this.#health.askedToWait(nowMs, clampRetryAfterMs(result.retryAfterMs))
      : this.#health.failed(nowMs);
    if (pause === undefined) return;
    this.#logger?.warn('The receiver is left alone for a while', { ...pause, cause: describeCause(result.cause) });
    this.#events.emit('destinationPaused', { ...pause, cause: result.cause });
  }

  #block(kind: BlockKind, reason: string, segment: SegmentInfo, cause: unknown): void {
    if (this.#blocked !== undefined) return;
    this.#blocked = { kind, reason, bytes: segment.metadata.bytes };
    this.#logger?.error('The export queue is blocked until resume()', { reason, segmentId: segment.id });
    this.#events.emit('blocked', { kind, reason, segmentId: segment.id, cause });
  }

  #reportError(operation: ExportErrorEvent['operation'], cause: unknown): void {
    this.#logger?.error('The export queue has trouble', { operation, cause: describeCause(cause) });
    this.#events.emit('error', { operation, segmentId: undefined, cause });
  }

  #checkOpen(operation: string): void {
    if (this.#closing !== undefined) throw closed(operation);
  }
}

function closed(operation: string): RelayError<'RELAY_CLOSED'> {
  return new RelayError('RELAY_CLOSED', `Cannot ${operation}: the export queue is closed; make a new one.`, {
    operation,
  });
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function difference(now: ExportCounts, since: ExportCounts): ExportCounts {
  return {
    delivered: now.delivered - since.delivered,
    quarantined: now.quarantined - since.quarantined,
    retriesScheduled: now.retriesScheduled - since.retriesScheduled,
    bytes: now.bytes - since.bytes,
  };
}
