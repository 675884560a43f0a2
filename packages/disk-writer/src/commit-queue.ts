import {
  type ActiveSegmentFile,
  isDiskFull,
  type RetentionKeeper,
  type SegmentMark,
  type Spool,
  toStorageError,
} from '@relaykit/segments';
import type { RetryPolicy, WriteReceipt } from '@relaykit/types';
import { encodeGroup, encodeGroupSync, type GroupFrames, type GroupPlace } from './encode-group.ts';
import type { EventLoopTurn } from './event-loop-turn.ts';
import { EventNumbers } from './event-numbers.ts';
import type { FlushMode } from './file-disk-writer-options.ts';
import { type DroppedEarlier, LossRecorder } from './loss-recorder.ts';
import { PendingCommit } from './pending-commit.ts';
import type { SegmentRoll } from './segment-roll.ts';
import type { SegmentSealer } from './segment-sealer.ts';
import { type StepWatch, syncWatched } from './step-watch.ts';
import { storageStep } from './storage-step.ts';

/** Batches that share one write; more wait for the next, so that no write holds the event loop for long. */
export const MAX_GROUP_BYTES: number = 1024 * 1024;

export interface OpenSpool<TEvent> {
  readonly spool: Spool;
  readonly roll: SegmentRoll<TEvent>;
  readonly sealer: SegmentSealer<TEvent>;
  readonly keeper: RetentionKeeper;
}

export interface CommitQueueOptions<TEvent> {
  readonly retry: RetryPolicy;
  readonly flushMode: FlushMode;
  readonly turn: EventLoopTurn;
  readonly open: () => Promise<OpenSpool<TEvent>>;
  readonly watch: StepWatch | undefined;
  readonly onAcknowledged: (commit: PendingCommit<TEvent>, receipt: WriteReceipt) => void;
}

type Task<TEvent> =
  | PendingCommit<TEvent>
  | { readonly state: 'task'; run(opened: OpenSpool<TEvent>): Promise<void>; fail(cause: unknown): void };

/**
 * Stores batches one group at a time, in call order: what arrives while a group is on its way shares the next write and
 * the next sync (group commit).
 *
 * Batches are acknowledged in order, and one that waits for a sync holds those behind it: so what is not acknowledged is
 * always the end of the file, and can be taken back when the disk refuses it.
 */
export class CommitQueue<TEvent> {
  readonly #options: CommitQueueOptions<TEvent>;
  #tasks: Task<TEvent>[] = [];
  readonly #losses = new LossRecorder();
  #isRunning = false;
  readonly #numbers = new EventNumbers<TEvent>();

