import {
  type DiskUsage,
  type Instant,
  RelayError,
  type Removal,
  type RetainedSegment,
  type RetentionPolicy,
  type SegmentMetadata,
  type SpoolTotals,
  type Timer,
} from '@relaykit/types';
import { listSpoolFiles } from './list-spool-files.ts';
import { Mutex } from './mutex.ts';
import { type DroppedSegment, SegmentDropper } from './segment-dropper.ts';
import { parseSegmentId } from './segment-id.ts';
import { SegmentIndex } from './segment-index.ts';
import type { Spool } from './spool.ts';
import { isDiskFull, messageOf } from './system-error.ts';

/**
 * What happens when the spool reaches its limits or the disk is full.
 *
 * - `dropOldestUndelivered`: the oldest segments go, each with a record in the ledger and an announcement.
 * - `refuseNew`: writes fail with `RELAY_STORAGE_FULL` until there is room again. Segments still go for their age.
 */
export type WhenFull = 'dropOldestUndelivered' | 'refuseNew';

/** What a `RetentionKeeper` is made with. */
export interface RetentionKeeperOptions {
  readonly spool: Spool;
  readonly policy: RetentionPolicy;
  readonly whenFull: WhenFull;
  /** Whose files `unsealed` counts; those of other writers are found in the directory. */
  readonly writerId: string;
  /** Files that this writer has not sealed yet. */
  readonly unsealed: () => SpoolTotals;
  readonly onDropped: (segment: DroppedSegment) => void;
}

/** How often limits are looked at though nothing is written: segments also grow old. */
export const RETENTION_INTERVAL_MS = 60_000;

/**
 * Before anything is given up, the directory is listed anew, unless that was done this recently: others may have
 * delivered what the sums still count, and nothing must go that need not.
 */
export const FRESH_LISTING_MS = 1_000;

/** The reason of what went because the disk was full, whatever the spool's own limits. */
export const DISK_FULL_REASON = 'diskFull';
/** Keeps a spool within the limits of a retention policy. */
export class RetentionKeeper {
  readonly #options: RetentionKeeperOptions;
  readonly #index = new SegmentIndex();
  readonly #dropper: SegmentDropper;
  readonly #mutex = new Mutex();
  readonly #begun: Instant;
  /** Files that other writers have not sealed, as of the last listing. */
  #unsealedOfOthers: SpoolTotals = { fileCount: 0, totalBytes: 0 };
  /** On the monotonic clock; before the first listing, never. */
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #evicting: Promise<boolean> | undefined;
  #isClosed = false;

  constructor(options: RetentionKeeperOptions) {
    const { spool, onDropped } = options;
    const { clock } = spool;
    this.#options = options;
    this.#dropper = new SegmentDropper({ spool, index: this.#index, onDropped });
    this.#begun = { epochMs: clock.now(), monotonicMs: clock.monotonicMs() };
  }

  /** Begins to look, in the background: writing does not wait until a large spool has been listed. */
  start(): void {
    this.#schedule(0);
  }

  /** Ends what is under way after the segment it is at. Once this resolves, nothing of the spool is touched any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#mutex.run(async () => undefined);
  }

  /** The sealed segments known of: this writer's own at once, those of others once a minute. */
  get totals(): { readonly fileCount: number; readonly totalBytes: number } {
    return this.#index.totals;
  }

