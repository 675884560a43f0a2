import {
  createWriterId,
  type DroppedSegment,
  messageOf,
  type RecoveryReport,
  RetentionKeeper,
  recoverSpool,
  Spool,
  systemClock,
  toStorageError,
} from '@relaykit/segments';
import {
  type Clock,
  type Durability,
  type EventBatch,
  type EventPersisting,
  type RejectedEvent,
  RelayError,
  type SegmentMetadata,
  type SpoolTotals,
  type WriteOptions,
  type WriteReceipt,
} from '@relaykit/types';
import { CommitQueue, type OpenSpool } from './commit-queue.ts';
import type { WriterInstruments } from './disk-writer-metrics-collector.ts';
import { EventLoopTurn } from './event-loop-turn.ts';
import {
  checkDurability,
  checkHoldExport,
  type FileDiskWriterOptions,
  type ResolvedOptions,
  resolveOptions,
} from './file-disk-writer-options.ts';
import { FrameBatch } from './frame-batch.ts';
import { FrameBuilderPool } from './frame-builder-pool.ts';
import { type JoinedCalls, joinCalls } from './join-calls.ts';
import type { ObservedSpool } from './observed-parts.ts';
import { PendingCommit } from './pending-commit.ts';
import { SegmentRoll } from './segment-roll.ts';
import { SegmentSealer } from './segment-sealer.ts';
import { storageStep } from './storage-step.ts';
import { warnOfDroppedSegment } from './warn-of-dropped-segment.ts';

/**
 * Stores events in segment files of a spool directory.
 *
 * The first write, or `open`, founds the directory (mode 0700) and recovers what earlier writers left. Any number of
 * writers, in any number of processes, share a directory; each has segments of its own.
 *
 * What survives what: an event whose receipt says `written` survives the end of this process, however it ends; one whose
 * receipt says `synced` survives a power cut.
 */
export class FileDiskWriter<TEvent = unknown> implements EventPersisting<TEvent> {
  /** Ten random characters; part of the names of all segments of this writer. */
  readonly writerId: string = createWriterId();
  readonly #options: ResolvedOptions<TEvent>;
  readonly #clock: Clock;
  readonly #pool: FrameBuilderPool<TEvent>;
  readonly #queue: CommitQueue<TEvent>;
  readonly #instruments: WriterInstruments | undefined;
  readonly #commits = new WeakMap<object, PendingCommit<TEvent>>();
  #opened: OpenSpool<TEvent> | undefined;
  #recovery: RecoveryReport | undefined;
  /** Ends the waiting of the `open` under way. */
  #opening = new AbortController();
  #closing: Promise<void> | undefined;
  #isReleased = false;
  #holdsExport: boolean;

