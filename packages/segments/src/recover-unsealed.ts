import {
  type EventSerializer,
  type FileHandle,
  type FrameScan,
  isRelayError,
  type SegmentMetadata,
} from '@relaykit/types';
import { closingFrameOf } from './closing-frame.ts';
import { takeOwnership } from './exclusive-file.ts';
import { exportHold } from './export-hold.ts';
import { handleSource, readPieces } from './handle-source.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata, writeMetadata } from './metadata-file.ts';
import type { RecoveryCounts } from './recovery-report.ts';
import { moveToQuarantine, quarantineSegment, removeCompanions, removeEmptied } from './removal.ts';
import { prepareSalvage, publishSalvage, removeSalvage, salvageId } from './salvage.ts';
import { isOf } from './segment-copies.ts';
import { FORMAT_VERSION } from './segment-metadata.ts';
import type { SerializerList } from './serializer-list.ts';
import { sha256 as sha256Of } from './sha256.ts';
import type { Spool } from './spool.ts';
import { type SpoolFile, salvageFileName, sealedFileName } from './spool-names.ts';
import { messageOf } from './system-error.ts';
import { whyUnopened } from './unopened-segment.ts';

interface Unsealed {
  readonly spool: Spool;
  readonly file: SpoolFile;
  readonly handle: FileHandle;
  readonly counts: RecoveryCounts;
}

/** Deals with one file that a writer left unfinished, if that writer is dead. */
export async function recoverUnsealed(
  spool: Spool,
  file: SpoolFile,
  listing: readonly SpoolFile[],
  serializers: SerializerList,
  counts: RecoveryCounts,
): Promise<void> {
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(file.fileName));
  if (ownership.status === 'gone') return;
  if (ownership.status === 'busy') {
    counts.filesInUse += 1;
    return;
  }
  const { handle } = ownership;
  const unsealed: Unsealed = { spool, file, handle, counts };
  try {
    if (await spool.ledger.findDurable(file.segment.id)) {
      // Recorded as quarantined, and the crash came before the move.
      await moveToQuarantine(spool, file.segment.id, file.fileName);
      counts.removalsFinished += 1;
      return;
    }
    const metadata = await readMetadata(spool, file.segment.id);
    if (metadata && !isOf(metadata, file.segment)) return leaveWaiting(unsealed, 'its metadata is of another file');
    if (metadata && handle.statSync().sizeBytes >= metadata.bytes) {
      if (await hasSuccessor(spool, file, metadata)) return await finishSeal(unsealed, metadata);
      await forgetMetadata(spool, file);
    }
    await removeStaleSalvages(spool, file, listing);
    if (file.kind === 'atomic') return await removeFile(unsealed);
    await recoverContent(unsealed, serializers);
  } finally {
    await handle.close();
  }
}

/**
 * Whether the segment that metadata names to hold the events behind its end is somewhere, or was. Without it that end is
 * not the end: what stands behind it, stands nowhere else.
 */
async function hasSuccessor(spool: Spool, { segment }: SpoolFile, { continuedIn }: SegmentMetadata): Promise<boolean> {
  if (continuedIn === undefined) return true;
  const isPresent = async (): Promise<boolean> =>
    [salvageFileName, sealedFileName].some(
      (nameOf) => spool.fileSystem.statSync(spool.pathOf(nameOf(continuedIn, segment.fileExtension))) !== undefined,
    ) || (await listSpoolFiles(spool)).some(({ kind, segment: { id } }) => kind === 'gone' && id === continuedIn);
  // Looked for twice: it may come back from quarantine between the first look and the ledger's answer.
  return (await isPresent()) || (await spool.ledger.find(continuedIn)) !== undefined || (await isPresent());
}

/** Metadata that is not to be believed goes, durably, before anything is done without it. */
async function forgetMetadata(spool: Spool, { segment: { id } }: SpoolFile): Promise<void> {
  await removeCompanions(spool, id);
  await spool.fileSystem.syncDirectory(spool.directory);
  spool.logger?.warn('metadata names a segment that is nowhere; the file is recovered without it', { segment: id });
}

/** Metadata is committed: it says where the segment ends, whatever else the file holds. */
async function finishSeal({ spool, file, handle, counts }: Unsealed, metadata: SegmentMetadata): Promise<void> {
  // Its writer may have died before the metadata's name was durable, and the final name must not outlive it.
  await spool.fileSystem.syncDirectory(spool.directory);
  if (metadata.continuedIn !== undefined) {
    const isNew = await publishSalvage(spool, metadata.continuedIn, file.segment.fileExtension);
    if (isNew) {
      counts.segmentsRecovered += 1;
      counts.eventsSalvaged += (await readMetadata(spool, metadata.continuedIn))?.eventCount ?? 0;
    }
  }
  if (metadata.eventCount === 0) return removeEmptied(spool, file.segment.id, spool.pathOf(file.fileName));
  const excessBytes = handle.statSync().sizeBytes - metadata.bytes;
  if (excessBytes > 0) await handle.truncate(metadata.bytes);
  await publish(spool, file);
  counts.segmentsRecovered += 1;
  counts.eventsSalvaged += metadata.eventCount;
}

