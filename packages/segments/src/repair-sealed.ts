import type { EventSerializer, FileHandle, FrameScan, SegmentMetadata } from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import type { ExportHold } from './export-hold.ts';
import { handleSource, hashSource } from './handle-source.ts';
import { readMetadata } from './metadata-file.ts';
import { rebuildMetadata } from './rebuild-metadata.ts';
import { emptyRecoveryCounts } from './recovery-report.ts';
import { quarantineSegment } from './removal.ts';
import { prepareSalvage, publishSalvage, salvageId } from './salvage.ts';
import { isOf } from './segment-copies.ts';
import type { SerializerList } from './serializer-list.ts';
import type { Spool } from './spool.ts';
import { type SpoolFile, sealedFileName } from './spool-names.ts';

/** Why a segment made of a damaged one is held back: its format cannot tell which of its events are what was written. */
export const DAMAGED_SOURCE = 'damagedSource';

/**
 * What became of a sealed segment that was looked into.
 *
 * - `intact`: as its metadata says. `isMetadataRebuilt` where that was damaged or missing; it is held back then.
 * - `busy`: somebody else has it. `gone`: it is settled, or a copy beside its segment.
 * - `waiting`: its format or key is not known here; left as it is.
 * - `repaired`: damaged. What is whole in it, if anything, stands in `salvaged`; the original is in quarantine.
 */
export type SealedRepair =
  | { readonly status: 'intact'; readonly isMetadataRebuilt: boolean }
  | { readonly status: 'busy' | 'gone' | 'waiting' }
  | { readonly status: 'repaired'; readonly salvaged: SegmentMetadata | undefined };

/**
 * Reads a sealed segment, and mends it where it is not what its metadata says: whole frames go to a segment of their own
 * a millisecond later, which `supersedes` this one; the original goes to quarantine as it is. Where the format cannot
 * vouch for them the new segment is held back: a changed line may look whole. May be cut off anywhere and run again.
 *
 * @throws RelayError `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`, `RELAY_LOCK_BUSY`
 */
export async function repairSealed(spool: Spool, file: SpoolFile, serializers: SerializerList): Promise<SealedRepair> {
  const { id } = file.segment;
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(file.fileName));
  if (ownership.status !== 'owned') return ownership;
  const { handle } = ownership;
  try {
    if (await spool.ledger.findDurable(id)) return { status: 'gone' };
    const serializer = serializers.find(({ format }) => format.fileExtension === file.segment.fileExtension);
    if (!serializer) return { status: 'waiting' };
    const known = await readMetadata(spool, id);
    if (!known) await rebuildMetadata(spool, file, handle, serializers, emptyRecoveryCounts());
    const metadata = known ?? (await readMetadata(spool, id));
    if (!metadata) return { status: 'waiting' };
    if (isCopyBeside(spool, metadata, file)) return { status: 'gone' };
    const endBytes = await endOf(handle, metadata);
    const scan = await scanSealed(spool, handle, serializer, id, endBytes);
    if (scan.missingKeyId !== undefined || scan.unopenedKeyId !== undefined) return { status: 'waiting' };
    // What it was sealed with. Bytes that are the sealed ones tell their number better than metadata that says another.
    const isAsSealed = await hasSealedBytes(handle, metadata, scan, endBytes);
    const sealedEvents = isAsSealed ? scan.eventCount : metadata.eventCount;
    if (isAsSealed && sealedEvents === metadata.eventCount && endBytes === metadata.bytes) {
      return { status: 'intact', isMetadataRebuilt: known === undefined };
    }
    const damaged = { file, handle, serializer, metadata, scan, endBytes };
    const salvaged = await moveIntact(spool, damaged, sealedEvents);
    return { status: 'repaired', salvaged };
  } finally {
    await handle.close();
  }
}

/** Whether the file that the metadata is of stands beside this one, which is none of ours then. */
function isCopyBeside(spool: Spool, metadata: SegmentMetadata, { segment }: SpoolFile): boolean {
  if (isOf(metadata, segment)) return false;
  return (
    spool.fileSystem.statSync(spool.pathOf(sealedFileName(segment.id, metadata.format.fileExtension))) !== undefined
  );
}

