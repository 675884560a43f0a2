import { join } from 'node:path';
import { handleSource, hashSource, readMetadataFile, type SpoolFile } from '@relaykit/segments';
import type { ByteSource, FileHandle, FrameScan, SegmentMetadata } from '@relaykit/types';
import { printable } from './describe-error.ts';
import { describeKeys } from './describe-keys.ts';
import type { Finding } from './findings.ts';
import { formatBytes, formatCount } from './format.ts';
import { isEncrypted, type LineSerializer } from './formats.ts';
import type { SpoolView } from './open-spool.ts';
import { unreadable } from './unreadable.ts';
import { isPacked, verifyDecoding } from './verify-decoding.ts';

export interface VerifySegmentOptions {
  readonly view: SpoolView;
  readonly formats: readonly LineSerializer[];
  /** `undefined` where `spool.json` does not tell; then each segment's metadata does. */
  readonly spoolId: string | undefined;
  /** Told of bytes as they are read. */
  readonly onRead: (bytes: number) => void;
}

/** Reads a sealed segment whole: its metadata, its hash, its frames, and what is packed in them. */
export async function* verifySealed(file: SpoolFile, options: VerifySegmentOptions): AsyncGenerator<Finding> {
  const { fileName, segment } = file;
  const { directory, fileSystem } = options.view;
  const metadata = await readMetadataFile(fileSystem, directory, segment.id);
  if (!metadata) yield await missingMetadata(file, options.view);
  if (metadata && metadata.format.fileExtension !== segment.fileExtension) {
    yield copyAlone(fileName, `${segment.id}.${metadata.format.fileExtension}`);
    return;
  }
  const handle = await openToRead(file, options.view);
  if (handle === 'gone') return;
  if ('severity' in handle) {
    yield handle;
    return;
  }
  try {
    const { sizeBytes } = await handle.stat();
    const endBytes = Math.min(sizeBytes, metadata?.bytes ?? sizeBytes);
    const source = counted(handleSource(handle, 0, endBytes), options.onRead);
    if (metadata) yield* compare(fileName, metadata, source);
    yield* judgeFrames(file, source, metadata, options);
    if (metadata && !metadata.exportReady) {
      const reason = printable(metadata.heldReason ?? 'no reason given');
      const message = `held back: ${reason}; relay repair --release-held lets it go`;
      yield { severity: 'note', code: 'held', file: fileName, message };
    }
  } finally {
    await handle.close();
  }
}

/** Reads what a dead writer left. */
export async function* verifyUnsealed(file: SpoolFile, options: VerifySegmentOptions): AsyncGenerator<Finding> {
  const { fileName, segment } = file;
  const { directory, fileSystem } = options.view;
  const handle = await openToRead(file, options.view);
  if (handle === 'gone') return;
  if ('severity' in handle) {
    yield handle;
    return;
  }
  try {
    const { sizeBytes } = await handle.stat();
    const metadata = await readMetadataFile(fileSystem, directory, segment.id);
    yield {
      severity: 'unfinished',
      code: 'unsealed',
      file: fileName,
      message: `left unfinished, ${formatBytes(sizeBytes)}; the next start, or relay repair, seals it`,
    };
    const endBytes = Math.min(sizeBytes, metadata?.bytes ?? sizeBytes);
    if (endBytes === 0) return;
    const source = counted(handleSource(handle, 0, endBytes), options.onRead);
    yield* judgeFrames(file, source, undefined, options);
  } finally {
    await handle.close();
  }
}

async function missingMetadata({ fileName, segment }: SpoolFile, view: SpoolView): Promise<Finding> {
  const name = `${segment.id}.meta.json`;
  const isThere = (await view.fileSystem.stat(join(view.directory, name))) !== undefined;
  return isThere
    ? { severity: 'damage', code: 'metadataDamaged', file: name, message: 'damaged: it does not describe its segment' }
    : { severity: 'damage', code: 'metadataMissing', file: fileName, message: 'its metadata is missing' };
}

/** A copy beside its segment is nobody's business; here it is all that is left. */
function copyAlone(file: string, original: string): Finding {
  const what = `its metadata is that of ${original}, which is missing, so it is taken for a copy and not delivered`;
  const message = `${what}; put ${original} back, or let relay repair take what is whole in this file`;
  return { severity: 'damage', code: 'segmentMissing', file, message };
}

async function openToRead({ fileName }: SpoolFile, view: SpoolView): Promise<FileHandle | Finding | 'gone'> {
  try {
    return await view.fileSystem.openFile(join(view.directory, fileName), 'read');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return 'gone';
    return unreadable(fileName, cause);
  }
}