/** A salvage that was prepared and never committed to; the events are in this file still. */
async function removeStaleSalvages(spool: Spool, file: SpoolFile, listing: readonly SpoolFile[]): Promise<void> {
  for (const { kind, fileName, segment } of listing) {
    if (kind === 'salvage' && segment.id === salvageId(file.segment.id, segment.firstSequence)) {
      await removeSalvage(spool, segment.id, fileName);
    }
  }
}

async function recoverContent(unsealed: Unsealed, serializers: SerializerList): Promise<void> {
  const { spool, file, handle, counts } = unsealed;
  const { sizeBytes } = handle.statSync();
  if (sizeBytes === 0) return removeFile(unsealed);
  counts.filesScanned += 1;
  const serializer = serializers.find(({ format }) => format.fileExtension === file.segment.fileExtension);
  if (!serializer) return leaveWaiting(unsealed, `no serializer for .${file.segment.fileExtension} is known here`);

  const context = { spoolId: spool.spoolId, segmentId: file.segment.id, isSealed: false };
  const source = handleSource(handle, 0, sizeBytes);
  let scan: FrameScan;
  try {
    scan = await serializer.scan(source, context);
  } catch (error) {
    // What failed once may be there the next time, and from quarantine an unfinished file does not come back.
    if (!spool.unreadable.note(file.fileName, error)) throw error;
    spool.unreadable.forget(file.fileName);
    return quarantineWhole(unsealed, `unreadable: ${messageOf(error)}`);
  }
  spool.unreadable.forget(file.fileName);
  if (scan.missingKeyId !== undefined) return leaveWaiting(unsealed, `the key ${scan.missingKeyId} is missing`);
  if (scan.unopenedKeyId !== undefined) {
    return leaveWaiting(unsealed, await whyUnopened(spool, serializer, source, context, scan.unopenedKeyId));
  }
  if (scan.eventCount === 0 && scan.damaged.length === 0) {
    // Zeros are what a file system leaves of a write that it never made. Anything else is kept for a look.
    if (!(await isAllZeros(handle, sizeBytes))) return quarantineWhole(unsealed, 'nothing in it is readable');
    counts.bytesCut += sizeBytes;
    return removeFile(unsealed);
  }
  try {
    // Ranges that touch and are two, or one that does not begin with the first frame: frames are missing.
    const [first, second] = scan.intact;
    const isWhole = scan.damaged.length === 0 && !second && !first?.firstFrameIndex;
    await (isWhole ? sealRecovered : salvageIntact)(unsealed, serializer, scan, sizeBytes);
  } catch (error) {
    // There is no key to write anew with.
    if (!isRelayError(error, 'RELAY_KEY_MISSING')) throw error;
    leaveWaiting(unsealed, error.message);
  }
}

async function sealRecovered(
  { spool, file, handle, counts }: Unsealed,
  serializer: EventSerializer<unknown>,
  scan: FrameScan,
  sizeBytes: number,
): Promise<void> {
  const endBytes = sizeBytes - scan.tornTailBytes;
  const closing = scan.isClosed ? undefined : await closingOf({ spool, file }, serializer, scan, endBytes);
  if (scan.tornTailBytes > 0) await handle.truncate(endBytes);
  if (closing) handle.writeSync(closing.bytes, endBytes);
  const bytes = endBytes + (closing?.bytes.byteLength ?? 0);
  const keyId = closing?.keyId ?? scan.keyId;
  // The process died, the kernel did not: these bytes, and the file's name, may be in memory only.
  const sha256 = await rewrite(handle, bytes);
  await handle.syncData();
  await spool.fileSystem.syncDirectory(spool.directory);
  await writeMetadata(spool, {
    formatVersion: FORMAT_VERSION,
    id: file.segment.id,
    spoolId: spool.spoolId,
    writerId: file.segment.writerId,
    firstSequence: file.segment.firstSequence,
    eventCount: scan.eventCount,
    bytes,
    sha256,
    format: serializer.format,
    createdAt: new Date(file.segment.createdAtMs).toISOString(),
    sealedAt: new Date(spool.clock.now()).toISOString(),
    sealReason: 'recovered',
    ...exportHold(file.isHeld ?? false),
    ...(keyId === undefined ? {} : { keyId }),
  });
  await publish(spool, file);
  counts.bytesCut += scan.tornTailBytes;
  counts.segmentsRecovered += 1;
  counts.eventsSalvaged += scan.eventCount;
}

