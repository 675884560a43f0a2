import type {
  AfterDelivery,
  FileHandle,
  LeaseAttempt,
  SegmentInfo,
  SegmentMetadata,
  SegmentName,
  SegmentOutcome,
  SegmentStore,
} from '@relaykit/types';
import { checkArchive } from './archive-directory.ts';
import { ArchiveSweep } from './archive-sweep.ts';
import { takeOwnership } from './exclusive-file.ts';
import {
  type DiscardHeldOptions,
  discardHeld,
  type HeldOptions,
  type HeldReport,
  releaseHeld,
} from './held-segments.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata } from './metadata-file.ts';
import { outcomesSinceDelivery } from './outcomes-since-delivery.ts';
import { Quarantine } from './quarantine.ts';
import { type QuarantineOptions, resolveQuarantineLimits } from './quarantine-limits.ts';
import { rebuildMetadata } from './rebuild-metadata.ts';
import { recoverSpool } from './recovery.ts';
import { emptyRecoveryCounts, type RecoveryReport } from './recovery-report.ts';
import { isOf } from './segment-copies.ts';
import { FileSegmentLease } from './segment-lease.ts';
import type { SerializerList } from './serializer-list.ts';
import { Spool, type SpoolOptions } from './spool.ts';
import { sealedFileName } from './spool-names.ts';
import { systemCodeOf, toStorageError } from './system-error.ts';

/** What `openSegmentStore` takes; only `directory` is needed. */
export interface SegmentStoreOptions extends SpoolOptions {
  /**
   * Formats in which dead writers may have left unfinished files. With them the store recovers such files when it is
   * opened and, while it lists, every `RECOVERY_INTERVAL_MS`. Without, unfinished files wait for a writer's own start.
   */
  readonly serializers?: SerializerList;
  /** Bounds of what was refused or is damaged. */
  readonly quarantine?: QuarantineOptions;
}

/** How often listing looks for files that a writer left behind by dying. */
export const RECOVERY_INTERVAL_MS = 10_000;

/**
 * Opens the sealed segments of a spool for reading and export.
 *
 * @throws TypeError, RangeError - an option breaks its rule; the message names it.
 * @throws RelayError as `Spool.openSync`
 */
export async function openSegmentStore(options: SegmentStoreOptions): Promise<FileSegmentStore> {
  resolveQuarantineLimits(options.quarantine ?? {});
  const store = new FileSegmentStore(Spool.openSync(options), options.serializers ?? [], options.quarantine);
  await store.recover();
  return store;
}

/** The segments of one spool directory. Any number of stores, in any number of processes, share a directory. */
export class FileSegmentStore implements SegmentStore {
  readonly spool: Spool;
  /** What was refused or is damaged. */
  readonly quarantine: Quarantine;
  readonly #serializers: SerializerList;
  /** What the last listing saw; an id alone does not tell the file's name. */
  readonly #listed = new Map<string, SegmentName>();
  readonly #archiveSweep: ArchiveSweep;
  readonly #leases = new Set<FileSegmentLease>();
  #recoveredMs = 0;

  constructor(spool: Spool, serializers: SerializerList, quarantine?: QuarantineOptions) {
    this.spool = spool;
    this.quarantine = new Quarantine(spool, quarantine);
    this.#archiveSweep = new ArchiveSweep(spool);
    this.#serializers = serializers;
  }

