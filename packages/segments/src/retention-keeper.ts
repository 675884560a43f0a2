import {
  type DiskUsage,
  type FileHandle,
  type Instant,
  RelayError,
  type Removal,
  type RetainedSegment,
  type RetentionPolicy,
  type SegmentMetadata,
  type SpoolTotals,
  type Timer,
} from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata } from './metadata-file.ts';
import { Mutex } from './mutex.ts';
import { reasonInName, removeSegment, type SegmentToRemove } from './removal.ts';
import { parseSegmentId } from './segment-id.ts';
import { SegmentIndex } from './segment-index.ts';
import type { Spool } from './spool.ts';
import { goneFileName, sealedFileName } from './spool-names.ts';
import { isDiskFull, messageOf } from './system-error.ts';

/**
 * What happens when the spool reaches its limits or the disk is full.
 *
 * - `dropOldestUndelivered`: the oldest segments go, each with a record in the ledger and an announcement.
 * - `refuseNew`: writes fail with `RELAY_STORAGE_FULL` until there is room again. Segments still go for their age.
 */
export type WhenFull = 'dropOldestUndelivered' | 'refuseNew';

/** One segment that was given up. */
export interface DroppedSegment {
  readonly id: string;
  /** Events in it; 0 where its metadata was lost. */
  readonly eventCount: number;
  readonly bytes: number;
  readonly reason: string;
}

export interface RetentionKeeperOptions {
  readonly spool: Spool;
  readonly policy: RetentionPolicy;
  readonly whenFull: WhenFull;
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

interface UnfinishedRemoval {
  readonly metadata: SegmentToRemove['metadata'];
  readonly fileName: string;
  readonly reason: string;
}

/** Keeps a spool within the limits of a retention policy. */
export class RetentionKeeper {
  readonly #options: RetentionKeeperOptions;
  readonly #index = new SegmentIndex();
  readonly #mutex = new Mutex();
  /** Segments that could not be removed, each announced once. */
  readonly #stuck = new Set<string>();
  /** Removals that failed on their way, by the id of their segment; its file bears its `.gone` name already. */
  readonly #unfinished = new Map<string, UnfinishedRemoval>();
  readonly #begun: Instant;
  /** On the monotonic clock; before the first listing, never. */
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: RetentionKeeperOptions) {
    const { clock } = options.spool;
    this.#options = options;
    this.#begun = { epochMs: clock.now(), monotonicMs: clock.monotonicMs() };
  }