  /** Age of the oldest of them in milliseconds; 0 where there is none. */
  get oldestAgeMs(): number {
    for (const { ageMs } of this.#offered(new Set())) return ageMs;
    return 0;
  }

  /** Counts a segment no more that was delivered; without it that is noticed with the next listing. */
  forget(id: string): void {
    this.#index.remove(id);
  }

  /** Counts a segment that this writer has sealed. */
  noteSealed({ id, bytes, format }: SegmentMetadata): void {
    this.#note(id, bytes, format.fileExtension);
  }

  /**
   * Brings the spool within its limits, or says that it is full. Costs a few comparisons where there is nothing to do.
   *
   * @param newFiles - How many segments are about to be begun; they count.
   * @throws RelayError `RELAY_STORAGE_FULL` with `systemCode: 'RELAY_RETENTION'` - only with `refuseNew`.
   */
  async makeRoom(newFiles = 0): Promise<void> {
    if (this.#listedAtMs === Number.NEGATIVE_INFINITY) {
      if (this.#options.whenFull !== 'refuseNew') return;
      // What is refused later would be one segment too many, at every start.
      await this.#mutex.run(() => this.#list());
    }
    const isFull = await this.#mutex.run(() => this.#enforce(newFiles));
    if (!isFull) return;
    const { directory: path } = this.#options.spool;
    const message = `Cannot write to ${path}: the spool has reached its limits; deliver what waits, or raise the limits.`;
    const facts = { path, operation: 'create', attempts: 1, systemCode: 'RELAY_RETENTION' } as const;
    throw new RelayError('RELAY_STORAGE_FULL', message, facts);
  }

  /**
   * Gives up the oldest segment where `cause` says that the disk is full. Resolves to whether there is room now that was
   * not there before; never rejects, since whoever asks has a failure to report already.
   */
  makeRoomFor(cause: unknown): Promise<boolean> {
    return isDiskFull(cause) ? this.evictOldest().catch(() => false) : Promise.resolve(false);
  }

  /**
   * Gives up the oldest segment for a full disk, and only where its loss can be recorded. Resolves to whether there was
   * one to give up. Calls that overlap share one: whoever still lacks room asks again.
   */
  evictOldest(): Promise<boolean> {
    if (this.#options.whenFull === 'refuseNew') return Promise.resolve(false);
    this.#evicting ??= this.#evictOldest().finally(() => {
      this.#evicting = undefined;
    });
    return this.#evicting;
  }

  #evictOldest(): Promise<boolean> {
    return this.#mutex.run(async () => {
      await this.#list();
      const dropper = this.#dropper;
      if (dropper.hasBegun && (await dropper.finishBegun())) return true;
      for (const { id } of this.#offered(new Set())) {
        if (this.#isClosed || (dropper.hasBegun && !dropper.isShortOfRoom)) return false;
        const outcome = await dropper.drop({ id, reason: DISK_FULL_REASON });
        if (outcome === 'removed') return true;
        if (outcome === 'refused') return false;
        if (outcome === 'begun' && (await dropper.finishBegun())) return true;
      }
      return false;
    });
  }

  /** Whether the spool is full, which only `refuseNew` leaves it. */
  async #enforce(newFiles: number): Promise<boolean> {
    // One that stopped half-way first: nothing more goes while its loss cannot be recorded.
    if (this.#dropper.hasBegun && !(await this.#dropper.finishBegun())) return false;
    const inUse = new Set<string>();
    for (;;) {
      let removals = await this.#select(inUse, newFiles);
      if (removals.length === 0) return false;
      if (this.#isListingStale()) {
        await this.#list();
        removals = await this.#select(inUse, newFiles);
      }
      const allowed = removals.filter(({ reason }) => this.#options.whenFull !== 'refuseNew' || reason === 'age');
      if (allowed.length === 0) return removals.length > 0;
      for (const removal of allowed) {
        if (this.#isClosed) return false;
        const outcome = await this.#dropper.drop(removal);
        if (outcome === 'inUse') inUse.add(removal.id);
        if (outcome === 'refused' || outcome === 'begun') return false;
      }
    }
  }

  async #select(inUse: ReadonlySet<string>, newFiles: number): Promise<readonly Removal[]> {
    const { policy, spool, unsealed } = this.#options;
    const sealed = this.#index.totals;
    const open = unsealed();
    const others = this.#unsealedOfOthers;
    const totals = {
      fileCount: sealed.fileCount + open.fileCount + others.fileCount + newFiles,
      totalBytes: sealed.totalBytes + open.totalBytes + others.totalBytes,
      oldestFirst: () => this.#offered(inUse),
    };
    const disk = policy.needsDiskUsage ? await this.#diskUsage() : undefined;
    const now = { epochMs: spool.clock.now(), monotonicMs: spool.clock.monotonicMs() };
    return this.#ask(() => policy.select(totals, disk, now)).filter(({ id }) => this.#index.has(id) && !inUse.has(id));
  }

  /** A policy's mistake costs nobody their events: nothing is given up, writing goes on, and the log says why. */
  #ask(select: () => readonly Removal[]): readonly Removal[] {
    try {
      const removals: unknown = select();
      if (Array.isArray(removals) && removals.every(isRemoval)) return removals;
      throw new TypeError('select must return an array of { id, reason }');
    } catch (error) {
      const text = 'the retention policy failed; nothing is given up by it';
      this.#options.spool.logger?.error(text, { error: messageOf(error) });
      return [];
    }
  }

  #offered(inUse: ReadonlySet<string>): Iterable<RetainedSegment> {
    return this.#index.oldestFirst(this.#options.spool.clock.monotonicMs(), (id) => !inUse.has(id));
  }

  async #diskUsage(): Promise<DiskUsage | undefined> {
    const { fileSystem, directory } = this.#options.spool;
    // A volume that does not tell is one that no policy can judge.
    return fileSystem.freeSpace(directory).catch(() => undefined);
  }

  #isListingStale(): boolean {
    return this.#options.spool.clock.monotonicMs() - this.#listedAtMs >= FRESH_LISTING_MS;
  }

  async #list(): Promise<void> {
    const { spool } = this.#options;
    // What is sealed while the listing runs is not in it, and stays.
    const before = new Set(this.#index.ids());
    const files = await listSpoolFiles(spool);
    const present = new Set<string>();
    const others = { fileCount: 0, totalBytes: 0 };
    for (const { kind, segment, fileName } of files) {
      if ((kind === 'active' || kind === 'atomic') && segment.writerId !== this.#options.writerId) {
        const found = await spool.fileSystem.stat(spool.pathOf(fileName));
        if (found?.kind !== 'file') continue;
        others.fileCount += 1;
        others.totalBytes += found.sizeBytes;
      }
      if (kind !== 'sealed') continue;
      present.add(segment.id);
      if (this.#index.has(segment.id)) continue;
      // Asked one by one without blocking: a large spool must not hold the event loop.
      const found = await spool.fileSystem.stat(spool.pathOf(fileName));
      if (found?.kind === 'file') this.#note(segment.id, found.sizeBytes, segment.fileExtension);
    }
    for (const id of before) if (!present.has(id)) this.#index.remove(id);
    this.#unsealedOfOthers = others;
    this.#listedAtMs = spool.clock.monotonicMs();
  }

  #note(id: string, sizeBytes: number, fileExtension: string): void {
    const parts = parseSegmentId(id);
    if (!parts) return;
    const { clock } = this.#options.spool;
    const seenAtMs = clock.monotonicMs();
    const steadyMs = this.#begun.epochMs + seenAtMs - this.#begun.monotonicMs;
    // Where the wall clock leaped, the smaller age is the one that evicts nothing.
    const ageMs = Math.max(0, Math.min(clock.now(), steadyMs) - parts.createdAtMs);
    this.#index.add({ name: { id, ...parts, fileExtension }, sizeBytes, ageMs, seenAtMs });
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.spool.clock.setTimer(delayMs, () => {
      void this.#check().finally(() => this.#schedule(RETENTION_INTERVAL_MS));
    });
  }

  /** A check that fails is made again in a while; whoever writes sees the error that matters to them. */
  async #check(): Promise<void> {
    try {
      await this.#mutex.run(async () => {
        if (this.#isClosed) return;
        // Where that fails, nothing is given up: whatever needs a record finds it out.
        await this.#options.spool.ledger.found().catch(() => undefined);
        await this.#list();
        await this.#enforce(0);
      });
    } catch (error) {
      const cause = messageOf(error);
      this.#options.spool.logger?.warn('the limits of the spool could not be checked', { error: cause });
    }
  }
}

function isRemoval(value: unknown): value is Removal {
  const { id, reason } = (value ?? {}) as Partial<Record<keyof Removal, unknown>>;
  return typeof id === 'string' && typeof reason === 'string';
}
