import { join } from 'node:path';
import type { FileSystem, SegmentMetadata } from '@relaykit/types';
import { writeFileAtomic } from './atomic-file.ts';
import { decodeMetadata, encodeMetadata, MAX_METADATA_BYTES } from './segment-metadata.ts';
import type { Spool } from './spool.ts';
import { metadataFileName } from './spool-names.ts';
import { systemCodeOf } from './system-error.ts';

/** `undefined` where the file is missing, cut, damaged or another segment's. */
export function readMetadata({ fileSystem, directory }: Spool, id: string): Promise<SegmentMetadata | undefined> {
  return readMetadataFile(fileSystem, directory, id);
}

/** The same for who only reads. */
export async function readMetadataFile(
  fileSystem: FileSystem,
  directory: string,
  id: string,
): Promise<SegmentMetadata | undefined> {
  try {
    const handle = await fileSystem.openFile(join(directory, metadataFileName(id)), 'read');
    try {
      return decodeMetadata(await handle.read(0, MAX_METADATA_BYTES + 1), id);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = systemCodeOf(error);
    // A directory or a link that stands in the place of metadata is no metadata.
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EISDIR' || code === 'EINVAL') return undefined;
    throw error;
  }
}

/** Durable once it resolves. The caller holds the segment's lock. */
export function writeMetadata(spool: Spool, metadata: SegmentMetadata): Promise<void> {
  return writeFileAtomic(spool.fileSystem, spool.pathOf(metadataFileName(metadata.id)), encodeMetadata(metadata));
}
