import { takeOwnership } from './exclusive-file.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata } from './metadata-file.ts';
import type { RecoveryCounts } from './recovery-report.ts';
import { publishSalvage, removeSalvage, salvageId } from './salvage.ts';
import type { Spool } from './spool.ts';
import { type SpoolFile, type SpoolFileKind, sealedFileName } from './spool-names.ts';
import { messageOf } from './system-error.ts';

const SEGMENT_FILES: ReadonlySet<SpoolFileKind> = new Set(['active', 'atomic', 'sealed', 'gone']);

/**
 * Removes what stands beside segments and belongs to nobody any more: temporary files whose writer died before it
 * renamed them, salvages that were never committed to, the export state of segments that are gone.
 *
 * Whoever holds the lock of a segment may be writing such a file just now, so the lock is taken first. Where no file of
 * the segment is left, there is nobody to wait for.
 */
export async function removeLeftovers(spool: Spool, seen: readonly SpoolFile[], counts: RecoveryCounts): Promise<void> {
  if (!seen.some(({ kind }) => kind === 'temporary' || kind === 'salvage' || kind === 'exportState')) return;
  const files = await listSpoolFiles(spool);
  const segments = files.filter(({ kind }) => SEGMENT_FILES.has(kind));
  for (const file of files) {
    const guards = segments.filter((guard) => isGuard(guard, file));
    try {
      if (file.kind === 'temporary') await removeUnguarded(spool, guards, file.fileName);
      if (file.kind === 'salvage') await settleSalvage(spool, guards, file, counts);
      if (file.kind === 'exportState' && guards.length === 0)
        await spool.fileSystem.remove(spool.pathOf(file.fileName));
    } catch (error) {
      counts.problems.push({ fileName: file.fileName, reason: messageOf(error) });
    }
  }
}

/** A salvage is guarded by the segment it comes from, which has another id. */
function isGuard({ segment: { id } }: SpoolFile, { segment }: SpoolFile): boolean {
  return id === segment.id || salvageId(id, segment.firstSequence) === segment.id;
}

/**
 * An unfinished file keeps its salvage, and is recovered together with it. Beside a sealed one a salvage is left where
 * recovery listed the spool before the salvage was made, and sealed the file of its dead writer after.
 */
async function settleSalvage(
  spool: Spool,
  guards: readonly SpoolFile[],
  salvage: SpoolFile,
  counts: RecoveryCounts,
): Promise<void> {
  const { fileName, segment } = salvage;
  const [guard] = guards;
  if (!guard) return removeSalvage(spool, segment.id, fileName);
  if (guards.some(({ kind }) => kind !== 'sealed')) return;
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(guard.fileName));
  if (ownership.status !== 'owned') return;
  try {
    const published = spool.pathOf(sealedFileName(segment.id, segment.fileExtension));
    if (spool.fileSystem.statSync(published) || (await spool.ledger.findDurable(segment.id))) {
      // What stands beside it, if anything, describes the segment that was published.
      await spool.fileSystem.remove(spool.pathOf(fileName));
    } else if ((await readMetadata(spool, guard.segment.id))?.continuedIn === segment.id) {
      await publishSalvage(spool, segment.id, segment.fileExtension);
      counts.segmentsRecovered += 1;
      counts.eventsSalvaged += (await readMetadata(spool, segment.id))?.eventCount ?? 0;
    } else {
      await removeSalvage(spool, segment.id, fileName);
    }
  } finally {
    await ownership.handle.close();
  }
}

async function removeUnguarded(spool: Spool, guards: readonly SpoolFile[], fileName: string): Promise<void> {
  const [guard, ...others] = guards;
  if (!guard) return spool.fileSystem.remove(spool.pathOf(fileName));
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(guard.fileName));
  // One that is gone was sealed or removed just now: the next recovery looks again.
  if (ownership.status !== 'owned') return;
  try {
    await removeUnguarded(spool, others, fileName);
  } finally {
    await ownership.handle.close();
  }
}
