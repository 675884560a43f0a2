import { join } from 'node:path';
import type { FileHandle, SegmentName } from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import { readMetadataFile } from './metadata-file.ts';
import type { RecoveryCounts } from './recovery-report.ts';
import { toLedgerRecord } from './removal.ts';
import type { Spool } from './spool.ts';
import { assertSafeSync } from './spool-directory.ts';
import { metadataFileName, parseSpoolFile, QUARANTINE_DIRECTORY, type SpoolFile } from './spool-names.ts';
import { messageOf } from './system-error.ts';

/** A segment's file in quarantine. */
export interface QuarantineFile extends SpoolFile {
  readonly sizeBytes: number;
}

/** A segment that is being removed from quarantine, under its `.gone` name. */
export interface DiscardedFile {
  readonly segment: SegmentName;
  readonly fileName: string;
  /** Holds the lock. Stays open: who took the lock lets it go. */
  readonly handle: FileHandle;
}

const BESIDE_SEGMENTS: ReadonlySet<string> = new Set(['metadata', 'exportState', 'temporary']);

/** Segment files in quarantine, oldest name first; those that are being removed are not among them. */
export async function listQuarantine(spool: Spool): Promise<readonly QuarantineFile[]> {
  const found: QuarantineFile[] = [];
  for (const file of await namedFiles(spool)) {
    if (file.kind === 'gone' || BESIDE_SEGMENTS.has(file.kind)) continue;
    const stat = await spool.fileSystem.stat(join(spool.directory, QUARANTINE_DIRECTORY, file.fileName));
    if (stat?.kind === 'file') found.push({ ...file, sizeBytes: stat.sizeBytes });
  }
  return found;
}

/** Goes on with removals from quarantine that a crash has cut off. */
export async function finishDiscards(spool: Spool, counts: RecoveryCounts): Promise<void> {
  const files = await namedFiles(spool);
  const withFile = new Set(files.filter(({ kind }) => !BESIDE_SEGMENTS.has(kind)).map(({ segment }) => segment.id));
  for (const { kind, segment, fileName, reason = '' } of files) {
    try {
      if (kind === 'metadata' && !withFile.has(segment.id)) await removeAfterDiscard(spool, segment.id);
      if (kind !== 'gone') continue;
      const path = join(spool.directory, QUARANTINE_DIRECTORY, fileName);
      const ownership = await takeOwnership(spool.fileSystem, path);
      if (ownership.status !== 'owned') continue;
      const { handle } = ownership;
      try {
        await finishDiscard(spool, { segment, fileName, handle }, reason);
        counts.removalsFinished += 1;
      } finally {
        await handle.close();
      }
    } catch (error) {
      counts.problems.push({ fileName: `${QUARANTINE_DIRECTORY}/${fileName}`, reason: messageOf(error) });
    }
  }
}

/** Completes the removal of a file that bears its `.gone` name. */
export async function finishDiscard(
  spool: Spool,
  { segment, fileName, handle }: DiscardedFile,
  reason: string,
): Promise<void> {
  const { fileSystem, directory, ledger } = spool;
  const { id, firstSequence } = segment;
  const quarantine = join(directory, QUARANTINE_DIRECTORY);
  // Whoever put it here or renamed it may have died before that was durable: content must not go before its names.
  await fileSystem.syncDirectory(quarantine);
  await fileSystem.syncDirectory(directory);
  // What was counted when it came is what is counted now that it goes.
  const recorded = await ledger.findDurable(id);
  const { eventCount, bytes } = recorded ??
    (await readMetadataFile(fileSystem, quarantine, id)) ?? { eventCount: 0, bytes: handle.statSync().sizeBytes };
  const claim = recorded?.claimedEvents === undefined ? {} : { claimedEvents: recorded.claimedEvents };
  const metadata = { id, firstSequence, eventCount, bytes };
  await ledger.recording(async (record) => {
    await handle.truncate(0);
    await record({ ...toLedgerRecord(spool, metadata, { status: 'dropped', reason }), ...claim, from: 'quarantine' });
  });
  await fileSystem.remove(join(quarantine, metadataFileName(id)));
  // Last, because it is what recovery looks for.
  await fileSystem.remove(join(quarantine, fileName));
}

/** Metadata whose removal a power cut undid, and not that of its segment. Any other may be on its way somewhere. */
async function removeAfterDiscard({ fileSystem, directory, ledger }: Spool, id: string): Promise<void> {
  if ((await ledger.findDurable(id))?.from !== 'quarantine') return;
  await fileSystem.remove(join(directory, QUARANTINE_DIRECTORY, metadataFileName(id)));
}

async function namedFiles({ fileSystem, directory, allowUnsafeDirectory }: Spool): Promise<readonly SpoolFile[]> {
  const quarantine = join(directory, QUARANTINE_DIRECTORY);
  if (!fileSystem.statSync(quarantine)) return [];
  assertSafeSync(fileSystem, quarantine, allowUnsafeDirectory);
  return (await fileSystem.list(quarantine))
    .map(parseSpoolFile)
    .filter((file) => file !== undefined)
    .sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
}