  /** @throws TypeError, RangeError - an option breaks its rule; nothing is touched on disk yet. */
  constructor(options: FileDiskWriterOptions<TEvent>) {
    this.#options = resolveOptions(options);
    this.#clock = options.clock ?? systemClock();
    this.#holdsExport = this.#options.holdExport;
    this.#pool = new FrameBuilderPool(this.#options.serializer, this.#options);
    const { retry, flushMode, metrics } = this.#options;
    this.#instruments = metrics?.attachWriter({
      spool: () => this.#observe(),
      forget: (segmentId) => this.#opened?.keeper.forget(segmentId),
    });
    this.#queue = new CommitQueue<TEvent>({
      retry,
      flushMode,
      turn: new EventLoopTurn(this.#clock),
      open: () => this.#open(),
      watch: this.#instruments,
      onAcknowledged: (commit, receipt) => this.#announceFlush(commit, receipt),
    });
    if (!this.#options.serializer.encodeSync) delete this.writeSync;
  }

  /**
   * Founds or opens the spool and recovers what is left of earlier writers. The first write does it otherwise.
   *
   * @throws RelayError `RELAY_SPOOL_UNSAFE`, `RELAY_SPOOL_UNSUPPORTED`, `RELAY_LOCK_UNAVAILABLE`,
   *   `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED`, `RELAY_CLOSED`
   */
  async open(): Promise<RecoveryReport> {
    this.#assertOpen('open');
    await this.#open();
    if (!this.#recovery) throw new Error('the spool is open without a recovery report');
    return this.#recovery;
  }

  async write(events: readonly TEvent[], options: WriteOptions = {}): Promise<WriteReceipt> {
    this.#assertOpen('write');
    options.signal?.throwIfAborted();
    const { batch, rejected } = this.#encodeAll(events);
    const commit = this.#start(batch, rejected, options);
    return this.#outcomeOf(events, commit);
  }

  /** Counts, in the ledger, events that were dropped before they were stored: from the next segment on, or at the end. */
  noteDropped(dropped: { readonly reason: string; readonly eventCount: number }): void {
    this.#queue.noteDropped(dropped);
  }

  openBatch(): EventBatch<TEvent> {
    this.#assertOpen('openBatch');
    return new FrameBatch(this, this.#pool);
  }

  async commit(batch: EventBatch<TEvent>, options: WriteOptions = {}): Promise<WriteReceipt> {
    const ours = this.#own(batch);
    this.#assertOpen('commit');
    options.signal?.throwIfAborted();
    const commit = this.#start(ours, [], options);
    return this.#outcomeOf(batch, commit);
  }

  /** Missing where the serializer has no `encodeSync`. */
  writeSync?: (events: readonly TEvent[] | EventBatch<TEvent>) => WriteReceipt = (events) => {
    if (this.#isReleased) throw closed('writeSync');
    const known = this.#commits.get(events);
    if (known?.settledReceipt) return known.settledReceipt;
    if (known && known.state !== 'settled') return this.#settleSync(known);
    const isBatch = !Array.isArray(events);
    const { batch, rejected } = isBatch
      ? { batch: this.#own(events as EventBatch<TEvent>), rejected: [] }
      : this.#encodeAll(events);
    batch.startCommit();
    const commit = this.#toCommit(batch, 'written', rejected);
    commit.receipt.catch(() => undefined);
    this.#queue.add(commit);
    try {
      return this.#settleSync(commit);
    } catch (cause) {
      commit.fail(cause);
      throw cause;
    }
  };

  /**
   * Whether segments are held back from export, for batches passed from now on; they go into a segment of their own.
   * What is sealed already stays as it is until a segment store releases or discards it.
   */
  setHoldExport(isHeld: boolean): void {
    checkHoldExport(isHeld);
    this.#holdsExport = isHeld;
  }

  /**
   * Seals the segment that is being written, after everything passed before; the next batch begins another.
   *
   * @returns Its metadata; `undefined` where nothing was written since the last.
   * @throws RelayError `RELAY_KEY_MISSING` - as of `close`.
   */
  async rotate(): Promise<SegmentMetadata | undefined> {
    this.#assertOpen('rotate');
    return this.#queue.runAfter(async (opened) => {
      const sealed = opened.roll.end('rotate');
      // Somebody waits for it, but not before the next lines.
      sealed.catch(() => undefined);
      this.#queue.recordLosses(opened);
      return sealed;
    });
  }

  /**
   * Waits for accepted batches, seals the segment and releases all locks. Where drops were noted, it waits for their
   * record, too; where another process keeps the ledger's lock, 10 s.
   *
   * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED` - a segment could not be sealed. Its events are on
   *   disk as their receipts say; the next writer or store of the spool seals it.
   * @throws RelayError `RELAY_KEY_MISSING` - the same, for want of the key that encrypts the closing frame.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    try {
      // Nothing was written: there is nothing to open for, and what is on its way there ends first.
      if (this.#isUnused) {
        this.#opening.abort(closed('open'));
        await this.#open.idle();
        if (this.#isUnused) return await this.#recordLossesAlone();
      }
      await this.#queue.runAfter(async (opened) => {
        const { roll, sealer } = opened;
        const sealed = roll.end('close');
        sealed.catch(() => undefined);
        await this.#queue.finishLosses(opened);
        await sealed;
        await sealer.settleFailed();
        await sealer.whenSealed();
      });
    } finally {
      this.#isReleased = true;
      this.#instruments?.end();
      await this.#opened?.keeper.close();
      await this.#opened?.sealer.abandon();
      await this.#opened?.roll.detach()?.abandon();
    }
  }

  /** Nothing was stored, and all there is to tell of is what was dropped: worth one try, and no failure of `close`. */
  async #recordLossesAlone(): Promise<void> {
    if (!this.#queue.hasLosses) return;
    try {
      const opening = this.#open();
      this.#opening.abort(closed('open'));
      await this.#queue.finishLosses(await opening);
    } catch (cause) {
      const { directory, logger } = this.#options;
      logger?.warn('dropped events could not be recorded; nothing tells of them', {
        directory,
        error: messageOf(cause),
      });
    }
  }

  /** Whether it was never open, no event is on its way, and it holds no file. */
  get #isUnused(): boolean {
    if (this.#recovery || !this.#queue.isEmpty) return false;
    return !this.#opened || (!this.#opened.roll.active && this.#opened.sealer.isIdle);
  }

  readonly #open: JoinedCalls<OpenSpool<TEvent>> = joinCalls(async () => {
    if (this.#recovery && this.#opened) return this.#opened;
    const { directory: path, retry: policy, logger, serializer } = this.#options;
    const watch = this.#instruments;
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    const step = { operation: 'open', path, policy, clock: this.#clock, logger, signal, watch } as const;
    return storageStep(step, async () => {
      const opened = this.#openSync();
      this.#recovery = await recoverSpool(opened.spool, [serializer]);
      // Once, not with every recovery: what waits for a key may do so for days.
      for (const { fileName: file, reason } of this.#recovery.problems) {
        logger?.warn('recovery could not deal with a file of the spool; it stays for the next time', { file, reason });
      }
      opened.roll.startAfter(this.#recovery.newestSegmentAtMs);
      opened.keeper.start();
      return opened;
    });
  });

  /** All that writing needs; recovery of what others left comes on top where there is time. */
  #openSync(): OpenSpool<TEvent> {
    if (this.#opened) return this.#opened;
    const { retry, rotation, serializer, flushMode } = this.#options;
    const spool = Spool.openSync({ ...this.#options, clock: this.#clock });
    const sealer = new SegmentSealer<TEvent>({
      spool,
      serializer,
      retry,
      watch: this.#instruments,
      onSealed: (metadata) => this.#announceSeal(metadata),
      makeRoom: (cause) => keeper.makeRoomFor(cause),
    });
    const { writerId } = this;
    const { retention: policy, whenFull } = this.#options;
    const keeper = new RetentionKeeper({
      spool,
      policy,
      whenFull,
      writerId,
      unsealed: () => unsealedTotals(roll, sealer),
      onDropped: (segment) => this.#announceDrop(segment),
    });
    const watch = this.#instruments;
    const roll = new SegmentRoll<TEvent>({
      ...{ spool, writerId, serializer, rotation, retry, flushMode, sealer, keeper, watch },
    });
    this.#opened = { spool, sealer, roll, keeper };
    return this.#opened;
  }

  #encodeAll(events: readonly TEvent[]): { batch: FrameBatch<TEvent>; rejected: readonly RejectedEvent[] } {
    if (!Array.isArray(events)) throw new TypeError(`events must be an array, got ${typeof events}`);
    const batch = new FrameBatch<TEvent>(this, this.#pool);
    const rejected: RejectedEvent[] = [];
    for (const [index, event] of events.entries()) {
      const outcome = batch.add(event);
      if (outcome !== 'added') rejected.push({ index, cause: outcome.rejected });
    }
    return { batch, rejected };
  }

  #start(
    batch: FrameBatch<TEvent>,
    rejected: readonly RejectedEvent[],
    { durability = this.#options.durability, signal }: WriteOptions,
  ): PendingCommit<TEvent> {
    checkDurability('durability', durability);
    batch.startCommit();
    const commit = this.#toCommit(batch, durability, rejected);
    if (signal) commit.listenTo(signal);
    this.#queue.push(commit);
    return commit;
  }

  #toCommit(
    batch: FrameBatch<TEvent>,
    durability: Durability,
    rejected: readonly RejectedEvent[],
  ): PendingCommit<TEvent> {
    return new PendingCommit(this.writerId, batch, durability, rejected, this.#clock.monotonicMs(), this.#holdsExport);
  }

  /** Lets the exit path find a call by what was passed to it, until its caller has heard of the outcome. */
  async #outcomeOf(passed: object, commit: PendingCommit<TEvent>): Promise<WriteReceipt> {
    this.#commits.set(passed, commit);
    try {
      return await commit.receipt;
    } finally {
      // The caller goes on a turn later. A process that ends before that still has these events in hand.
      queueMicrotask(() =>
        queueMicrotask(() => {
          if (this.#commits.get(passed) === commit) this.#commits.delete(passed);
        }),
      );
    }
  }

  #settleSync(commit: PendingCommit<TEvent>): WriteReceipt {
    try {
      this.#queue.storeSync(this.#openSync());
    } catch (cause) {
      throw toStorageError(cause, { operation: 'write', path: this.#options.directory });
    }
    this.#queue.acknowledgeWritten(commit);
    if (!commit.settledReceipt) throw new Error('the batch was acknowledged without a receipt');
    return commit.settledReceipt;
  }

  #own(batch: EventBatch<TEvent>): FrameBatch<TEvent> {
    if (batch instanceof FrameBatch && batch.owner === this) return batch;
    throw new TypeError('batch must come from openBatch of this very writer');
  }

  #assertOpen(operation: string): void {
    if (this.#closing) throw closed(operation);
  }

  #announceFlush(
    { sizeBytes, startedMs }: PendingCommit<TEvent>,
    { segmentId, eventCount, durability }: WriteReceipt,
  ): void {
    const { onFlushed } = this.#options;
    if ((!onFlushed && !this.#instruments) || eventCount === 0) return;
    const durationMs = this.#clock.monotonicMs() - startedMs;
    const facts = { eventCount, sizeBytes, segmentId, durationMs, durability };
    this.#instruments?.flushed(facts);
    if (onFlushed) this.#guard('onFlushed', () => onFlushed(facts));
  }

  #observe(): ObservedSpool | undefined {
    if (!this.#opened || !this.#recovery) return undefined;
    const { keeper, roll, sealer } = this.#opened;
    const [sealed, unsealed] = [keeper.totals, unsealedTotals(roll, sealer)];
    return {
      fileCount: sealed.fileCount + unsealed.fileCount,
      totalBytes: sealed.totalBytes + unsealed.totalBytes,
      oldestAgeMs: Math.max(keeper.oldestAgeMs, sealer.oldestAgeMs, roll.activeAgeMs),
    };
  }

  #announceSeal(metadata: SegmentMetadata): void {
    const { logger, onSegmentSealed } = this.#options;
    this.#opened?.keeper.noteSealed(metadata);
    const { id: segment, eventCount: events, bytes, sealReason: reason } = metadata;
    logger?.debug('segment sealed', { segment, events, bytes, reason });
    if (onSegmentSealed) this.#guard('onSegmentSealed', () => onSegmentSealed(metadata));
  }

  #announceDrop(segment: DroppedSegment): void {
    const { onSegmentDropped } = this.#options;
    this.#instruments?.dropped(segment);
    if (onSegmentDropped) this.#guard('onSegmentDropped', () => onSegmentDropped(segment));
    else if (!this.#options.logger) warnOfDroppedSegment(segment);
  }

  /** A listener's mistake costs nobody their events. */
  #guard(option: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger?.error(`${option} threw`, { error: error instanceof Error ? error.message : String(error) });
    }
  }
}

function unsealedTotals<TEvent>(roll: SegmentRoll<TEvent>, sealer: SegmentSealer<TEvent>): SpoolTotals {
  const { fileCount, totalBytes } = sealer.waiting;
  const active = roll.active;
  return active
    ? { fileCount: fileCount + 1, totalBytes: totalBytes + active.end.sizeBytes }
    : { fileCount, totalBytes };
}

function closed(operation: string): RelayError<'RELAY_CLOSED'> {
  return new RelayError('RELAY_CLOSED', `Cannot ${operation}: the writer is closed; create another one.`, {
    operation,
  });
}
