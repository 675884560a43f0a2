import { join, resolve } from 'node:path';
import type { AfterDelivery, SegmentMetadata } from '@relaykit/types';
import { assertArchiveApartSync } from './archive-directory.ts';
import { readMetadataFile } from './metadata-file.ts';
import type { Spool } from './spool.ts';
import { assertSafeSync } from './spool-directory.ts';
import { metadataFileName, parseSpoolFile, sealedFileName, temporaryFileName } from './spool-names.ts';
import { messageOf } from './system-error.ts';

/** How often an archive is looked through for what has been kept long enough. */
export const ARCHIVE_SWEEP_INTERVAL_MS = 60_000;

/**
 * Removes what an archive has kept for `keepForMs`: segments of which the metadata was written that long ago, by the wall
 * clock. Only copies of segments of this spool go: spools may share an archive, and each knows its own time alone. Names
 * that are not ours stay, and so does everything else that another archive, without a time, holds.
 */
export class ArchiveSweep {
  readonly #spool: Spool;
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** Does nothing more often than every `ARCHIVE_SWEEP_INTERVAL_MS`. Never rejects: what is delivered is delivered. */
  async run(after: AfterDelivery): Promise<void> {
    if (after === 'delete' || after.keepForMs === undefined) return;
    const { clock, logger } = this.#spool;
    if (clock.monotonicMs() - this.#sweptMs < ARCHIVE_SWEEP_INTERVAL_MS) return;
    this.#sweptMs = clock.monotonicMs();
    try {
      await this.#sweep(resolve(after.archiveDirectory), clock.now() - after.keepForMs);
    } catch (error) {
      logger?.warn('the archive could not be swept; that is tried again', { error: messageOf(error) });
    }
  }

  async #sweep(directory: string, beforeMs: number): Promise<void> {
    const { fileSystem } = this.#spool;
    assertArchiveApartSync(fileSystem, this.#spool.directory, directory);
    if (!(await fileSystem.stat(directory))) return;
    assertSafeSync(fileSystem, directory, false);
    const files = (await fileSystem.list(directory)).map(parseSpoolFile).filter((file) => file !== undefined);
    for (const { kind, fileName, segment } of files) {
      if (kind !== 'metadata') continue;
      const stat = await fileSystem.stat(join(directory, fileName));
      if (stat === undefined || stat.modifiedAtMs >= beforeMs) continue;
      const metadata = await readMetadataFile(fileSystem, directory, segment.id);
      if (metadata?.spoolId !== this.#spool.spoolId || (await this.#isArriving(directory, metadata))) continue;
      await this.#remove(directory, metadata);
    }
  }

  /** Whether another process is copying the segment just now, or a crash cut that off: it is archived once more then. */
  async #isArriving(directory: string, { id, format }: SegmentMetadata): Promise<boolean> {
    const fileName = sealedFileName(id, format.fileExtension);
    return (await this.#spool.fileSystem.stat(join(directory, temporaryFileName(fileName)))) !== undefined;
  }

  /** The segment first: without metadata nobody would know how old it is. Metadata alone is what a crash left of this. */
  async #remove(directory: string, { id, format }: SegmentMetadata): Promise<void> {
    const { fileSystem, logger } = this.#spool;
    await fileSystem.remove(join(directory, sealedFileName(id, format.fileExtension)));
    await fileSystem.syncDirectory(directory);
    await fileSystem.remove(join(directory, metadataFileName(id)));
    logger?.debug('an archived segment has been kept for long enough', { segment: id });
  }
}
