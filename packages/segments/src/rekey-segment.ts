import {
  type EventSerializer,
  type FileHandle,
  type FrameScan,
  RelayError,
  type SegmentMetadata,
} from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import { readExportState } from './export-state.ts';
import { handleSource, hashSource } from './handle-source.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata, writeMetadata } from './metadata-file.ts';
import { removeEmptied } from './removal.ts';
import { prepareSalvage, publishSalvage, salvageId } from './salvage.ts';
import { sha256 } from './sha256.ts';
import type { Spool } from './spool.ts';
import { activeFileName, heldFileName, type SpoolFile, type SpoolFileKind } from './spool-names.ts';

/**
 * - `rekeyed`: its events stand in a segment of another id.
 * - `current`: encrypted with the current key already. `plain`: not encrypted.
 * - `tried`: a delivery was tried, and the receiver may have it under its id.
 * - `order`: the next segment of its writer is too close for another name between the two; once that is gone, or
 *   renamed, this one can follow.
 * - `damaged`: not what its metadata says. `busy`: somebody else has it. `gone`: it is settled.
 */
export type RekeyOutcome =
  | { readonly status: 'rekeyed'; readonly metadata: SegmentMetadata }
  | { readonly status: 'current' | 'plain' | 'tried' | 'order' | 'damaged' | 'busy' | 'gone' };

/** What `rekeySegment` takes. */
export interface RekeyOptions {
  /** The same format with the current key alone: what it can read is encrypted as it should be. */
  readonly currentOnly: EventSerializer<unknown>;
  /** Also takes segments that a receiver may have already. Defaults to `false`. */
  readonly includeTried?: boolean;
}

/**
 * Encrypts a sealed segment anew with the current key of its serializer. The sealed bytes of an id never change, so the
 * result is a segment of its own, a millisecond later, ready or held as the old one was. The id is what receivers know a
 * segment by: one that was tried may arrive twice under two ids, and is left alone unless asked for.
 *
 * The steps are those of a segment whose sync failed, and recovery finishes them: prepare the new segment under a name
 * that means nothing, give the old one its open name back, commit metadata that keeps no event and names the successor,
 * publish, remove. Cut off anywhere, every event stands in exactly one segment.
 *
 * @throws RelayError `RELAY_KEY_MISSING`, `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`
 */
export async function rekeySegment(
  spool: Spool,
  file: SpoolFile,
  serializer: EventSerializer<unknown>,
  options: RekeyOptions,
): Promise<RekeyOutcome> {
  if (!serializer.reframe) return { status: 'plain' };
  const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(file.fileName));
  if (ownership.status !== 'owned') return ownership;
  try {
    return await rekeyOwned(spool, file, ownership.handle, serializer, options);
  } finally {
    await ownership.handle.close();
  }
}

async function rekeyOwned(
  spool: Spool,
  file: SpoolFile,
  handle: FileHandle,
  serializer: EventSerializer<unknown>,
  { currentOnly, includeTried = false }: RekeyOptions,
): Promise<RekeyOutcome> {
  const { id, firstSequence } = file.segment;
  if (await spool.ledger.findDurable(id)) return { status: 'gone' };
  const metadata = await readMetadata(spool, id);
  if (!metadata || handle.statSync().sizeBytes < metadata.bytes) return { status: 'damaged' };
  const content = handleSource(handle, 0, metadata.bytes);
  const context = { spoolId: spool.spoolId, segmentId: id, isSealed: true };
  if ((await hashSource(content)) !== metadata.sha256) return { status: 'damaged' };
  if (lacksKey(await currentOnly.scan(content, context)) === undefined) return { status: 'current' };
  const scan = await serializer.scan(content, context);
  const keyId = lacksKey(scan);
  if (keyId !== undefined) throw keyMissing(id, keyId);
  if (scan.isClosed === false || scan.eventCount !== metadata.eventCount) return { status: 'damaged' };
  if (!includeTried && (await readExportState(spool, id))) return { status: 'tried' };
  if (await breaksOrder(spool, file)) return { status: 'order' };

  const { intact: ranges } = scan;
  const source = {
    id,
    handle,
    serializer,
    fromBytes: 0,
    fromFrameIndex: 0,
    toBytes: metadata.bytes,
    ranges,
    firstSequence,
  };
  const { sealReason, exportReady, heldReason } = metadata;
  const held = heldReason === undefined ? {} : { heldReason };
  const successor = await prepareSalvage(spool, source, { sealReason, exportReady, ...held });
  await handOver(spool, file, metadata, successor);
  return { status: 'rekeyed', metadata: successor };
}

/** From the second step on recovery finishes or undoes what is cut off. */
async function handOver(
  spool: Spool,
  { fileName, segment: { id, fileExtension } }: SpoolFile,
  metadata: SegmentMetadata,
  successor: SegmentMetadata,
): Promise<void> {
  const { fileSystem, directory } = spool;
  const sealed = spool.pathOf(fileName);
  // What is held stays held, even if its metadata is lost meanwhile.
  const nameOf = metadata.exportReady ? activeFileName : heldFileName;
  const open = spool.pathOf(nameOf(id, fileExtension));
  await fileSystem.rename(sealed, open);
  try {
    await fileSystem.syncDirectory(directory);
    const nothing = { eventCount: 0, bytes: 0, sha256: sha256().digestHex() };
    await writeMetadata(spool, { ...metadata, ...nothing, continuedIn: successor.id });
  } catch (error) {
    // What is on disk now decides; recovery reads it under either name.
    if ((await readMetadata(spool, id))?.continuedIn === undefined) await fileSystem.rename(open, sealed);
    throw error;
  }
  await publishSalvage(spool, successor.id, fileExtension);
  await removeEmptied(spool, id, open);
}

const LEFT_OF_PREPARATION: ReadonlySet<SpoolFileKind> = new Set(['salvage', 'metadata', 'temporary', 'exportState']);

/** Whether the name of the successor is taken, or would no longer sort before the writer's next segment. */
async function breaksOrder(spool: Spool, { segment: { id, firstSequence, writerId } }: SpoolFile): Promise<boolean> {
  const target = salvageId(id, firstSequence);
  const files = await listSpoolFiles(spool);
  return files.some(({ kind, segment }) => {
    if (segment.writerId !== writerId || LEFT_OF_PREPARATION.has(kind)) return false;
    return segment.id === target || (segment.firstSequence > firstSequence && segment.id <= target);
  });
}

/** A key that is not known here, or other bytes than the segment was encrypted with. */
function lacksKey({ missingKeyId, unopenedKeyId }: FrameScan): string | undefined {
  return missingKeyId ?? unopenedKeyId;
}

function keyMissing(segmentId: string, keyId: string): RelayError<'RELAY_KEY_MISSING'> {
  const message = `Cannot encrypt segment ${segmentId} anew: its key ${keyId} is missing; give it back.`;
  return new RelayError('RELAY_KEY_MISSING', message, { segmentId, keyId });
}
