import { takeOwnership } from './exclusive-file.ts';
import { HELD_BY_WRITER } from './export-hold.ts';
import { readMetadata, writeMetadata } from './metadata-file.ts';
import type { Spool } from './spool.ts';
import type { SpoolFile } from './spool-names.ts';

/**
 * Lets a segment that was held back because of damage be delivered: for somebody who has looked at it. What waits for a
 * consent is not theirs to release: that is `releaseHeld` of the store.
 *
 * @returns `false` where it is not held, or for a consent, is settled, or somebody else has it.
 * @throws RelayError `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`
 */
export async function releaseDamaged(spool: Spool, { fileName, segment: { id } }: SpoolFile): Promise<boolean> {
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(fileName));
  if (ownership.status !== 'owned') return false;
  try {
    if (await spool.ledger.find(id)) return false;
    const metadata = await readMetadata(spool, id);
    if (!metadata || metadata.exportReady || metadata.heldReason === HELD_BY_WRITER) return false;
    const { heldReason: _, ...kept } = metadata;
    await writeMetadata(spool, { ...kept, exportReady: true });
    return true;
  } finally {
    await ownership.handle.close();
  }
}
