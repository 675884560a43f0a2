import { join } from 'node:path';
import { type FileHandle, RelayError, type SegmentMetadata } from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import { handleSource, hashSource } from './handle-source.ts';
import type { LedgerRecord } from './ledger-record.ts';
import { readMetadataFile } from './metadata-file.ts';
import { Mutex } from './mutex.ts';
import { finishDiscard, listQuarantine, type QuarantineFile } from './quarantine-files.ts';
import { type QuarantineLimits, type QuarantineOptions, resolveQuarantineLimits } from './quarantine-limits.ts';
import { quarantineSegment, type SegmentToRemove } from './removal.ts';
import type { Spool } from './spool.ts';
import { goneFileName, metadataFileName, QUARANTINE_DIRECTORY, sealedFileName } from './spool-names.ts';
import { toStorageError } from './system-error.ts';

/** The reason in the ledger of what was dropped to make room in a full quarantine. */
export const QUARANTINE_FULL_REASON = 'quarantineFull';
/** The reason in the ledger of what somebody discarded and named no reason for. */
export const DISCARDED_FROM_QUARANTINE_REASON = 'discarded';

/** One segment in quarantine. */
export interface QuarantinedSegment {
  readonly id: string;
  /** Below `quarantine/`. */
  readonly fileName: string;
  /** Size of the file. */
  readonly bytes: number;
  /** As recorded; 0 where nobody knows, as of a file that was damaged before it was sealed. */
  readonly eventCount: number;
  /** As the ledger has it; `unknown` where its record was lost. */
  readonly reason: string;
  /** When it was put there, ISO 8601; `undefined` where its record was lost. */
  readonly at: string | undefined;
  /** Whether `requeue` takes it: it was sealed, its metadata is there, and no repair has moved its events elsewhere. */
  readonly isWhole: boolean;
}

/** What is in a quarantine now. */
export interface QuarantineUsage {
  readonly segments: number;
  readonly bytes: number;
}

/**
 * - `busy`: somebody else is at it. `gone`: it is not in quarantine.
 * - `refused`: it cannot be delivered, and why.
 */
export type RequeueResult =
  | { readonly status: 'requeued' | 'busy' | 'gone' }
  | { readonly status: 'refused'; readonly reason: string };

/** Segments that were refused or are damaged, within bounds, for somebody to look at. */
export class Quarantine {
  readonly limits: QuarantineLimits;
  readonly #spool: Spool;
  readonly #mutex = new Mutex();

  /** @throws TypeError, RangeError - an option breaks its rule; the message names it. */
  constructor(spool: Spool, options: QuarantineOptions = {}) {
    this.#spool = spool;
    this.limits = resolveQuarantineLimits(options);
  }

