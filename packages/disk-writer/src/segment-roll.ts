import {
  ActiveSegmentFile,
  formatSegmentId,
  type RetentionKeeper,
  type SegmentMark,
  type Spool,
} from '@relaykit/segments';
import type { EventSerializer, RetryPolicy, RotationPolicy, SegmentMetadata, Timer } from '@relaykit/types';
import type { FlushMode } from './file-disk-writer-options.ts';
import { checkDelay, checkReason } from './policy-answer.ts';
import type { SegmentSealer } from './segment-sealer.ts';
import type { StepWatch } from './step-watch.ts';
import { storageStep } from './storage-step.ts';

/** How often a writer looks whether its file still has a name. */
const LOOK_INTERVAL_MS = 1_000;

export interface SegmentRollOptions<TEvent> {
  readonly spool: Spool;
  readonly writerId: string;
  readonly serializer: EventSerializer<TEvent>;
  readonly rotation: RotationPolicy;
  readonly retry: RetryPolicy;
  readonly flushMode: FlushMode;
  readonly sealer: SegmentSealer<TEvent>;
  readonly keeper: RetentionKeeper;
  readonly watch: StepWatch | undefined;
}

interface Incoming {
  readonly eventCount: number;
  readonly sizeBytes: number;
}

/** What the next segment begins with. */
interface Beginning {
  readonly firstSequence: number;
  /** Whether its events are held back from export; a segment holds one kind. */
  readonly isHeld: boolean;
}

/** The sequence of a writer's segments: which one is written, when the next one begins, and what they are called. */
export class SegmentRoll<TEvent> {
  readonly #options: SegmentRollOptions<TEvent>;
  #active: ActiveSegmentFile | undefined;
  #lastCreatedAtMs = 0;
  #lookedAtMs = 0;
  #timer: Timer | undefined;
  /** What the log has heard of the policy last, by question. */
  readonly #told = new Map<string, string>();

  constructor(options: SegmentRollOptions<TEvent>) {
    this.#options = options;
  }

  /** Names sort behind what the spool holds already. */
  startAfter(newestSegmentAtMs: number): void {
    this.#lastCreatedAtMs = Math.max(this.#lastCreatedAtMs, newestSegmentAtMs);
  }

  /** Milliseconds since the active segment was begun; 0 where there is none. */
  get activeAgeMs(): number {
    const active = this.#active;
    return active ? this.#options.spool.clock.monotonicMs() - active.createdMonotonicMs : 0;
  }

  get active(): ActiveSegmentFile | undefined {
    return this.#active;
  }

  /**
   * The segment that is being written, where it may take these events: it is ended where it is of the other kind. One
   * made for events that were taken back is empty, and misnamed by now: it goes.
   */
  activeFor({ firstSequence, isHeld }: Beginning): ActiveSegmentFile | undefined {
    const active = this.#active;
    if (!active) return undefined;
    const isEmpty = active.end.eventCount === 0;
    if (active.isHeld === isHeld && (!isEmpty || active.firstSequence === firstSequence)) return active;
    void this.end(isEmpty ? 'empty' : 'hold').catch(() => undefined);
    return undefined;
  }

  /** The segment that takes the next batch; the one before is handed over first where its time has come. */
  async segmentFor(incoming: Incoming, beginning: () => Beginning): Promise<ActiveSegmentFile> {
    this.#letGoOfRemoved();
    const reason = this.#active && this.rotationReason(incoming);
    if (reason !== undefined) void this.end(reason);
    const active = this.activeFor(beginning());
    if (active) return active;
    await this.#options.sealer.waitForRoom();
    await this.#options.keeper.makeRoom(1);
    const { spool, retry: policy, watch } = this.#options;
    const { clock, directory: path, logger } = spool;
    return storageStep({ operation: 'create', path, policy, clock, logger, watch }, () => {
      // The exit path may have begun one meanwhile.
      return this.activeFor(beginning()) ?? this.createSync(beginning());
    });
  }

  /** Ends the active segment where the next batch begins another. Resolves to whether none is active. */
  endForNext(incoming: Incoming | undefined): boolean {
    if (incoming === undefined || incoming.eventCount === 0) return false;
    const reason = this.#active && this.rotationReason(incoming);
    if (reason !== undefined) void this.end(reason).catch(() => undefined);
    return this.#active === undefined;
  }