async function* compare(file: string, metadata: SegmentMetadata, source: ByteSource): AsyncGenerator<Finding> {
  const { bytes, sha256 } = metadata;
  if (source.sizeBytes < bytes) {
    const missing = bytes - source.sizeBytes;
    const message = `cut off: ${formatCount(missing, 'byte')} of ${bytes.toLocaleString('en-US')} are missing`;
    const place = { positionBytes: source.sizeBytes, lengthBytes: missing };
    yield { severity: 'damage', code: 'cutOff', file, ...place, message };
  } else if ((await hashSource(source)) !== sha256) {
    const message = 'changed since it was sealed: its SHA-256 is not that of its metadata';
    yield { severity: 'damage', code: 'hashDiffers', file, message };
  }
}

async function* judgeFrames(
  { fileName: file, segment }: SpoolFile,
  source: ByteSource,
  metadata: SegmentMetadata | undefined,
  { formats, spoolId }: VerifySegmentOptions,
): AsyncGenerator<Finding> {
  const serializer = formats.find(({ format }) => format.fileExtension === segment.fileExtension);
  if (!serializer) {
    const code = isEncrypted(segment.fileExtension) ? 'keyMissing' : 'formatUnknown';
    const why = code === 'keyMissing' ? 'encrypted; give its keys with --key-file' : 'a format that is not known here';
    yield { severity: 'unchecked', code, file, message: `its frames were not looked into: ${why}` };
    return;
  }
  const context = {
    spoolId: spoolId ?? metadata?.spoolId ?? '',
    segmentId: segment.id,
    isSealed: metadata !== undefined,
  };
  const scan = await serializer.scan(source, context);
  const message = describeKeys(scan);
  if (message !== undefined) {
    yield { severity: 'unchecked', code: 'keyMissing', file, message };
    return;
  }
  yield* describeScan(file, scan, source, metadata);
  if (isPacked(serializer)) yield* verifyDecoding(file, source, scan, serializer, context);
}

function* describeScan(
  file: string,
  scan: FrameScan,
  { sizeBytes }: ByteSource,
  metadata: SegmentMetadata | undefined,
): Generator<Finding> {
  const damage = { severity: 'damage', file } as const;
  for (const { positionBytes, lengthBytes, reason } of scan.damaged) {
    const message = `damaged (${reason}): ${formatCount(lengthBytes, 'byte')} in front of whole frames`;
    yield { ...damage, code: 'framesDamaged', positionBytes, lengthBytes, message };
  }
  yield* describeGaps(damage, scan);
  const { tornTailBytes } = scan;
  const tail = { positionBytes: sizeBytes - tornTailBytes, lengthBytes: tornTailBytes };
  if (tornTailBytes > 0 && metadata) {
    const message = `damaged: its last ${formatCount(tornTailBytes, 'byte')} are no whole frame`;
    yield { ...damage, code: 'framesDamaged', ...tail, message };
  } else if (tornTailBytes > 0) {
    const message = `a torn tail of ${formatCount(tornTailBytes, 'byte')}: a write that was cut off`;
    yield { severity: 'unfinished', code: 'tornTail', file, ...tail, message };
  }
  if (!metadata) return;
  if (scan.isClosed === false && tornTailBytes === 0 && scan.damaged.length === 0) {
    yield {
      ...damage,
      code: 'closingMissing',
      positionBytes: sizeBytes,
      message: 'its closing frame is missing, or not true',
    };
  }
  if (scan.eventCount !== metadata.eventCount) {
    const message = `${formatCount(scan.eventCount, 'whole event')}; its metadata says ${metadata.eventCount.toLocaleString('en-US')}`;
    yield { ...damage, code: 'countDiffers', message };
  }
}

/** Intact ranges that touch, or a first one that does not begin with the first frame: somebody cut frames out. */
function* describeGaps(damage: { severity: 'damage'; file: string }, { intact }: FrameScan): Generator<Finding> {
  let endBytes = 0;
  for (const [index, { positionBytes, lengthBytes, firstFrameIndex }] of intact.entries()) {
    const isGap = index === 0 ? firstFrameIndex > 0 && positionBytes === 0 : positionBytes === endBytes;
    if (isGap) {
      yield {
        ...damage,
        code: 'framesMissing',
        positionBytes,
        message: `frames are missing before frame ${firstFrameIndex}`,
      };
    }
    endBytes = positionBytes + lengthBytes;
  }
}

function counted({ sizeBytes, read }: ByteSource, onRead: (bytes: number) => void): ByteSource {
  return {
    sizeBytes,
    read: async (positionBytes, lengthBytes) => {
      const bytes = await read(positionBytes, lengthBytes);
      onRead(bytes.byteLength);
      return bytes;
    },
  };
}