  /** What is in it, oldest name first, whoever put it there. */
  async list(): Promise<readonly QuarantinedSegment[]> {
    return this.#guard('list', async () => {
      const files = await listQuarantine(this.#spool);
      const { records } = await this.#spool.ledger.content();
      const listed: QuarantinedSegment[] = [];
      for (const { kind, segment, fileName, sizeBytes } of files) {
        const record = records.get(segment.id);
        const metadata = await this.#metadataOf(segment.id);
        listed.push({
          id: segment.id,
          fileName,
          bytes: sizeBytes,
          eventCount: record?.eventCount ?? metadata?.eventCount ?? 0,
          reason: record?.reason ?? 'unknown',
          at: record?.at,
          isWhole:
            kind === 'sealed' &&
            metadata !== undefined &&
            !isMoved(record, metadata) &&
            (record !== undefined || (await this.#isAsSealed(fileName, metadata))),
        });
      }
      return listed;
    });
  }

  usage(): Promise<QuarantineUsage> {
    return this.#guard('list', async () => sum(await listQuarantine(this.#spool)));
  }

  /** Whether `add` takes a segment of so many bytes without dropping another. An empty quarantine takes any one segment. */
  async hasRoomFor(bytes: number): Promise<boolean> {
    return this.#fits(await this.usage(), bytes);
  }

  /**
   * Puts a segment back among those that wait, to be sent again with the same idempotency key and without its earlier
   * failures. The record in the ledger comes last and is the commit point: a crash before it leaves the segment in
   * quarantine, or lets the next recovery put it back there.
   *
   * Limits of a writer's `retention` count it from then on, by its age among the oldest: in a spool that is at its limits,
   * the next write of a writer that drops the oldest gives it up, recorded. Make room first, or raise the limits.
   *
   * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED`, `RELAY_LOCK_BUSY` - it is in quarantine, or will be
   *   after the next recovery.
   */
  requeue(id: string): Promise<RequeueResult> {
    return this.#guard('rename', async () => {
      const file = await this.#find(id);
      if (!file) return { status: 'gone' };
      if (file.kind !== 'sealed') return { status: 'refused', reason: 'it was damaged before it was sealed' };
      return this.#whileOwned<RequeueResult>(file, async () => {
        const { ledger } = this.#spool;
        const record = await ledger.findDurable(id);
        if (record && record.outcome !== 'quarantined') return { status: 'gone' };
        const metadata = await this.#metadataOf(id);
        if (!metadata) return { status: 'refused', reason: 'its metadata is missing or damaged' };
        if (isMoved(record, metadata)) {
          return { status: 'refused', reason: 'it is damaged, and what is whole in it is in a segment of its own' };
        }
        if (!record && !(await this.#isAsSealed(file.fileName, metadata))) {
          return {
            status: 'refused',
            reason: 'it is damaged, and its record is lost: a repair may have moved its events',
          };
        }
        await this.#moveBack(file);
        await ledger.requeue(id);
        return { status: 'requeued' };
      });
    });
  }

  /**
   * Removes a segment from quarantine for good, with a record in the ledger that takes the place of the earlier one.
   *
   * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED`, `RELAY_LOCK_BUSY` - recovery finishes what was begun.
   */
  async discard(
    id: string,
    { reason = DISCARDED_FROM_QUARANTINE_REASON }: { readonly reason?: string } = {},
  ): Promise<{ readonly status: 'discarded' | 'busy' | 'gone' }> {
    const file = await this.#guard('list', () => this.#find(id));
    return file ? this.#discard(file, reason) : { status: 'gone' };
  }

  /**
   * Takes a segment in, within the bounds. An empty quarantine takes any one segment.
   *
   * @throws RelayError `RELAY_QUARANTINE_FULL` - nothing was changed; only with `whenFull: 'block'`.
   */
  add(segment: SegmentToRemove, reason: string): Promise<void> {
    return this.#mutex.run(async () => {
      await this.#makeRoomFor(segment.handle.statSync().sizeBytes);
      await quarantineSegment(this.#spool, segment, reason);
    });
  }

  async #makeRoomFor(bytes: number): Promise<void> {
    const { whenFull } = this.limits;
    const files = [...(await listQuarantine(this.#spool))];
    for (let used = sum(files); !this.#fits(used, bytes); used = sum(files)) {
      if (whenFull === 'block') throw this.#full(used);
      const [oldest] = files.splice(0, 1);
      if (oldest) await this.#discard(oldest, QUARANTINE_FULL_REASON);
    }
  }

  #fits(used: QuarantineUsage, bytes: number): boolean {
    const { maxBytes, maxSegments } = this.limits;
    return used.segments === 0 || (used.segments < maxSegments && used.bytes + bytes <= maxBytes);
  }

  #full({ segments, bytes }: QuarantineUsage): RelayError<'RELAY_QUARANTINE_FULL'> {
    const path = join(this.#spool.directory, QUARANTINE_DIRECTORY);
    const { maxBytes, maxSegments } = this.limits;
    const message = `Cannot put another segment into ${path}, which holds ${segments} segments of ${bytes} bytes; look at them, requeue or discard some, or raise its limits.`;
    return new RelayError('RELAY_QUARANTINE_FULL', message, { path, segments, bytes, maxSegments, maxBytes });
  }

  #discard(file: QuarantineFile, reason: string): Promise<{ readonly status: 'discarded' | 'busy' | 'gone' }> {
    const { fileSystem, directory, logger } = this.#spool;
    const { id } = file.segment;
    return this.#guard('remove', () =>
      this.#whileOwned<{ readonly status: 'discarded' | 'busy' | 'gone' }>(file, async (handle) => {
        const goneName = goneFileName(id, reason);
        // The renamed file is the durable intent and needs no free space, as in every other removal.
        await fileSystem.rename(this.#pathOf(file.fileName), this.#pathOf(goneName));
        await finishDiscard(this.#spool, { segment: file.segment, fileName: goneName, handle }, reason);
        logger?.warn('a segment in quarantine was dropped', { segment: id, bytes: file.sizeBytes, reason, directory });
        return { status: 'discarded' };
      }),
    );
  }

  async #moveBack({ segment, fileName }: QuarantineFile): Promise<void> {
    const spool = this.#spool;
    const { fileSystem } = spool;
    const metadataName = metadataFileName(segment.id);
    // The segment first: recovery takes metadata without a segment for the rest of a quarantine.
    await fileSystem.rename(this.#pathOf(fileName), spool.pathOf(sealedFileName(segment.id, segment.fileExtension)));
    if (fileSystem.statSync(this.#pathOf(metadataName))) {
      await fileSystem.rename(this.#pathOf(metadataName), spool.pathOf(metadataName));
    }
    await fileSystem.syncDirectory(spool.directory);
    await fileSystem.syncDirectory(join(spool.directory, QUARANTINE_DIRECTORY));
  }

  async #find(id: string): Promise<QuarantineFile | undefined> {
    return (await listQuarantine(this.#spool)).find(({ segment }) => segment.id === id);
  }

  /** A crash may have come before the metadata followed its segment. */
  async #metadataOf(id: string): Promise<SegmentMetadata | undefined> {
    const { fileSystem, directory } = this.#spool;
    return (
      (await readMetadataFile(fileSystem, join(directory, QUARANTINE_DIRECTORY), id)) ??
      readMetadataFile(fileSystem, directory, id)
    );
  }

  /** Read whole: asked where no record tells why it is here. */
  async #isAsSealed(fileName: string, { bytes, sha256 }: SegmentMetadata): Promise<boolean> {
    const handle = await this.#spool.fileSystem.openFile(this.#pathOf(fileName), 'read');
    try {
      const { sizeBytes } = await handle.stat();
      return sizeBytes >= bytes && (await hashSource(handleSource(handle, 0, bytes))) === sha256;
    } finally {
      await handle.close();
    }
  }

  async #whileOwned<Result>(
    { fileName }: QuarantineFile,
    work: (handle: FileHandle) => Promise<Result>,
  ): Promise<Result | { readonly status: 'busy' | 'gone' }> {
    const ownership = await takeOwnership(this.#spool.fileSystem, this.#pathOf(fileName));
    if (ownership.status !== 'owned') return ownership;
    try {
      return await work(ownership.handle);
    } finally {
      await ownership.handle.close();
    }
  }

  async #guard<Result>(operation: 'list' | 'rename' | 'remove', work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      throw toStorageError(cause, { operation, path: join(this.#spool.directory, QUARANTINE_DIRECTORY) });
    }
  }

  #pathOf(fileName: string): string {
    return join(this.#spool.directory, QUARANTINE_DIRECTORY, fileName);
  }
}

function sum(files: readonly QuarantineFile[]): QuarantineUsage {
  return { segments: files.length, bytes: files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0) };
}

/**
 * Whether a repair has moved what is whole, if anything was: put back, each would be there twice. It records what the file
 * claimed, and before it did, left files that count for no event.
 */
function isMoved(record: LedgerRecord | undefined, { eventCount }: SegmentMetadata): boolean {
  return record?.claimedEvents !== undefined || (record?.eventCount === 0 && eventCount > 0);
}
