import { join } from 'node:path';
import type { FileHandle, SegmentMetadata, SegmentOutcome } from '@relaykit/types';
import type { LedgerRecord } from './ledger-record.ts';
import type { Spool } from './spool.ts';
import { assertSafeSync } from './spool-directory.ts';
import {
  exportStateFileName,
  goneFileName,
  metadataFileName,
  QUARANTINE_DIRECTORY,
  temporaryFileName,
  toNamePart,
} from './spool-names.ts';

/** The reason in the name of a delivered segment that is being removed. */
export const DELIVERED_REASON = 'delivered';

export interface SegmentToRemove {
  readonly metadata: Pick<SegmentMetadata, 'id' | 'firstSequence' | 'eventCount' | 'bytes'>;
  /** Where it stands now. */
  readonly fileName: string;
  /** Holds the lock. Stays open: who took the lock lets it go. */
  readonly handle: FileHandle;
}

/**
 * Removes a segment for good. The renamed file is the durable intent and needs no free space, the truncation makes room
 * for the record where the disk is full, the record is synced before the last name goes. Whatever step a crash comes
 * after, `finishRemoval` goes on from there. Nothing begins before the ledger is at hand.
 */
export async function removeSegment(
  spool: Spool,
  { metadata, fileName, handle }: SegmentToRemove,
  outcome: Exclude<SegmentOutcome, { status: 'quarantined' }>,
): Promise<void> {
  const reason = outcome.status === 'delivered' ? DELIVERED_REASON : reasonInName(outcome.reason);
  const goneName = goneFileName(metadata.id, reason);
  await spool.ledger.recording(async (record) => {
    // A removal that failed half-way is asked for again.
    if (spool.fileSystem.statSync(spool.pathOf(fileName))) {
      await spool.fileSystem.rename(spool.pathOf(fileName), spool.pathOf(goneName));
    }
    await spool.fileSystem.syncDirectory(spool.directory);
    await empty(spool, { metadata, fileName: goneName, handle }, outcome, record);
  });
}

/** What recovery reads from the name, should a crash come first: the word for delivered segments is no reason to drop. */
export function reasonInName(reason: string): string {
  return toNamePart(reason) === DELIVERED_REASON ? 'other' : reason;
}

/** What the name of a `.gone` file says. */
export function removalOutcome(reason: string): SegmentOutcome {
  return reason === DELIVERED_REASON ? { status: 'delivered' } : { status: 'dropped', reason };
}

/** Completes the removal of a segment that bears its `.gone` name. */
export function finishRemoval(spool: Spool, segment: SegmentToRemove, outcome: SegmentOutcome): Promise<void> {
  return spool.ledger.recording((record) => empty(spool, segment, outcome, record));
}

async function empty(
  spool: Spool,
  { metadata, fileName, handle }: SegmentToRemove,
  outcome: SegmentOutcome,
  record: (record: LedgerRecord) => Promise<LedgerRecord>,
): Promise<void> {
  await handle.truncate(0);
  await record(toLedgerRecord(spool, metadata, outcome));
  await removeCompanions(spool, metadata.id);
  // Last, because it is what recovery looks for.
  await spool.fileSystem.remove(spool.pathOf(fileName));
}

/** Moves a segment to quarantine, whole: recorded first, then moved, its metadata after it. */
export async function quarantineSegment(
  spool: Spool,
  { metadata, fileName }: SegmentToRemove,
  reason: string,
  claim: Pick<LedgerRecord, 'claimedEvents'> = {},
): Promise<void> {
  // Nothing is recorded as being where it cannot go.
  await ensureQuarantine(spool);
  await spool.ledger.record({ ...toLedgerRecord(spool, metadata, { status: 'quarantined', reason }), ...claim });
  await moveToQuarantine(spool, metadata.id, fileName);
}

/** The second half of a quarantine, after its record. */
export async function moveToQuarantine(spool: Spool, id: string, fileName: string): Promise<void> {
  const quarantine = await ensureQuarantine(spool);
  await spool.fileSystem.rename(spool.pathOf(fileName), join(quarantine, fileName));
  await moveMetadataToQuarantine(spool, id);
}

/** The last part of that, where the segment is there already. */
export async function moveMetadataToQuarantine(spool: Spool, id: string): Promise<void> {
  const { fileSystem, directory } = spool;
  const quarantine = await ensureQuarantine(spool);
  const metadataName = metadataFileName(id);
  if (fileSystem.statSync(spool.pathOf(metadataName))) {
    await fileSystem.rename(spool.pathOf(metadataName), join(quarantine, metadataName));
  }
  await fileSystem.syncDirectory(quarantine);
  await fileSystem.syncDirectory(directory);
  await removeCompanions(spool, id);
}

/** @throws RelayError `RELAY_SPOOL_UNSAFE` - it would carry events out of the spool, or let others at them. */
async function ensureQuarantine({ fileSystem, directory, allowUnsafeDirectory }: Spool): Promise<string> {
  const quarantine = join(directory, QUARANTINE_DIRECTORY);
  if (fileSystem.createDirectorySync(quarantine)) await fileSystem.syncDirectory(directory);
  else assertSafeSync(fileSystem, quarantine, allowUnsafeDirectory);
  return quarantine;
}

/**
 * Removes a file of which metadata keeps no event: those in it stand in another segment by now. Its metadata goes last
 * and after the removal is durable, for without it recovery would take them up again.
 */
export async function removeEmptied(spool: Spool, id: string, path: string): Promise<void> {
  await spool.fileSystem.remove(path);
  await spool.fileSystem.syncDirectory(spool.directory);
  await removeCompanions(spool, id);
}

/** Everything beside the segment file. */
export async function removeCompanions(spool: Spool, id: string): Promise<void> {
  for (const name of [metadataFileName(id), exportStateFileName(id)]) {
    await spool.fileSystem.remove(spool.pathOf(temporaryFileName(name)));
    await spool.fileSystem.remove(spool.pathOf(name));
  }
}

export function toLedgerRecord(
  { clock }: Pick<Spool, 'clock'>,
  metadata: SegmentToRemove['metadata'],
  outcome: SegmentOutcome,
): LedgerRecord {
  const { id, firstSequence, eventCount, bytes } = metadata;
  return {
    kind: 'segment',
    id,
    outcome: outcome.status,
    ...('reason' in outcome ? { reason: outcome.reason } : {}),
    ...('receipt' in outcome && outcome.receipt !== undefined ? { receipt: outcome.receipt } : {}),
    firstSequence,
    eventCount,
    bytes,
    at: new Date(clock.now()).toISOString(),
  };
}
