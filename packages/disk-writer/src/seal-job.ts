import { type ActiveSegmentFile, closingFrameOf, type Spool, toStorageError, UnsyncedMove } from '@relaykit/segments';
import type { EventSerializer, RetryPolicy, SegmentMetadata, StorageOperation } from '@relaykit/types';
import { type JoinedCalls, joinCalls } from './join-calls.ts';
import { type StepWatch, syncWatched } from './step-watch.ts';
import { storageStep } from './storage-step.ts';

export interface SealJobOptions<TEvent> {
  readonly spool: Spool;
  readonly serializer: EventSerializer<TEvent>;
  readonly retry: RetryPolicy;
  /** Ends the waiting between attempts. */
  readonly signal?: AbortSignal;
  readonly watch: StepWatch | undefined;
}

/**
 * Brings one finished segment to its final name. Every step may be asked for again after it failed, by anyone and at
 * any time; calls that overlap share the work, so that no file is ever synced twice at once.
 */
export class SealJob<TEvent> {
  readonly segment: ActiveSegmentFile;
  readonly #reason: string;
  readonly #options: SealJobOptions<TEvent>;
  /** Whether nobody was told of its batches yet, so that they can be taken back. */
  readonly #mayBeUndone: () => boolean;
  /** Why the disk refused to sync the data. From then on the events are moved, and the file is not synced again. */
  #refusal: unknown;
  #move: UnsyncedMove | undefined;

  constructor(segment: ActiveSegmentFile, reason: string, options: SealJobOptions<TEvent>, mayBeUndone = () => false) {
    this.segment = segment;
    this.#mayBeUndone = mayBeUndone;
    this.#reason = reason;
    this.#options = options;
  }

  /** A segment whose data sync has failed already. */
  static failed<TEvent>(segment: ActiveSegmentFile, options: SealJobOptions<TEvent>): SealJob<TEvent> {
    const job = new SealJob(segment, 'failure', options);
    job.#refusal = new Error('the disk refused to sync the data');
    return job;
  }

  /** Whether the events stand in a file that can neither be relied on nor has been ended yet. */
  get isUnresolved(): boolean {
    return this.#refusal !== undefined && !this.#move?.isCommitted;
  }

  /** Whether the disk refused the data, and nobody relies on it: every further step of it fails. */
  get mustBeUndone(): boolean {
    return this.#refusal !== undefined && this.#mayBeUndone();
  }

  /** The segment that took over, where this one's sync failed. */
  get tail(): SegmentMetadata | undefined {
    return this.#move?.tail;
  }

  /** Events that could not be moved after a failed sync, because they did not read back. */
  get lostEvents(): number {
    return this.#move?.lostEvents ?? 0;
  }

  /** Ends a segment whose sync failed; harmless otherwise. */
  readonly resolve: JoinedCalls<void> = joinCalls(async () => {
    if (!this.isUnresolved) return;
    const { spool, serializer } = this.#options;
    const move = this.#move ?? new UnsyncedMove(spool, this.segment, serializer);
    this.#move = move;
    await this.#step('sync', () => move.commit());
    if (move.lostEvents === 0) return;
    spool.logger?.error('events are lost: the disk refused to sync them and they do not read back', {
      segment: this.segment.id,
      events: move.lostEvents,
    });
  });

  /**
   * Makes the events durable, in this file or, where its sync fails, in another.
   *
   * @throws RelayError - also where the sync of a segment fails that may be undone: its batches are still in memory, and
   *   nothing is moved.
   */
  readonly makeDurable: JoinedCalls<void> = joinCalls(async () => {
    if (this.#refusal === undefined) {
      await this.#step('write', () => this.#appendClosingFrame());
      await this.#step('sync', async () => {
        try {
          await syncWatched(this.segment, this.#options.spool.clock, this.#options.watch);
        } catch (error) {
          // The name of a file may be synced again. Its data, once refused, may be gone although a second try succeeds.
          if (!this.segment.isRefused) throw error;
          this.#refusal = error;
        }
      });
    }
    if (this.mustBeUndone) {
      throw toStorageError(this.#refusal, { operation: 'sync', path: this.segment.path });
    }
    await this.resolve();
  });

  /** Set before the first `seal`, where others wait: what has to be at its final name, or have failed, before this one. */
  turn: Promise<unknown> | undefined;

  /** All of it. Resolves to the metadata of the sealed segment, `undefined` where nothing was left in it. */
  readonly seal: JoinedCalls<SegmentMetadata | undefined> = joinCalls(async () => {
    await this.makeDurable();
    const move = this.#move;
    if (this.turn) {
      // What can be done before its turn: every step takes a turn of the event loop, and a busy producer leaves few. Once,
      // and without making room: what a full disk has left is for the segments before this one.
      if (!move) await this.segment.commitMetadata({ reason: this.#reason }).catch(() => undefined);
      // Whoever reads the spool meets the segments of a writer in their order.
      await this.turn;
      this.turn = undefined;
    }
    return this.#step('seal', () => (move ? move.finish() : this.segment.seal({ reason: this.#reason })));
  });

  /** All of it before it returns: what is sealed at exit. */
  sealSync(): void {
    const closing = this.segment.isClosed ? undefined : this.#closingFrame();
    if (closing instanceof Promise) throw new Error('the closing frame of the format has to be waited for');
    if (closing) this.segment.appendClosingSync(closing);
    this.segment.sealSync({ reason: this.#reason });
  }

  /**
   * Cuts off what failed writes left, durably where the disk lets us, before it returns: for the exit path.
   *
   * @throws the file system's error - it is there still, and nothing may be written elsewhere.
   */
  cutSync(): void {
    const { segment } = this;
    segment.cutRemainsSync();
    if (this.#refusal !== undefined || !segment.hasUnsyncedCut) return;
    try {
      segment.syncDataSync();
    } catch (error) {
      this.#refusal = error;
    }
  }

  async #appendClosingFrame(): Promise<void> {
    if (this.segment.isClosed) return;
    const closing = await this.#closingFrame();
    if (closing) this.segment.appendClosingSync(closing);
  }

  #closingFrame(): ReturnType<typeof closingFrameOf> {
    const { serializer, spool } = this.#options;
    const { eventCount, frameCount, sizeBytes } = this.segment.end;
    const place = { spoolId: spool.spoolId, segmentId: this.segment.id, frameIndex: frameCount };
    return closingFrameOf(serializer, { ...place, eventCount, sizeBytes });
  }

  /** Resolves once nothing of it is under way: before that its file must not be let go. */
  async idle(): Promise<void> {
    await Promise.all([this.seal.idle(), this.makeDurable.idle(), this.resolve.idle()]);
  }

  #step<T>(operation: StorageOperation, step: () => Promise<T>): Promise<T> {
    const { retry: policy, spool, signal, watch } = this.#options;
    const { clock, logger } = spool;
    return storageStep({ operation, path: this.segment.path, policy, clock, logger, signal, watch }, step);
  }
}
