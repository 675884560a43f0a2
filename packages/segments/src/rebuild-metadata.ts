import type { FileHandle } from '@relaykit/types';
import { handleSource, hashSource } from './handle-source.ts';
import { writeMetadata } from './metadata-file.ts';
import type { RecoveryCounts } from './recovery-report.ts';
import { FORMAT_VERSION } from './segment-metadata.ts';
import type { SerializerList } from './serializer-list.ts';
import type { Spool } from './spool.ts';
import type { SpoolFile } from './spool-names.ts';
import { whyUnopened } from './unopened-segment.ts';

/** Why a segment with rebuilt metadata is not exported until somebody has looked at it. */
export const METADATA_LOST = 'metadataLost';

/**
 * Describes a sealed segment whose metadata is missing or damaged, from what a scan finds in it. It is held back: what
 * it held at first is no longer known. The caller holds its lock.
 */
export async function rebuildMetadata(
  spool: Spool,
  { segment, fileName }: SpoolFile,
  handle: FileHandle,
  serializers: SerializerList,
  counts: RecoveryCounts,
): Promise<void> {
  const serializer = serializers.find(({ format }) => format.fileExtension === segment.fileExtension);
  if (!serializer) {
    counts.filesWaiting += 1;
    counts.problems.push({ fileName, reason: `left without metadata: no serializer for .${segment.fileExtension}` });
    return;
  }
  const { sizeBytes } = handle.statSync();
  const source = handleSource(handle, 0, sizeBytes);
  const context = { spoolId: spool.spoolId, segmentId: segment.id, isSealed: true };
  const { eventCount, keyId, missingKeyId, unopenedKeyId } = await serializer.scan(source, context);
  counts.filesScanned += 1;
  if (missingKeyId !== undefined) {
    counts.filesWaiting += 1;
    counts.problems.push({ fileName, reason: `left without metadata: the key ${missingKeyId} is missing` });
    return;
  }
  if (unopenedKeyId !== undefined) {
    const reason = await whyUnopened(spool, serializer, source, context, unopenedKeyId);
    counts.filesWaiting += 1;
    counts.problems.push({ fileName, reason: `left without metadata: ${reason}` });
    return;
  }
  await writeMetadata(spool, {
    formatVersion: FORMAT_VERSION,
    id: segment.id,
    spoolId: spool.spoolId,
    writerId: segment.writerId,
    firstSequence: segment.firstSequence,
    eventCount,
    bytes: sizeBytes,
    sha256: await hashSource(source),
    format: serializer.format,
    createdAt: new Date(segment.createdAtMs).toISOString(),
    sealedAt: new Date(spool.clock.now()).toISOString(),
    sealReason: 'recovered',
    exportReady: false,
    heldReason: METADATA_LOST,
    ...(keyId === undefined ? {} : { keyId }),
  });
  counts.metadataRebuilt += 1;
}