  /** The id of a segment that was never written, for a record of numbers that no segment holds. */
  nameUnwritten(firstSequence: number): string {
    const { spool, writerId } = this.#options;
    this.#lastCreatedAtMs = Math.max(spool.clock.now(), this.#lastCreatedAtMs + 2);
    return formatSegmentId({ createdAtMs: this.#lastCreatedAtMs, firstSequence, writerId });
  }

  /** Somebody deleted the file, or the spool: what is written there any more ends with this process, so nothing is. */
  #letGoOfRemoved(): void {
    const { clock, logger } = this.#options.spool;
    const nowMs = clock.monotonicMs();
    if (!this.#active || nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return;
    this.#lookedAtMs = nowMs;
    if (this.#active.isNamed()) return;
    const removed = this.detach();
    if (!removed) return;
    const facts = { segment: removed.id, events: removed.end.eventCount };
    logger?.error('events are lost: somebody else removed the segment that was being written', facts);
    removed.abandon().catch(() => undefined);
  }

  /** Begins a segment before it returns; the exit path has no time to wait. */
  createSync(beginning: Beginning): ActiveSegmentFile {
    const { spool, writerId, serializer, flushMode } = this.#options;
    // Names sort by creation, so time in names never stands still and never goes back, whatever the clock does. The
    // millisecond behind each is left for a segment that takes over its events.
    const createdAtMs = Math.max(spool.clock.now(), this.#lastCreatedAtMs + 2);
    const { format } = serializer;
    const isAtomic = flushMode === 'atomic';
    const active = new ActiveSegmentFile({ spool, writerId, ...beginning, createdAtMs, format, isAtomic });
    this.#active = active;
    this.#lastCreatedAtMs = active.createdAtMs;
    return active;
  }

  /** Why the active segment should end before `incoming`; an empty one never does. */
  rotationReason(incoming?: Incoming, pending?: SegmentMark): string | undefined {
    const active = this.#active;
    const end = pending ?? active?.end;
    if (!active || !end || end.eventCount === 0) return undefined;
    const segment = this.#describe(active, end, incoming);
    return this.#ask('shouldRotate', (rotation) => {
      return checkReason(rotation.shouldRotate(segment, this.#now()));
    });
  }

  /** Ends the active segment: it is sealed in the background. Resolves to its metadata once it is. */
  end(reason: string): Promise<SegmentMetadata | undefined> {
    const active = this.detach();
    if (!active) return Promise.resolve(undefined);
    if (active.end.eventCount > 0) return this.#options.sealer.take(active, reason);
    if (active.hasUnsyncedCut) {
      this.#options.sealer.refuse(active);
      return Promise.resolve(undefined);
    }
    return active.discard().then(() => undefined);
  }

  /** Removes the active segment, in which nothing stands, before it returns; recovery does where that fails. */
  discardSync(): void {
    const active = this.detach();
    if (active?.hasUnsyncedCut) {
      this.#options.sealer.refuse(active);
      return;
    }
    try {
      active?.discardSync();
    } catch {
      // The caller has a failure to report already.
    }
  }

  /** Takes the active segment out without ending it. */
  detach(): ActiveSegmentFile | undefined {
    const active = this.#active;
    this.#active = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    return active;
  }

  /** Asks for `check` when the policy wants to look at the segment though no event arrives. */
  scheduleCheck(check: () => void): void {
    const active = this.#active;
    if (this.#timer || !active || active.end.eventCount === 0) return;
    const { spool } = this.#options;
    const segment = this.#describe(active, active.end, undefined);
    const delayMs = this.#ask('nextCheckMs', (rotation) => {
      return checkDelay(rotation.nextCheckMs?.(segment, this.#now()));
    });
    if (delayMs === undefined) return;
    this.#timer = spool.clock.setTimer(Math.max(delayMs, 1), () => {
      this.#timer = undefined;
      check();
    });
  }

  /** A policy's mistake costs nobody their events: the segment goes on, and the log says why. */
  #ask<T>(question: string, ask: (rotation: RotationPolicy) => T | undefined): T | undefined {
    try {
      return ask(this.#options.rotation);
    } catch (error) {
      const facts = { question, error: error instanceof Error ? error.message : String(error) };
      // It is asked before each batch, and what it gets wrong it gets wrong each time.
      if (this.#told.get(question) === facts.error) return undefined;
      this.#told.set(question, facts.error);
      this.#options.spool.logger?.error('the rotation policy failed; the segment is not ended by it', facts);
      return undefined;
    }
  }

  #describe(active: ActiveSegmentFile, end: SegmentMark, incoming: Incoming | undefined) {
    return {
      id: active.id,
      sizeBytes: end.sizeBytes,
      eventCount: end.eventCount,
      ageMs: this.#options.spool.clock.monotonicMs() - active.createdMonotonicMs,
      ...(incoming ? { incoming } : {}),
    };
  }

  #now() {
    const { clock } = this.#options.spool;
    return { epochMs: clock.now(), monotonicMs: clock.monotonicMs() };
  }
}
