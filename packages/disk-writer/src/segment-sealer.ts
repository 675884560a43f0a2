import { type ActiveSegmentFile, toStorageError } from '@relaykit/segments';
import type { SegmentMetadata, SpoolTotals, Timer } from '@relaykit/types';
import { SealJob, type SealJobOptions } from './seal-job.ts';

/**
 * Segments that may wait for their seal while the next ones are written; beyond that, writes wait, too. A seal has some ten
 * steps one after the other, and a busy producer lets the event loop turn seldom: with four, each new segment waited for one of
 * those before it. What is not sealed cannot be given up, so a spool may exceed its limits by as many.
 */
export const MAX_WAITING_SEALS = 8;

/** When a seal that failed is begun again though nobody writes: often enough that a disk that works again is used. */
export const SEAL_RETRY_MS = 5_000;

export interface SegmentSealerOptions<TEvent> extends SealJobOptions<TEvent> {
  readonly onSealed: (metadata: SegmentMetadata) => void;
  /** Whether a full disk has room again because something older was given up. */
  readonly makeRoom: (cause: unknown) => Promise<boolean>;
}

/**
 * Seals segments while the writer goes on with the next one. What failed for good is kept, with its lock, and tried
 * again by whoever needs it done (the next synced batch, `close`, a write that would wait behind too many), and every
 * `SEAL_RETRY_MS`.
 */
export class SegmentSealer<TEvent> {
  readonly #options: SegmentSealerOptions<TEvent>;
  readonly #jobs = new Set<SealJob<TEvent>>();
  #lastTaken: Promise<unknown> = Promise.resolve();
  /** Segments whose batches are acknowledged once they are sealed. */
  readonly #whole = new Set<ActiveSegmentFile>();
  /** Segments whose batches were rejected and that are still on disk. */
  readonly #refused = new Set<ActiveSegmentFile>();

  #retryTimer: Timer | undefined;
  #isAbandoned = false;
  readonly #abandoning = new AbortController();

  constructor(options: SegmentSealerOptions<TEvent>) {
    this.#options = { ...options, signal: this.#abandoning.signal };
  }

