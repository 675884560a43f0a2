import { join } from 'node:path';
import { isRelayError } from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import { removeLeftovers } from './leftovers.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata, readMetadataFile } from './metadata-file.ts';
import { finishDiscards, listQuarantine } from './quarantine-files.ts';
import { rebuildMetadata } from './rebuild-metadata.ts';
import { recoverUnsealed } from './recover-unsealed.ts';
import { emptyRecoveryCounts, type RecoveryCounts, type RecoveryReport } from './recovery-report.ts';
import {
  finishRemoval,
  moveMetadataToQuarantine,
  moveToQuarantine,
  removalOutcome,
  removeCompanions,
} from './removal.ts';
import { isOf } from './segment-copies.ts';
import type { SerializerList } from './serializer-list.ts';
import type { Spool } from './spool.ts';
import {
  activeFileName,
  atomicFileName,
  heldFileName,
  LEDGER_FILE,
  metadataFileName,
  QUARANTINE_DIRECTORY,
  type SpoolFile,
  salvageFileName,
  sealedFileName,
} from './spool-names.ts';
import { messageOf } from './system-error.ts';

/**
 * Brings a spool in order after whatever happened: finishes removals, seals what dead writers left, moves damage aside.
 * Reads the bytes of unsealed files alone. Files of living writers are theirs: their lock tells.
 *
 * Never throws on damage, never deletes what is intact, may itself be cut off anywhere and be run again.
 *
 * @throws RelayError `RELAY_STORAGE_FAILED` - the directory cannot be listed.
 * @throws RelayError `RELAY_LOCK_UNAVAILABLE`
 */
export async function recoverSpool(spool: Spool, serializers: SerializerList): Promise<RecoveryReport> {
  const startedMs = spool.clock.monotonicMs();
  const counts = emptyRecoveryCounts();
  const files = await listSpoolFiles(spool);
  const sealed = new Set(files.filter(({ kind }) => kind === 'sealed').map(({ segment }) => segment.id));
  const inProgress = new Set(files.filter(isInProgress).map(({ segment }) => segment.id));
  counts.newestSegmentAtMs = files.reduce((newest, { segment }) => Math.max(newest, segment.createdAtMs), 0);
  const missing: SpoolFile[] = [];
  const described = new Set(files.filter(({ kind }) => kind === 'metadata').map(({ segment }) => segment.id));
  // Where the ledger cannot be read, each file that needs it says so.
  const settled = await spool.ledger.content().then(
    ({ records }) => records,
    () => undefined,
  );

  for (const file of files) {
    await attempt(counts, file, async () => {
      if (file.kind === 'gone') return finishGone(spool, file, counts);
      if (file.kind === 'active' || file.kind === 'atomic') {
        return recoverUnsealed(spool, file, files, serializers, counts);
      }
      if (file.kind === 'sealed') return checkSealed(spool, file, described, settled, serializers, counts);
      if (file.kind === 'metadata' && !sealed.has(file.segment.id) && !inProgress.has(file.segment.id)) {
        missing.push(file);
      }
    });
  }
  for (const file of await stillMissing(spool, missing)) {
    await attempt(counts, file, () => settleMissing(spool, file, counts));
  }
  await removeLeftovers(spool, files, counts);
  await finishDiscards(spool, counts).catch((error: unknown) => {
    counts.problems.push({ fileName: QUARANTINE_DIRECTORY, reason: messageOf(error) });
  });
  await spool.ledger.removeRemains().catch((error: unknown) => {
    counts.problems.push({ fileName: LEDGER_FILE, reason: messageOf(error) });
  });
  return { ...counts, durationMs: spool.clock.monotonicMs() - startedMs };
}

function isInProgress({ kind }: SpoolFile): boolean {
  return kind === 'active' || kind === 'atomic' || kind === 'salvage' || kind === 'gone';
}

/** One bad file costs itself. */
async function attempt(counts: RecoveryCounts, { fileName }: SpoolFile, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // That is no file's fault: without locks nothing can be recovered.
    if (isRelayError(error, 'RELAY_LOCK_UNAVAILABLE')) throw error;
    counts.problems.push({ fileName, reason: messageOf(error) });
  }
}

async function finishGone(
  spool: Spool,
  { segment, fileName, reason = '' }: SpoolFile,
  counts: RecoveryCounts,
): Promise<void> {
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(fileName));
  if (ownership.status !== 'owned') return;
  const { handle } = ownership;
  try {
    const metadata = (await readMetadata(spool, segment.id)) ?? {
      ...segment,
      eventCount: 0,
      bytes: handle.statSync().sizeBytes,
    };
    // Whoever renamed it may have died before the name was durable: content must not go before that.
    await spool.fileSystem.syncDirectory(spool.directory);
    await finishRemoval(spool, { metadata, fileName, handle }, removalOutcome(reason));
    counts.removalsFinished += 1;
  } finally {
    await handle.close();
  }
}