  /** Begins to look, in the background: writing does not wait until a large spool has been listed. */
  start(): void {
    this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
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
   * @throws RelayError `RELAY_STORAGE_FULL` with `systemCode: 'RELAY_RETENTION'` - only with `refuseNew`.
   */
  async makeRoom(): Promise<void> {
    if (this.#listedAtMs === Number.NEGATIVE_INFINITY) {
      if (this.#options.whenFull !== 'refuseNew') return;
      // What is refused later would be one segment too many, at every start.
      await this.#mutex.run(() => this.#list());
    }
    const isFull = await this.#mutex.run(() => this.#enforce());
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

  /** Gives up the oldest segment for a full disk. Resolves to whether there was one to give up. */
  evictOldest(): Promise<boolean> {
    if (this.#options.whenFull === 'refuseNew') return Promise.resolve(false);
    return this.#mutex.run(async () => {
      await this.#list();
      for (const { id } of this.#offered(new Set())) {
        if ((await this.#tryRemove({ id, reason: DISK_FULL_REASON })) === 'removed') return true;
      }
      return false;
    });
  }

  /** Whether the spool is full, which only `refuseNew` leaves it. */
  async #enforce(): Promise<boolean> {
    await this.#finishRemovals();
    const inUse = new Set<string>();
    for (;;) {
      let removals = await this.#select(inUse);
      if (removals.length === 0) return false;
      if (this.#isListingStale()) {
        await this.#list();
        removals = await this.#select(inUse);
      }
      const allowed = removals.filter(({ reason }) => this.#options.whenFull !== 'refuseNew' || reason === 'age');
      if (allowed.length === 0) return removals.length > 0;
      for (const removal of allowed) {
        if ((await this.#tryRemove(removal)) === 'inUse') inUse.add(removal.id);
      }
    }
  }

  async #select(inUse: ReadonlySet<string>): Promise<readonly Removal[]> {
    const { policy, spool, unsealed } = this.#options;
    const sealed = this.#index.totals;
    const open = unsealed();
    const totals = {
      fileCount: sealed.fileCount + open.fileCount,
      totalBytes: sealed.totalBytes + open.totalBytes,
      oldestFirst: () => this.#offered(inUse),
    };
    const disk = policy.needsDiskUsage ? await this.#diskUsage() : undefined;
    const now = { epochMs: spool.clock.now(), monotonicMs: spool.clock.monotonicMs() };
    return policy.select(totals, disk, now).filter(({ id }) => this.#index.has(id) && !inUse.has(id));
  }

  #offered(inUse: ReadonlySet<string>): Iterable<RetainedSegment> {
    return this.#index.oldestFirst(this.#options.spool.clock.monotonicMs(), (id) => !inUse.has(id));
  }

  async #diskUsage(): Promise<DiskUsage | undefined> {
    const { fileSystem, directory } = this.#options.spool;
    // A volume that does not tell is one that no policy can judge.
    return fileSystem.freeSpace(directory).catch(() => undefined);
  }

  /** One that cannot be removed stands in nobody's way: the next oldest goes instead, and writing goes on. */
  async #tryRemove(removal: Removal): Promise<'removed' | 'gone' | 'inUse'> {
    try {
      return await this.#remove(removal);
    } catch (error) {
      const cause = messageOf(error);
      const facts = { segment: removal.id, error: cause };
      if (!this.#stuck.has(removal.id)) this.#options.spool.logger?.warn('a segment could not be removed', facts);
      this.#stuck.add(removal.id);
      return 'inUse';
    }
  }

  async #remove({ id, reason }: Removal): Promise<'removed' | 'gone' | 'inUse'> {
    const { spool } = this.#options;
    const indexed = this.#index.get(id);
    if (!indexed) return 'gone';
    const fileName = sealedFileName(id, indexed.name.fileExtension);
    const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(fileName));
    if (ownership.status === 'busy') return 'inUse';
    this.#index.remove(id);
    if (ownership.status === 'gone') return 'gone';
    const { handle } = ownership;
    try {
      if (await spool.ledger.findDurable(id)) return 'gone';
      const known = await readMetadata(spool, id);
      const { firstSequence } = indexed.name;
      const metadata = known ?? { id, firstSequence, eventCount: 0, bytes: handle.statSync().sizeBytes };
      this.#unfinished.set(id, { metadata, fileName, reason });
      await this.#finishRemoval(id, handle);
      return 'removed';
    } finally {
      await handle.close();
    }
  }

  /** Goes on with what failed on its way, for a disk that works again. A rival that was faster has recorded it. */
  async #finishRemovals(): Promise<void> {
    const { spool } = this.#options;
    for (const [id, { fileName, reason }] of this.#unfinished) {
      try {
        // Where not even its name was changed, it is chosen again like any other.
        if (spool.fileSystem.statSync(spool.pathOf(fileName))) {
          this.#unfinished.delete(id);
          continue;
        }
        const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(goneFileName(id, reasonInName(reason))));
        if (ownership.status === 'gone') this.#announce(id);
        if (ownership.status !== 'owned') continue;
        await this.#finishRemoval(id, ownership.handle).finally(() => ownership.handle.close());
      } catch {
        // It was reported when it failed first, and is tried again.
      }
    }
  }

  async #finishRemoval(id: string, handle: FileHandle): Promise<void> {
    const unfinished = this.#unfinished.get(id);
    if (!unfinished) return;
    const { reason, ...segment } = unfinished;
    await removeSegment(this.#options.spool, { ...segment, handle }, { status: 'dropped', reason });
    this.#announce(id);
  }

  #announce(id: string): void {
    const unfinished = this.#unfinished.get(id);
    if (!unfinished) return;
    this.#unfinished.delete(id);
    const { spool, onDropped } = this.#options;
    const { reason } = unfinished;
    const { eventCount, bytes } = unfinished.metadata;
    spool.logger?.warn('segment dropped', { segment: id, events: eventCount, bytes, reason });
    onDropped({ id, eventCount, bytes, reason });
  }

  #isListingStale(): boolean {
    return this.#options.spool.clock.monotonicMs() - this.#listedAtMs >= FRESH_LISTING_MS;
  }

  async #list(): Promise<void> {
    const { spool } = this.#options;
    const files = await listSpoolFiles(spool);
    const present = new Set<string>();
    for (const { kind, segment, fileName } of files) {
      if (kind !== 'sealed') continue;
      present.add(segment.id);
      if (this.#index.has(segment.id)) continue;
      // Asked one by one without blocking: a large spool must not hold the event loop.
      const found = await spool.fileSystem.stat(spool.pathOf(fileName));
      if (found?.kind === 'file') this.#note(segment.id, found.sizeBytes, segment.fileExtension);
    }
    for (const id of [...this.#index.ids()]) if (!present.has(id)) this.#index.remove(id);
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
        await this.#list();
        await this.#enforce();
      });
    } catch (error) {
      const cause = messageOf(error);
      this.#options.spool.logger?.warn('the limits of the spool could not be checked', { error: cause });
    }
  }
}