  /** Takes over a segment that will not be written any more, and begins at once. */
  take(segment: ActiveSegmentFile, reason: string): Promise<SegmentMetadata | undefined> {
    const job = new SealJob(segment, reason, this.#options);
    if (this.#jobs.size > 0) job.turn = this.#lastTaken;
    this.#jobs.add(job);
    const sealed = this.#seal(job);
    // One that fails does not hold back those behind it.
    this.#lastTaken = sealed.catch(() => undefined);
    return sealed;
  }

  /**
   * Takes a segment out of the roll as soon as its batches are written: from then on the exit path writes elsewhere, so
   * that these can be taken back, and keeps this one. `sealWhole` follows.
   */
  reserve(segment: ActiveSegmentFile, roll: { detach(): unknown }): void {
    roll.detach();
    this.#whole.add(segment);
  }

  /**
   * Seals a segment before its batches are acknowledged, all or nothing.
   *
   * @param undoing.mayBeUndone - Whether none of them was acknowledged by the exit path meanwhile.
   * @param undoing.undo - Called in the same step in which the file is given up, so that the exit path, whenever it runs,
   *   finds the batches either in the file or waiting.
   * @returns How many of its events are lost; `undefined` where it was undone: nothing of it is stored, or will be by the
   *   time anything else is.
   * @throws RelayError - it is not sealed and could not be undone.
   */
  async sealWhole(
    segment: ActiveSegmentFile,
    reason: string,
    { mayBeUndone, undo }: { readonly mayBeUndone: () => boolean; readonly undo: (cause: unknown) => void },
  ): Promise<number | undefined> {
    const job = new SealJob(segment, reason, this.#options, mayBeUndone);
    this.#jobs.add(job);
    try {
      await this.#seal(job);
      return job.lostEvents;
    } catch (cause) {
      if (!mayBeUndone()) {
        if (!job.isUnresolved) throw cause;
        await this.#resolve(job);
        return job.lostEvents;
      }
      this.#jobs.delete(job);
      this.refuse(segment);
      undo(cause);
      return undefined;
    } finally {
      this.#whole.delete(segment);
    }
  }

  /** At exit: seals a segment before it returns. */
  sealSync(segment: ActiveSegmentFile, reason: string): void {
    new SealJob(segment, reason, this.#options).sealSync();
  }

  /**
   * At exit, after a seal that failed: keeps the events as `written`, to be sealed later, where the disk has taken them.
   * Otherwise nothing of the segment is stored.
   */
  keepSync(segment: ActiveSegmentFile): boolean {
    if (segment.synced.sizeBytes === segment.end.sizeBytes) {
      try {
        segment.exposeSync();
        void this.take(segment, 'exit').catch(() => undefined);
        return true;
      } catch {
        // Without the other name a crash would leave nothing of it.
      }
    }
    this.refuse(segment);
    return false;
  }

  /** At exit: keeps what is in segments whose seal is under way. */
  exposeSync(): void {
    for (const segment of this.#whole) segment.exposeSync();
  }

  /**
   * Takes over a segment whose data sync has failed, and waits until its events are safe elsewhere.
   *
   * @returns How many of them are lost, because they did not read back.
   * @throws RelayError - they are still in the old file, and nothing else may be written before `settleFailed` succeeds.
   */
  async takeFailed(segment: ActiveSegmentFile): Promise<number> {
    const job = SealJob.failed(segment, this.#options);
    this.#jobs.add(job);
    await this.#resolve(job);
    return job.lostEvents;
  }

  /** Ends segments whose sync or write failed. Before that a successor must not be written: events could stand in both. */
  async settleFailed(): Promise<void> {
    this.#undoRefused();
    for (const job of this.#jobs) {
      cut(job.segment.path, () => job.segment.cutRemainsSync());
      if (job.segment.hasUnsyncedCut && !job.isUnresolved) await this.#inRoom(job, () => job.makeDurable());
      if (job.isUnresolved) await this.#resolve(job);
    }
  }

  /** Whatever comes of it, the seal follows: at once, or with the next try. */
  async #resolve(job: SealJob<TEvent>): Promise<void> {
    try {
      await this.#inRoom(job, () => job.resolve());
    } catch (cause) {
      this.#retryLater();
      throw cause;
    }
    void this.#seal(job);
  }

  /** The part that needs no waiting: cuts rejected events off segments that wait for their end. */
  settleFailedSync(): void {
    this.#undoRefused();
    for (const job of this.#jobs) cut(job.segment.path, () => job.cutSync());
  }

  /** Milliseconds since the oldest segment that waits for its seal was begun; 0 where there is none. */
  get oldestAgeMs(): number {
    const nowMs = this.#options.spool.clock.monotonicMs();
    return Math.max(0, ...[...this.#jobs].map(({ segment }) => nowMs - segment.createdMonotonicMs));
  }

  /** Whether it holds no file. */
  get isIdle(): boolean {
    return this.#jobs.size === 0 && this.#refused.size === 0 && this.#whole.size === 0;
  }

  /** Files that wait for their seal. */
  get waiting(): SpoolTotals {
    let totalBytes = 0;
    for (const { segment } of this.#jobs) totalBytes += segment.end.sizeBytes;
    return { fileCount: this.#jobs.size, totalBytes };
  }

  /** Waits while too many segments wait, beginning again with those that had failed. */
  async waitForRoom(): Promise<void> {
    while (this.#jobs.size >= MAX_WAITING_SEALS) {
      await Promise.any([...this.#jobs].map((job) => this.#seal(job))).catch((failed: AggregateError) => {
        throw failed.errors[0];
      });
    }
  }

  /** Waits until the events of every segment taken over are durable. */
  async whenDurable(): Promise<void> {
    await allSettled([...this.#jobs].map((job) => this.#inRoom(job, () => job.makeDurable())));
  }

  /** Waits until every segment taken over is sealed, beginning again with those that had failed. */
  async whenSealed(): Promise<void> {
    await allSettled([...this.#jobs].map((job) => this.#seal(job)));
  }

  /** Lets go of what could not be sealed; the next recovery finds it. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    this.#retryTimer?.cancel();
    this.#abandoning.abort(new Error('the writer was closed'));
    // A lock goes last: whoever takes it next must not meet what is still under way here.
    for (const job of this.#jobs) await job.idle();
    for (const { segment } of this.#jobs) await segment.abandon();
    for (const segment of this.#refused) await segment.abandon();
    this.#jobs.clear();
  }

  /** Takes over a segment of which nothing was acknowledged: it is removed by the time anything else is written. */
  refuse(segment: ActiveSegmentFile): void {
    this.#refused.add(segment);
    try {
      this.#undoRefused();
    } catch {
      // It is tried again before anything else is written, and after a while in any case.
      this.#retryLater();
    }
  }

  #undoRefused(): void {
    for (const segment of this.#refused) {
      try {
        segment.undoSync();
      } catch (cause) {
        throw toStorageError(cause, { operation: 'remove', path: segment.path });
      }
      this.#refused.delete(segment);
    }
  }

  #seal(job: SealJob<TEvent>): Promise<SegmentMetadata | undefined> {
    const sealed = this.#inRoom(job, () => job.seal()).then((metadata) => {
      if (!this.#jobs.delete(job)) return metadata;
      if (metadata) this.#options.onSealed(metadata);
      if (job.tail) this.#options.onSealed(job.tail);
      return metadata;
    });
    // Whoever needs the outcome asks for it; a failure nobody waits for must not end the process.
    sealed.catch(() => this.#retryLater());
    return sealed;
  }

  /** A seal needs a little room of its own, for the metadata; events that are moved need as much as they take. */
  async #inRoom<T>(job: SealJob<TEvent>, step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await step();
      } catch (cause) {
        if (this.#isAbandoned || !(await this.#options.makeRoom(cause))) throw cause;
        // Room comes too late for data that the disk has refused: its batches are written anew.
        if (job.mustBeUndone) throw cause;
      }
    }
  }

  #retryLater(): void {
    if (this.#isAbandoned || this.#retryTimer) return;
    this.#retryTimer = this.#options.spool.clock.setTimer(SEAL_RETRY_MS, () => {
      this.#retryTimer = undefined;
      try {
        this.#undoRefused();
      } catch {
        this.#retryLater();
      }
      for (const job of this.#jobs) void this.#seal(job);
    });
  }
}

function cut(path: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw toStorageError(cause, { operation: 'truncate', path });
  }
}

/** Waits for all of them, and then throws what the first to fail has thrown. */
async function allSettled(works: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason;
}
