import { join, resolve } from 'node:path';
import type { AfterDelivery } from '@relaykit/types';
import { assertArchiveApartSync } from './archive-directory.ts';
import { readMetadataFile } from './metadata-file.ts';
import { isOf } from './segment-copies.ts';
import type { Spool } from './spool.ts';
import { assertSafeSync } from './spool-directory.ts';
import { metadataFileName, parseSpoolFile, type SpoolFile } from './spool-names.ts';
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
    for (const file of files) {
      if (file.kind !== 'sealed') continue;
      const stat = await fileSystem.stat(join(directory, metadataFileName(file.segment.id)));
      if (stat === undefined || stat.modifiedAtMs >= beforeMs) continue;
      if (await this.#isOurs(directory, file)) await this.#remove(directory, file);
    }
  }

  async #isOurs(directory: string, { segment }: SpoolFile): Promise<boolean> {
    const metadata = await readMetadataFile(this.#spool.fileSystem, directory, segment.id);
    return metadata?.spoolId === this.#spool.spoolId && isOf(metadata, segment);
  }

  /** The segment first: without metadata nobody would know how old it is. */
  async #remove(directory: string, { fileName, segment }: SpoolFile): Promise<void> {
    const { fileSystem, logger } = this.#spool;
    await fileSystem.remove(join(directory, fileName));
    await fileSystem.syncDirectory(directory);
    await fileSystem.remove(join(directory, metadataFileName(segment.id)));
    logger?.debug('an archived segment has been kept for long enough', { segment: segment.id });
  }
}