  constructor(options: CommitQueueOptions<TEvent>) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#tasks.length === 0 && !this.#isRunning;
  }

  /** Whether drops were noted that the ledger does not have yet. */
  get hasLosses(): boolean {
    return !this.#losses.isEmpty;
  }

  /** Takes note of events that are not going to be stored; they get their numbers between two segments. */
  noteDropped(dropped: DroppedEarlier): void {
    this.#losses.note(dropped);
  }

  /** Records what was dropped since the last segment began, without waiting for it. To be called with none begun. */
  recordLosses({ roll, spool }: OpenSpool<TEvent>): void {
    this.#losses.record(spool, (eventCount) => this.#placeLoss(roll, eventCount));
  }

  /** The same, and waits for it, for as long as the ledger waits for its lock. */
  finishLosses({ roll, spool }: OpenSpool<TEvent>): Promise<void> {
    return this.#losses.finish(spool, (eventCount) => this.#placeLoss(roll, eventCount));
  }

  #placeLoss(
    roll: SegmentRoll<TEvent>,
    eventCount: number,
  ): { readonly id: string; readonly firstSequence: number } | undefined {
    // Numbers of a segment are without holes.
    if (roll.active) return undefined;
    const firstSequence = this.#numbers.take(eventCount);
    return { id: roll.nameUnwritten(firstSequence), firstSequence };
  }

  /** Queues a batch that `storeSync` is about to store. */
  add(commit: PendingCommit<TEvent>): void {
    this.#tasks.push(commit);
  }

  push(commit: PendingCommit<TEvent>): void {
    this.#tasks.push(commit);
    void this.#run();
  }

  /** Runs `work` after everything pushed before. */
  runAfter<T>(work: (opened: OpenSpool<TEvent>) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push({
        state: 'task',
        run: async (opened) => {
          await work(opened).then(resolve, reject);
        },
        fail: reject,
      });
      void this.#run();
    });
  }

  /** Stores at once all that is on its way, for the exit path. Returns when the operating system has it. */
  storeSync({ roll, sealer, spool }: OpenSpool<TEvent>): void {
    sealer.exposeSync();
    // Who never lets the event loop turn would gather them.
    this.#dropSettled();
    const commits = this.#tasks.filter(
      (task) => task instanceof PendingCommit && task.state === 'queued',
    ) as PendingCommit<TEvent>[];
    if (commits.length === 0) return;
    // Other bytes must not go where a power cut may bring back those of a failed write.
    if (roll.active?.hasUnsyncedCut) void roll.end('failure').catch(() => undefined);
    sealer.settleFailedSync();
    if (commits.some(({ batch }) => batch.eventCount > 0)) {
      // There is one write: what must not be exported decides for all of it.
      const beginning = this.#beginning(commits.some(({ isHeld }) => isHeld));
      const segment = roll.activeFor(beginning) ?? roll.createSync(beginning);
      this.#appendOrCut(segment, commits, this.#encodeSync(roll, segment, commits, placeOf(spool, segment)));
      if (this.#options.flushMode === 'atomic') this.#sealSync(roll, sealer, commits);
    } else {
      for (const commit of commits) this.#numbers.place(commit, '');
    }
    for (const commit of commits) this.#acknowledge(commit, 'written');
    // Whoever goes on living after this has events whose segment grows old.
    roll.scheduleCheck(() => this.#checkRotation());
  }

  #encodeSync(
    roll: SegmentRoll<TEvent>,
    segment: ActiveSegmentFile,
    commits: readonly PendingCommit<TEvent>[],
    place: GroupPlace,
  ): GroupFrames {
    try {
      return encodeGroupSync(commits, place);
    } catch (error) {
      // The process may be about to end, and an empty file would stay until the next recovery.
      if (roll.active === segment && segment.end.eventCount === 0) roll.discardSync();
      throw error;
    }
  }

  #sealSync(roll: SegmentRoll<TEvent>, sealer: SegmentSealer<TEvent>, commits: readonly PendingCommit<TEvent>[]): void {
    const segment = roll.detach();
    try {
      if (segment) sealer.sealSync(segment, 'exit');
    } catch (cause) {
      if (!segment || sealer.keepSync(segment)) return;
      this.#numbers.takeBack(commits);
      for (const commit of commits) commit.state = 'queued';
      throw cause;
    }
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#dropSettled()) {
        try {
          const { overdue } = this.#options.turn;
          if (overdue) await overdue;
          else await this.#next();
        } catch (cause) {
          this.#failAll(cause);
        }
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Whether anything is left to do. */
  #dropSettled(): boolean {
    this.#tasks = this.#tasks.filter(({ state }) => state === 'queued' || state === 'task');
    return this.#tasks.length > 0;
  }

  async #next(): Promise<void> {
    const opened = await this.#options.open();
    const [first] = this.#tasks;
    if (first?.state === 'task') {
      this.#tasks.shift();
      return first.run(opened);
    }
    await opened.sealer.settleFailed();
    // Also where this batch begins another segment: what was refused must not come back beside it.
    const { active } = opened.roll;
    if (active?.hasUnsyncedCut && !(await this.#settleCut(opened, active))) return;
    if (!this.#dropSettled()) return;
    if (!this.#losses.isEmpty && opened.roll.endForNext(this.#queued()[0]?.batch)) this.recordLosses(opened);
    const [next] = this.#queued();
    if (!next) return;
    const { batch } = next;
    let segment: ActiveSegmentFile | undefined;
    try {
      segment =
        batch.eventCount === 0
          ? opened.roll.active
          : await opened.roll.segmentFor(batch, () => this.#beginning(next.isHeld));
    } catch (cause) {
      if (await opened.keeper.makeRoomFor(cause)) return;
      throw cause;
    }
    await this.#commitGroup(opened, segment);
  }

  /**
   * Makes a cut durable before other bytes are written in its place or behind it.
   *
   * @returns Whether the segment may be written further.
   */
  async #settleCut({ roll, sealer, spool }: OpenSpool<TEvent>, segment: ActiveSegmentFile): Promise<boolean> {
    try {
      segment.cutRemainsSync();
    } catch (cause) {
      throw toStorageError(cause, { operation: 'truncate', path: segment.path });
    }
    const refusal = await this.#sync(segment, spool);
    if (refusal === undefined) return true;
    if (roll.active === segment) roll.detach();
    await sealer.takeFailed(segment);
    return false;
  }

  async #commitGroup(opened: OpenSpool<TEvent>, segment: ActiveSegmentFile | undefined): Promise<void> {
    const group = this.#takeGroup(opened.roll, segment);
    if (group.length === 0) return;
    const marks = segment ? await this.#write(opened, segment, group) : [];
    // The exit path or an abort changed the group meanwhile: what is left of it is queued still.
    if (!marks) {
      // What an abort took back must not return with a power cut, and perhaps nobody writes again.
      const isCut = segment?.hasUnsyncedCut && opened.roll.active === segment;
      if (isCut) void opened.roll.end('failure').catch(() => undefined);
      return;
    }
    if (!segment) for (const commit of group) this.#numbers.place(commit, '');
    this.#tasks = this.#tasks.filter((task) => task.state !== 'written');

    if (segment && this.#isWhole(group)) return this.#sealGroup(opened, segment, group);
    const firstSynced = group.findIndex(({ durability }) => durability === 'synced');
    const acknowledged = firstSynced < 0 ? group : group.slice(0, firstSynced);
    for (const commit of acknowledged) this.#acknowledge(commit, 'written');
    const waiting = group.slice(acknowledged.length);
    if (waiting.length > 0) await this.#syncGroup(opened, segment, waiting, marks.slice(acknowledged.length));
    opened.roll.scheduleCheck(() => this.#checkRotation());
  }

  #beginning(isHeld: boolean): { readonly firstSequence: number; readonly isHeld: boolean } {
    return { firstSequence: this.#numbers.next, isHeld };
  }

  /** Queued batches, in order, that the segment may take before it has to rotate. */
  #takeGroup(roll: SegmentRoll<TEvent>, segment: ActiveSegmentFile | undefined): PendingCommit<TEvent>[] {
    const group: PendingCommit<TEvent>[] = [];
    let pending = segment?.end;
    let groupBytes = 0;
    for (const commit of this.#queued()) {
      const { eventCount, sizeBytes } = commit.batch;
      // Of a batch without events it matters to nobody.
      if (eventCount > 0 && segment && commit.isHeld !== segment.isHeld) break;
      if (group.length > 0 && eventCount > 0) {
        if (!pending || groupBytes + sizeBytes > MAX_GROUP_BYTES) break;
        if (this.#options.flushMode === 'append' && roll.rotationReason(commit.batch, pending) !== undefined) break;
      }
      group.push(commit);
      groupBytes += sizeBytes;
      if (pending) {
        const { sizeBytes: bytes, eventCount: events, frameCount } = pending;
        pending = { sizeBytes: bytes + sizeBytes, eventCount: events + eventCount, frameCount };
      }
    }
    return group;
  }

  /**
   * Writes the group behind the segment's end.
   *
   * @returns Where each batch begins, and where the last one ends; `undefined` where the group changed meanwhile.
   */
  async #write(
    opened: OpenSpool<TEvent>,
    segment: ActiveSegmentFile,
    group: readonly PendingCommit<TEvent>[],
  ): Promise<readonly SegmentMark[] | undefined> {
    const { spool, roll } = opened;
    const start = segment.end;
    const isUnchanged = (): boolean =>
      roll.active === segment && segment.end === start && group.every(({ state }) => state === 'queued');
    const { retry: policy, watch } = this.#options;
    const { clock, logger } = spool;
    const load = loadOf(group);
    try {
      const frames = await encodeGroup(group, placeOf(spool, segment));
      return await storageStep({ operation: 'write', path: segment.path, policy, clock, logger, watch, load }, () => {
        if (!isUnchanged()) return undefined;
        // Cut off at once where it fails: while the next attempt is waited for, an abort may say that nothing is stored.
        const marks = this.#appendOrCut(segment, group, frames);
        if (this.#isWhole(group)) opened.sealer.reserve(segment, roll);
        return marks;
      });
    } catch (error) {
      // Room comes back; any other failure for good ends the file where its last whole batch ended.
      if (isUnchanged() && !isDiskFull(error)) {
        const ended = roll.end('failure').catch(() => undefined);
        // A file in which nothing stands is gone before anybody hears of the failure: a key provider may be down for days.
        if (start.eventCount === 0) await ended;
      }
      // The same group is tried again in the room that was made.
      if (isUnchanged() && (await opened.keeper.makeRoomFor(error))) return undefined;
      throw error;
    }
  }

  #appendOrCut(
    segment: ActiveSegmentFile,
    group: readonly PendingCommit<TEvent>[],
    frames: GroupFrames,
  ): readonly SegmentMark[] {
    try {
      return this.#append(segment, group, frames);
    } catch (error) {
      cutRemains(segment);
      throw error;
    }
  }

  #append(
    segment: ActiveSegmentFile,
    group: readonly PendingCommit<TEvent>[],
    frames: GroupFrames,
  ): readonly SegmentMark[] {
    let mark = segment.end;
    segment.appendSync(frames.flat());
    const marks = [mark];
    for (const commit of group) this.#numbers.place(commit, commit.batch.eventCount > 0 ? segment.id : '');
    for (const ofBatch of frames) {
      for (const { bytes, eventCount } of ofBatch) {
        mark = {
          sizeBytes: mark.sizeBytes + bytes.byteLength,
          eventCount: mark.eventCount + eventCount,
          frameCount: mark.frameCount + 1,
        };
      }
      marks.push(mark);
    }
    return marks;
  }

  async #syncGroup(
    { roll, sealer, keeper, spool }: OpenSpool<TEvent>,
    segment: ActiveSegmentFile | undefined,
    waiting: readonly PendingCommit<TEvent>[],
    /** Where each of them begins, and where the last one ends. */
    marks: readonly SegmentMark[],
  ): Promise<void> {
    const [acknowledgedEnd] = marks;
    const end = marks.at(-1);
    // Where the exit path has written behind these batches, or acknowledged one, they stay: nothing of it may be cut off.
    const mayBeCut = (): boolean => segment?.end.sizeBytes === end?.sizeBytes && this.#numbers.isLast(waiting);
    let refusal: unknown;
    try {
      await sealer.whenDurable();
      if (segment) refusal = await this.#sync(segment, spool);
    } catch (cause) {
      if (mayBeCut()) {
        if (acknowledgedEnd) segment?.rollBackTo(acknowledgedEnd);
        this.#takeBack(waiting, cause);
      } else {
        for (const commit of waiting) this.#acknowledge(commit, 'written');
      }
      return;
    }
    if (refusal === undefined || !segment) {
      for (const commit of waiting) this.#acknowledge(commit, 'synced');
      return;
    }
    // What was acknowledged is moved. These batches are still here: they are written anew and need not be read back.
    if (roll.active === segment) roll.detach();
    if (acknowledgedEnd && mayBeCut()) {
      segment.rollBackTo(acknowledgedEnd);
      this.#writeAnew(waiting, refusal);
      // Handed over before anything else runs: what the exit path stores next must not stand here, too.
      await Promise.all([sealer.takeFailed(segment), keeper.makeRoomFor(refusal)]);
      return;
    }
    // Which ones are lost is not known; nothing that may be is acknowledged.
    const lostEvents = await sealer.takeFailed(segment).catch(() => Number.POSITIVE_INFINITY);
    if (lostEvents > 0) this.#failUnsettled(waiting, refusal);
    for (const commit of waiting) this.#acknowledge(commit, 'written');
  }

  /** @returns Why the disk refused the data; `undefined` where it is durable. */
  #sync(segment: ActiveSegmentFile, { clock, logger }: Spool): Promise<unknown> {
    const { retry: policy, watch } = this.#options;
    const { path } = segment;
    return storageStep({ operation: 'sync', path, policy, clock, logger, watch }, async () => {
      try {
        await syncWatched(segment, clock, watch);
        return undefined;
      } catch (error) {
        // The name of a file may be synced again. Its data, once refused, may be gone although a second try succeeds.
        if (!segment.isRefused) throw error;
        return toStorageError(error, { operation: 'sync', path });
      }
    });
  }

  /** Whether the group is a segment of its own. */
  #isWhole(group: readonly PendingCommit<TEvent>[]): boolean {
    return this.#options.flushMode === 'atomic' && group.some(({ batch }) => batch.eventCount > 0);
  }

  async #sealGroup(
    opened: OpenSpool<TEvent>,
    segment: ActiveSegmentFile,
    group: readonly PendingCommit<TEvent>[],
  ): Promise<void> {
    const isRefused = (): boolean => segment.synced.sizeBytes < segment.end.sizeBytes;
    try {
      const lostEvents = await opened.sealer.sealWhole(segment, 'flush', {
        mayBeUndone: () => this.#numbers.isLast(group),
        undo: (cause) => (isRefused() ? this.#writeAnew(group, cause) : this.#takeBack(group, cause)),
      });
      if (lostEvents === undefined) return;
      if (lostEvents > 0) {
        const cause = new Error(`${lostEvents} events did not read back after a failed sync`);
        this.#failUnsettled(group, toStorageError(cause, { operation: 'sync', path: segment.path }));
      }
    } catch (cause) {
      // Where the disk refused the data nothing is known of it.
      if (isRefused()) this.#failUnsettled(group, cause);
      for (const commit of group) this.#acknowledge(commit, 'written');
      return;
    }
    for (const commit of group) this.#acknowledge(commit, 'synced');
  }

  /** Puts batches that a file could not keep back to the front, once: a second refusal is the caller's to know. */
  #writeAnew(commits: readonly PendingCommit<TEvent>[], refusal: unknown): void {
    if (commits.some(({ wasRefused }) => wasRefused)) {
      this.#takeBack(commits, refusal);
      return;
    }
    this.#numbers.takeBack(commits);
    for (const commit of commits) {
      commit.state = 'queued';
      commit.wasRefused = true;
    }
    this.#tasks.unshift(...commits);
  }

  /** The end of the file was refused: its batches were never there, and their numbers are given out again. */
  #takeBack(commits: readonly PendingCommit<TEvent>[], cause: unknown): void {
    this.#numbers.takeBack(commits);
    this.#failUnsettled(commits, cause);
  }

  #failUnsettled(commits: readonly PendingCommit<TEvent>[], cause: unknown): void {
    for (const commit of commits) commit.fail(cause);
  }

  /** Answers for a batch that the operating system has, though it waits for its sync still. */
  acknowledgeWritten(commit: PendingCommit<TEvent>): void {
    this.#acknowledge(commit, 'written');
  }

  #acknowledge(commit: PendingCommit<TEvent>, reached: 'written' | 'synced'): void {
    if (commit.state === 'settled') return;
    this.#options.onAcknowledged(commit, commit.acknowledge(reached));
  }

  #checkRotation(): void {
    void this.runAfter(async ({ roll }) => {
      const reason = roll.rotationReason();
      if (reason === undefined) roll.scheduleCheck(() => this.#checkRotation());
      else void roll.end(reason).catch(() => undefined);
    }).catch(() => this.#retryCheck());
  }

  /** A batch in front of the check was refused, and the check with it. The segment has not grown younger. */
  #retryCheck(): void {
    void this.#options.open().then(
      ({ roll }) => roll.scheduleCheck(() => this.#checkRotation()),
      () => undefined,
    );
  }

  #queued(): PendingCommit<TEvent>[] {
    const queued: PendingCommit<TEvent>[] = [];
    for (const task of this.#tasks) {
      if (task.state === 'task') break;
      if (task.state === 'queued') queued.push(task);
    }
    return queued;
  }

  /** The disk has refused one; those behind it would only wait to be refused, too. */
  #failAll(cause: unknown): void {
    for (const task of this.#tasks.splice(0)) task.fail(cause);
  }
}

/** So that nobody reads what was refused. Where it fails, it is done before anything else is written. */
function cutRemains(segment: ActiveSegmentFile): void {
  try {
    segment.cutRemainsSync();
  } catch {
    // The caller has a failure to report already.
  }
}

function loadOf<TEvent>(group: readonly PendingCommit<TEvent>[]): { eventCount: number; bytes: number } {
  let [eventCount, bytes] = [0, 0];
  for (const { batch, sizeBytes } of group) {
    eventCount += batch.eventCount;
    bytes += sizeBytes;
  }
  return { eventCount, bytes };
}

function placeOf({ spoolId }: Spool, { id, end }: ActiveSegmentFile): GroupPlace {
  return { spoolId, segmentId: id, start: end };
}