async function checkSealed(
  spool: Spool,
  file: SpoolFile,
  described: ReadonlySet<string>,
  settled: Pick<ReadonlySet<string>, 'has'> | undefined,
  serializers: SerializerList,
  counts: RecoveryCounts,
): Promise<void> {
  const { id } = file.segment;
  // Most segments have metadata and no record; a look at what is known by now spares them a question each.
  if (described.has(id) && settled && !settled.has(id)) return;
  if (described.has(id) && !(await spool.ledger.findDurable(id))) return;
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(file.fileName));
  if (ownership.status !== 'owned') return;
  try {
    // Asked under the lock: it may have come back from quarantine meanwhile.
    const record = await spool.ledger.findDurable(id);
    if (record) {
      // Recorded and not yet moved: only a quarantine leaves this. Whatever else is settled and stands here is a copy.
      if (record.outcome !== 'quarantined' || (await isCopy(spool, file))) return;
      await moveToQuarantine(spool, id, file.fileName);
      counts.removalsFinished += 1;
    } else if (!described.has(id) && !(await readMetadata(spool, id))) {
      await rebuildMetadata(spool, file, ownership.handle, serializers, counts);
    }
  } finally {
    await ownership.handle.close();
  }
}

/** Whether the metadata, which may have gone to quarantine already, is that of another file. */
async function isCopy(spool: Spool, { segment }: SpoolFile): Promise<boolean> {
  const quarantine = join(spool.directory, QUARANTINE_DIRECTORY);
  const metadata =
    (await readMetadata(spool, segment.id)) ?? (await readMetadataFile(spool.fileSystem, quarantine, segment.id));
  return metadata !== undefined && !isOf(metadata, segment);
}

/**
 * A listing that is made while a file is renamed may name it neither way, and a segment is renamed twice on its way out:
 * only what two more listings do not have is taken for missing.
 */
async function stillMissing(spool: Spool, missing: readonly SpoolFile[]): Promise<readonly SpoolFile[]> {
  let left = missing;
  for (let looks = 0; looks < 2 && left.length > 0; looks += 1) {
    const files = await listSpoolFiles(spool);
    const there = new Set(
      files.filter((file) => file.kind === 'sealed' || isInProgress(file)).map(({ segment }) => segment.id),
    );
    left = left.filter(({ segment }) => !there.has(segment.id));
  }
  return left;
}

/** Metadata without its segment: somebody deleted the file. What it held is known, so it is accounted for. */
async function settleMissing(spool: Spool, { segment: { id } }: SpoolFile, counts: RecoveryCounts): Promise<void> {
  if (await settleRecorded(spool, id)) return;
  const metadata = await readMetadata(spool, id);
  // Without a readable name of the file there is nothing to look for and nothing to account for.
  if (!metadata) return;
  const { fileExtension } = metadata.format;
  // The listing may have been made while the file was renamed; renames go from left to right, so does this look.
  for (const nameOf of [salvageFileName, activeFileName, heldFileName, atomicFileName, sealedFileName]) {
    if (spool.fileSystem.statSync(spool.pathOf(nameOf(id, fileExtension)))) return;
  }
  if (metadata.eventCount === 0) {
    // A file that kept no event was removed on purpose, and a crash came before its metadata went. The removal may be
    // in memory only, and the file must not come back without the metadata that says so.
    await spool.fileSystem.syncDirectory(spool.directory);
    return removeCompanions(spool, id);
  }
  if (await settleRecorded(spool, id)) return;
  if (!spool.fileSystem.statSync(spool.pathOf(metadataFileName(id)))) return;
  await spool.ledger.record({
    kind: 'segment',
    id,
    outcome: 'dropped',
    reason: 'missing',
    firstSequence: metadata.firstSequence,
    eventCount: metadata.eventCount,
    bytes: metadata.bytes,
    at: new Date(spool.clock.now()).toISOString(),
  });
  await removeCompanions(spool, id);
  counts.segmentsMissing += 1;
}

/** @returns Whether the ledger knows the segment, so that nothing else is to be done about its metadata. */
async function settleRecorded(spool: Spool, id: string): Promise<boolean> {
  const record = await spool.ledger.findDurable(id);
  if (record?.outcome === 'quarantined') await followToQuarantine(spool, id);
  else if (record) await removeCompanions(spool, id);
  return record !== undefined;
}

/**
 * Sends metadata after its segment, under the lock on that: whoever puts one into quarantine or takes it back has the
 * lock until its metadata has come along, and would lose it to a recovery that looked before and acted after.
 */
async function followToQuarantine(spool: Spool, id: string): Promise<void> {
  const file = (await listQuarantine(spool)).find(({ segment }) => segment.id === id);
  if (!file) return;
  const path = join(spool.directory, QUARANTINE_DIRECTORY, file.fileName);
  const ownership = await takeOwnership(spool.fileSystem, path);
  if (ownership.status !== 'owned') return;
  try {
    const isQuarantined = (await spool.ledger.findDurable(id))?.outcome === 'quarantined';
    // What is complete in the spool keeps its metadata, whatever else stands in quarantine.
    const isBack = spool.fileSystem.statSync(spool.pathOf(sealedFileName(id, file.segment.fileExtension)));
    if (isQuarantined && !isBack) await moveMetadataToQuarantine(spool, id);
  } finally {
    await ownership.handle.close();
  }
}