function closingOf(
  { spool, file }: Pick<Unsealed, 'spool' | 'file'>,
  serializer: EventSerializer<unknown>,
  { intact, eventCount }: FrameScan,
  sizeBytes: number,
): ReturnType<typeof closingFrameOf> {
  const frameIndex = intact.reduce((sum, { frameCount }) => sum + frameCount, 0);
  const place = { spoolId: spool.spoolId, segmentId: file.segment.id, frameIndex };
  return closingFrameOf(serializer, { ...place, eventCount, sizeBytes });
}

/** Damage in the middle: what is intact goes to a segment of its own, the original to quarantine as it is. */
async function salvageIntact(
  unsealed: Unsealed,
  serializer: EventSerializer<unknown>,
  scan: FrameScan,
  sizeBytes: number,
): Promise<void> {
  const { spool, file, handle, counts } = unsealed;
  const { id, firstSequence, fileExtension } = file.segment;
  const targetId = salvageId(id, firstSequence);
  const isPublished =
    spool.fileSystem.statSync(spool.pathOf(sealedFileName(targetId, fileExtension))) !== undefined ||
    (await spool.ledger.findDurable(targetId)) !== undefined;
  if (scan.eventCount > 0 && !isPublished) {
    const { intact: ranges } = scan;
    const from = { fromBytes: 0, fromFrameIndex: 0, toBytes: sizeBytes };
    const source = { id, handle, serializer, ...from, ranges, firstSequence };
    const hold = exportHold(file.isHeld ?? false);
    await prepareSalvage(spool, source, { sealReason: 'salvaged', supersedes: id, ...hold });
    await publishSalvage(spool, targetId, fileExtension);
    counts.segmentsRecovered += 1;
    counts.eventsSalvaged += scan.eventCount;
  }
  await quarantineWhole(unsealed, 'damaged');
  counts.framesSkipped += scan.damaged.length;
}

async function quarantineWhole({ spool, file, handle, counts }: Unsealed, reason: string): Promise<void> {
  const { id, firstSequence } = file.segment;
  // What it held is not known, or stands in the salvaged segment: a gap in the numbers tells the rest.
  const metadata = { id, firstSequence, eventCount: 0, bytes: handle.statSync().sizeBytes };
  await quarantineSegment(spool, { metadata, fileName: file.fileName, handle }, reason);
  counts.filesQuarantined += 1;
  counts.quarantined.push({ fileName: file.fileName, reason });
  spool.logger?.warn('an unfinished segment was damaged and is in quarantine, whole', { file: file.fileName, reason });
}

function leaveWaiting({ file, counts }: Unsealed, reason: string): void {
  counts.filesWaiting += 1;
  counts.problems.push({ fileName: file.fileName, reason: `left as it is: ${reason}` });
}

/**
 * Writes a file's bytes over themselves: the sync of a writer that died may have failed, and then the kernel takes what
 * it dropped for written until it is written again.
 *
 * @returns Their SHA-256.
 */
async function rewrite(handle: FileHandle, bytes: number): Promise<string> {
  const hash = sha256Of();
  let position = 0;
  for await (const piece of readPieces(handleSource(handle, 0, bytes))) {
    handle.writeSync(piece, position);
    hash.update(piece);
    position += piece.byteLength;
  }
  return hash.digestHex();
}

async function removeFile({ spool, file }: Unsealed): Promise<void> {
  // Companions go first: the file is what recovery looks for.
  await removeCompanions(spool, file.segment.id);
  await spool.fileSystem.remove(spool.pathOf(file.fileName));
  // Bytes that were cut off and not synced could come back with the name, and an event with them that nobody expects.
  await spool.fileSystem.syncDirectory(spool.directory);
}

async function publish(spool: Spool, { fileName, segment }: SpoolFile): Promise<void> {
  const sealed = spool.pathOf(sealedFileName(segment.id, segment.fileExtension));
  await spool.fileSystem.rename(spool.pathOf(fileName), sealed);
  await spool.fileSystem.syncDirectory(spool.directory);
}

async function isAllZeros(handle: FileHandle, sizeBytes: number): Promise<boolean> {
  for await (const piece of readPieces(handleSource(handle, 0, sizeBytes))) {
    // Four bytes at a time, since such files may be sparse and take gigabytes for nothing.
    const padded = new Uint8Array(Math.ceil(piece.byteLength / 4) * 4);
    padded.set(piece);
    const words = new Uint32Array(padded.buffer);
    for (let at = 0; at < words.length; at += 1) if (words[at] !== 0) return false;
  }
  return true;
}