function scanSealed(
  spool: Spool,
  handle: FileHandle,
  serializer: EventSerializer<unknown>,
  segmentId: string,
  endBytes: number,
): Promise<FrameScan> {
  const context = { spoolId: spool.spoolId, segmentId, isSealed: true };
  return serializer.scan(handleSource(handle, 0, endBytes), context);
}

/**
 * Where a segment ends: metadata says, as long as its hash agrees. Where it does not, the number may be what is damaged, and
 * whole events may stand behind it.
 */
async function endOf(handle: FileHandle, { bytes, sha256 }: SegmentMetadata): Promise<number> {
  const { sizeBytes } = handle.statSync();
  if (sizeBytes <= bytes) return sizeBytes;
  return (await hashSource(handleSource(handle, 0, bytes))) === sha256 ? bytes : sizeBytes;
}

async function hasSealedBytes(
  handle: FileHandle,
  { sha256 }: SegmentMetadata,
  scan: FrameScan,
  endBytes: number,
): Promise<boolean> {
  if (scan.damaged.length > 0 || scan.tornTailBytes > 0 || scan.isClosed === false) return false;
  return (await hashSource(handleSource(handle, 0, endBytes))) === sha256;
}

/** A sealed segment that is not what its metadata says, and what a scan found in it, up to `endBytes`. */
interface DamagedSegment {
  readonly file: SpoolFile;
  readonly handle: FileHandle;
  readonly serializer: EventSerializer<unknown>;
  readonly metadata: SegmentMetadata;
  readonly scan: FrameScan;
  readonly endBytes: number;
}

async function moveIntact(
  spool: Spool,
  { file, handle, serializer, metadata, scan, endBytes }: DamagedSegment,
  claimedEvents: number,
): Promise<SegmentMetadata | undefined> {
  const { fileName, segment } = file;
  const { id, firstSequence, fileExtension } = segment;
  const targetId = salvageId(id, firstSequence);
  const isPublished =
    spool.fileSystem.statSync(spool.pathOf(sealedFileName(targetId, fileExtension))) !== undefined ||
    (await spool.ledger.findDurable(targetId)) !== undefined;
  if (scan.eventCount > 0 && !isPublished) {
    const { intact: ranges } = scan;
    const from = { fromBytes: 0, fromFrameIndex: 0, toBytes: endBytes };
    const source = { id, handle, serializer, ...from, ranges, firstSequence };
    // Behind the end that metadata tells, something else may stand that only looks whole.
    const isVouchedFor =
      vouches(serializer, scan) && (serializer.closingFrame !== undefined || endBytes <= metadata.bytes);
    const facts = { sealReason: 'salvaged', supersedes: id, ...holdOf(metadata, isVouchedFor) };
    await prepareSalvage(spool, source, facts);
    await publishSalvage(spool, targetId, fileExtension);
  }
  const bytes = handle.statSync().sizeBytes;
  // Of what it claimed, whatever stands in no other segment is lost; behind the writer's last one no other number tells.
  const damaged = { metadata: { id, firstSequence, eventCount: 0, bytes }, fileName, handle };
  await quarantineSegment(spool, damaged, 'damaged', { claimedEvents });
  return scan.eventCount > 0 ? readMetadata(spool, targetId) : undefined;
}

/** A repair is no consent: what was held is held still, for the same reason. */
function holdOf({ exportReady, heldReason }: SegmentMetadata, isVouchedFor: boolean): ExportHold {
  if (!exportReady) return { exportReady, ...(heldReason === undefined ? {} : { heldReason }) };
  return isVouchedFor ? { exportReady } : { exportReady: false, heldReason: DAMAGED_SOURCE };
}

/**
 * Whether what is whole is what was written: encrypted frames are authentic and in their place. Compressed ones carry
 * checksums, which explain damage that shows in them, and say nothing of frames that went or were exchanged.
 */
function vouches({ format, closingFrame }: EventSerializer<unknown>, scan: FrameScan): boolean {
  if (closingFrame) return true;
  return format.contentEncoding !== undefined && (scan.damaged.length > 0 || scan.tornTailBytes > 0);
}
