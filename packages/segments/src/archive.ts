import { join } from 'node:path';
import type { ByteSource, FileSystem, SegmentInfo } from '@relaykit/types';
import { writeFileAtomic } from './atomic-file.ts';
import { readPieces } from './handle-source.ts';
import { encodeMetadata } from './segment-metadata.ts';
import { ensureSpoolDirectorySync } from './spool-directory.ts';
import { metadataFileName, temporaryFileName } from './spool-names.ts';

/**
 * Copies a delivered segment and its metadata, synced, into a directory of the user's, on any volume. Comes before the
 * removal, so that a crash in between repeats the delivery rather than losing the archive.
 */
export async function archiveSegment(
  fileSystem: FileSystem,
  archiveDirectory: string,
  fileName: string,
  { metadata }: SegmentInfo,
  content: ByteSource,
): Promise<void> {
  ensureSpoolDirectorySync(fileSystem, archiveDirectory, false);
  const temporary = join(archiveDirectory, temporaryFileName(fileName));
  await fileSystem.remove(temporary);
  const handle = fileSystem.createFileSync(temporary);
  try {
    let position = 0;
    for await (const piece of readPieces(content)) {
      handle.writeSync(piece, position);
      position += piece.byteLength;
    }
    await handle.syncData();
  } finally {
    await handle.close();
  }
  await writeFileAtomic(fileSystem, join(archiveDirectory, metadataFileName(metadata.id)), encodeMetadata(metadata));
  await fileSystem.rename(temporary, join(archiveDirectory, fileName));
  await fileSystem.syncDirectory(archiveDirectory);
}
