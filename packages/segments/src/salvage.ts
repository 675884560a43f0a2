import type {
  ByteSource,
  EventSerializer,
  FileHandle,
  IntactRange,
  SegmentContext,
  SegmentMetadata,
} from '@relaykit/types';
import { closingFrameOf } from './closing-frame.ts';
import type { ExportHold } from './export-hold.ts';
import { type GatheredBytes, gatherRanges } from './gather-ranges.ts';
import { handleSource, hashHandle } from './handle-source.ts';
import { writeMetadata } from './metadata-file.ts';
import { removeCompanions } from './removal.ts';
import { formatSegmentId, LAST_NAMEABLE_MS, parseSegmentId, type SegmentIdParts } from './segment-id.ts';
import { FORMAT_VERSION } from './segment-metadata.ts';
import type { Spool } from './spool.ts';
import { salvageFileName, sealedFileName } from './spool-names.ts';

export interface SalvageSource {
  readonly id: string;
  readonly handle: FileHandle;
  readonly serializer: EventSerializer<unknown>;
  /** Where in the file the source of `ranges` begins, in bytes and frames. */
  readonly fromBytes: number;
  readonly fromFrameIndex: number;
  readonly toBytes: number;
  /** What to keep, relative to `fromBytes`. */
  readonly ranges: readonly IntactRange[];
  /** Sequence number of the first event kept. */
  readonly firstSequence: number;
}

/** What the metadata of the new segment says of how it came to be. */
export type SalvageFacts = Pick<SegmentMetadata, 'sealReason' | 'supersedes'> & ExportHold;

/**
 * The segment that takes over from `id`: a millisecond later, so that it sorts behind it and before the next one of its
 * writer, and the same however often a salvage is begun again.
 */
export function salvageId(id: string, firstSequence: number): string {
  return formatSegmentId(salvageParts(id, firstSequence));
}

function salvageParts(id: string, firstSequence: number): SegmentIdParts {
  const parts = parseSegmentId(id);
  if (!parts) throw new TypeError(`id must be a segment id, got ${JSON.stringify(id)}`);
  // Behind the last moment that a name can tell there is no later one, and a segment never takes over from itself.
  const stepMs = parts.createdAtMs < LAST_NAMEABLE_MS ? 1 : -1;
  return { ...parts, createdAtMs: parts.createdAtMs + stepMs, firstSequence };
}

/**
 * Writes intact frames of one segment into a new one, synced and with metadata, under a name that means nothing yet:
 * it counts from `publishSalvage` on. What an earlier attempt left is written anew. The caller holds the lock of the
 * source, which guards both.
 */
export async function prepareSalvage(
  spool: Spool,
  source: SalvageSource,
  facts: SalvageFacts,
): Promise<SegmentMetadata> {
  const { serializer } = source;
  const id = salvageId(source.id, source.firstSequence);
  const fileName = salvageFileName(id, serializer.format.fileExtension);
  const path = spool.pathOf(fileName);
  await removeSalvage(spool, id, fileName);
  const handle = spool.fileSystem.createFileSync(path);
  try {
    let sizeBytes = 0;
    let eventCount = 0;
    let frameIndex = 0;
    for await (const piece of intactPieces(spool, source, id)) {
      handle.writeSync(piece.bytes, sizeBytes);
      sizeBytes += piece.bytes.byteLength;
      eventCount += piece.eventCount;
      frameIndex += piece.frameCount;
    }
    const place = { spoolId: spool.spoolId, segmentId: id, frameIndex };
    const closing = await closingFrameOf(serializer, { ...place, eventCount, sizeBytes });
    if (closing) {
      handle.writeSync(closing.bytes, sizeBytes);
      sizeBytes += closing.bytes.byteLength;
    }
    await handle.syncData();
    // Metadata without its file would count as a segment that went missing.
    await spool.fileSystem.syncDirectory(spool.directory);
    const { exportReady, ...others } = facts;
    const { createdAtMs, writerId } = salvageParts(source.id, source.firstSequence);
    const metadata: SegmentMetadata = {
      formatVersion: FORMAT_VERSION,
      id,
      spoolId: spool.spoolId,
      writerId,
      firstSequence: source.firstSequence,
      eventCount,
      bytes: sizeBytes,
      sha256: await hashHandle(handle, sizeBytes),
      format: serializer.format,
      createdAt: new Date(createdAtMs).toISOString(),
      sealedAt: new Date(spool.clock.now()).toISOString(),
      exportReady,
      ...(closing?.keyId === undefined ? {} : { keyId: closing.keyId }),
      ...others,
    };
    await writeMetadata(spool, metadata);
    return metadata;
  } finally {
    await handle.close();
  }
}

/** Makes a prepared salvage a sealed segment. Resolves to whether that was done just now: before, it is harmless. */
export async function publishSalvage(spool: Spool, id: string, fileExtension: string): Promise<boolean> {
  const from = spool.pathOf(salvageFileName(id, fileExtension));
  const isWaiting = spool.fileSystem.statSync(from) !== undefined;
  if (isWaiting) await spool.fileSystem.rename(from, spool.pathOf(sealedFileName(id, fileExtension)));
  await spool.fileSystem.syncDirectory(spool.directory);
  return isWaiting;
}

/** Removes a salvage that was never committed to. Its metadata goes first, durably, so that it never stands alone. */
export async function removeSalvage(spool: Spool, id: string, fileName: string): Promise<void> {
  if (!spool.fileSystem.statSync(spool.pathOf(fileName))) return;
  await removeCompanions(spool, id);
  await spool.fileSystem.syncDirectory(spool.directory);
  await spool.fileSystem.remove(spool.pathOf(fileName));
}

function intactPieces(spool: Spool, source: SalvageSource, targetId: string): AsyncIterable<GatheredBytes> {
  const { serializer, handle, fromBytes, toBytes, ranges } = source;
  const bytes = handleSource(handle, fromBytes, toBytes);
  return serializer.reframe ? reframedPieces(spool, source, bytes, targetId) : gatherRanges(bytes, ranges);
}

async function* reframedPieces(
  spool: Spool,
  { id, serializer, fromFrameIndex, ranges }: SalvageSource,
  bytes: ByteSource,
  targetId: string,
): AsyncGenerator<GatheredBytes> {
  const from: SegmentContext = {
    spoolId: spool.spoolId,
    segmentId: id,
    isSealed: false,
    firstFrameIndex: fromFrameIndex,
  };
  let frameIndex = 0;
  for (const range of ranges) {
    const to = { spoolId: spool.spoolId, segmentId: targetId, frameIndex };
    for await (const frame of serializer.reframe?.(bytes, range, from, to) ?? []) {
      frameIndex += 1;
      yield { ...frame, frameCount: 1 };
    }
  }
}