  /** Seals what dead writers left behind and finishes interrupted removals. */
  async recover(): Promise<RecoveryReport> {
    this.#recoveredMs = this.spool.clock.monotonicMs();
    return recoverSpool(this.spool, this.#serializers);
  }

  async *list(): AsyncIterable<SegmentName> {
    if (this.spool.clock.monotonicMs() - this.#recoveredMs >= RECOVERY_INTERVAL_MS) await this.recover();
    const sealed = (await listSpoolFiles(this.spool)).filter(({ kind }) => kind === 'sealed');
    this.#listed.clear();
    // Several files of one id stand here only while none has metadata; it is one segment all the same.
    for (const { segment } of sealed) if (!this.#listed.has(segment.id)) this.#listed.set(segment.id, segment);
    yield* [...this.#listed.values()];
  }

  async info(id: string): Promise<SegmentInfo | undefined> {
    const segment = await this.#find(id);
    if (!segment || (await this.spool.ledger.find(id))) return undefined;
    try {
      const metadata = await readMetadata(this.spool, id);
      return metadata && isOf(metadata, segment) ? { ...segment, metadata } : undefined;
    } catch (cause) {
      throw toStorageError(cause, { operation: 'read', path: this.spool.pathOf(`${id}.meta.json`) });
    }
  }

  async lease(id: string): Promise<LeaseAttempt> {
    const segment = await this.#find(id);
    // Nobody has recorded it yet: what removes it is under way, or was interrupted and is left to recovery.
    if (!segment) return { status: (await this.#isBeingRemoved(id)) ? 'busy' : 'gone' };
    const path = this.spool.pathOf(sealedFileName(id, segment.fileExtension));
    try {
      const ownership = await takeOwnership(this.spool.fileSystem, path);
      if (ownership.status !== 'owned') return ownership;
      return await this.#leaseOwned(segment, ownership.handle);
    } catch (cause) {
      if (isNoFile(cause)) return { status: 'gone' };
      throw toStorageError(cause, { operation: 'open', path });
    }
  }

  /**
   * Lets go of the segments that were sealed with `holdExport`, those of earlier runs and of other writers included: the
   * queue may take them from then on, for good. Recovers first, so that what dead writers left is among them; what a
   * living writer has not sealed is held as before, and `inUse` counts its file. Decisions follow one another, in
   * whatever process. A crash on the way leaves the rest held; calling it again goes on.
   *
   * @throws RelayError `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`, `RELAY_LOCK_BUSY` - some may be released already;
   *   call it again.
   */
  async releaseHeld(options?: HeldOptions): Promise<HeldReport> {
    await this.recover();
    return releaseHeld(this.spool, options);
  }

  /**
   * Gives the same segments up, each with a record in the ledger. All that is held is given up only where `inUse` is 0:
   * what a living writer has not sealed yet would be sent after a later release. A crash on the way leaves the rest held;
   * calling it again goes on.
   *
   * @throws RelayError as `releaseHeld`.
   */
  async discardHeld(options?: DiscardHeldOptions): Promise<HeldReport> {
    await this.recover();
    return discardHeld(this.spool, options);
  }

  hasQuarantineRoomFor(bytes: number): Promise<boolean> {
    return this.quarantine.hasRoomFor(bytes);
  }

  async outcomesSinceDelivery(): Promise<readonly SegmentOutcome[]> {
    const { records } = await this.spool.ledger.content();
    return outcomesSinceDelivery(records.values());
  }

  sweepArchive(afterDelivery: AfterDelivery): Promise<void> {
    return this.#archiveSweep.run(afterDelivery);
  }

  checkArchive(afterDelivery: AfterDelivery): Promise<void> {
    return checkArchive(this.spool, afterDelivery);
  }

  /** Releases the leases that are held still. */
  async close(): Promise<void> {
    for (const lease of this.#leases) await lease.release();
  }

  async #leaseOwned(segment: SegmentName, handle: FileHandle): Promise<LeaseAttempt> {
    const { spool } = this;
    let isLeased = false;
    try {
      // Durable: what came back from quarantine must not be sent because of a record that a power cut takes away.
      if (await spool.ledger.findDurable(segment.id)) return { status: 'gone' };
      const metadata = (await readMetadata(spool, segment.id)) ?? (await this.#rebuildMetadata(segment, handle));
      // Nobody can say what it holds; it waits for somebody who knows its format.
      if (!metadata) return { status: 'busy' };
      if (!isOf(metadata, segment)) return { status: 'gone' };
      const onEnd = (ended: FileSegmentLease): void => void this.#leases.delete(ended);
      const lease = new FileSegmentLease(spool, this.quarantine, { ...segment, metadata }, handle, onEnd);
      this.#leases.add(lease);
      isLeased = true;
      return { status: 'leased', lease };
    } finally {
      if (!isLeased) await handle.close();
    }
  }

  /** Metadata that recovery saw in its listing may turn out to be damaged. What is rebuilt is held back. */
  async #rebuildMetadata(segment: SegmentName, handle: FileHandle): Promise<SegmentMetadata | undefined> {
    const fileName = sealedFileName(segment.id, segment.fileExtension);
    const file = { kind: 'sealed', fileName, segment } as const;
    await rebuildMetadata(this.spool, file, handle, this.#serializers, emptyRecoveryCounts());
    return readMetadata(this.spool, segment.id);
  }

  async #isBeingRemoved(id: string): Promise<boolean> {
    const files = await listSpoolFiles(this.spool);
    return files.some(({ kind, segment }) => kind === 'gone' && segment.id === id);
  }

  async #find(id: string): Promise<SegmentName | undefined> {
    const listed = this.#listed.get(id);
    const isThere = (name: SegmentName): boolean =>
      this.spool.fileSystem.statSync(this.spool.pathOf(sealedFileName(id, name.fileExtension))) !== undefined;
    if (listed) return isThere(listed) ? listed : undefined;
    const files = await listSpoolFiles(this.spool);
    return files.find(({ kind, segment }) => kind === 'sealed' && segment.id === id)?.segment;
  }
}

/** A link, a directory or a device that is named like a segment is none. */
function isNoFile(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ELOOP' || code === 'EISDIR' || code === 'EINVAL';
}
