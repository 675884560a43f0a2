import { join } from 'node:path';
import { readMetadataFile, SPOOL_FILE, type SpoolFile } from '@relaykit/segments';
import { describeError } from './describe-error.ts';
import type { Finding } from './findings.ts';
import type { SpoolView } from './open-spool.ts';
import { isReadableState } from './repair-export-state.ts';
import { readSpoolId, spoolIdOfSegments } from './spool-id.ts';

/** The spool's id: as `spool.json` has it or, where that is damaged, as the segments have it. */
export async function verifySpoolFile(view: SpoolView): Promise<{ spoolId: string | undefined; finding?: Finding }> {
  const file = SPOOL_FILE;
  const found = readSpoolId(view);
  if ('id' in found) return { spoolId: found.id };
  const isThere = view.fileSystem.statSync(join(view.directory, file)) !== undefined;
  const code = isThere ? 'spoolFileDamaged' : 'spoolFileMissing';
  const what = found.cause ? describeError(found.cause) : isThere ? 'cut off before its end' : 'missing';
  const finding: Finding = { severity: 'damage', code, file, message: `${what}; relay repair restores it` };
  return { spoolId: await spoolIdOfSegments(view), finding };
}

/** Metadata, export state and remains beside the segments. */
export async function* verifyCompanion(
  { kind, fileName: file, segment }: SpoolFile,
  { directory, fileSystem, ledger }: SpoolView,
  hasSegment: boolean,
): AsyncGenerator<Finding> {
  if (kind === 'gone') {
    yield {
      severity: 'unfinished',
      code: 'removalUnfinished',
      file,
      message: 'a removal that was cut off; recovery finishes it',
    };
  } else if (kind === 'temporary' || (kind === 'salvage' && !hasSegment)) {
    yield {
      severity: 'unfinished',
      code: 'leftover',
      file,
      message: 'left by a process that died; recovery removes it',
    };
  } else if (kind === 'metadata' && !hasSegment) {
    if (await ledger.find(segment.id)) return;
    const metadata = await readMetadataFile(fileSystem, directory, segment.id);
    if (metadata?.eventCount === 0) return;
    const events = metadata ? `${metadata.eventCount.toLocaleString('en-US')} events` : 'nobody knows how many events';
    yield { severity: 'damage', code: 'segmentMissing', file, message: `its segment is missing, with ${events}` };
  } else if (kind === 'exportState' && !(await isReadableState(fileSystem, directory, segment.id))) {
    const message = 'damaged: counts as no attempt made; costs the wait, not the segment';
    yield { severity: 'damage', code: 'exportStateDamaged', file, message };
  }
}
