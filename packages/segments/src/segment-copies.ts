import type { FileSystem, SegmentMetadata, SegmentName } from '@relaykit/types';
import { readMetadataFile } from './metadata-file.ts';
import type { SpoolFile, SpoolFileKind } from './spool-names.ts';

const CONTENT: ReadonlySet<SpoolFileKind> = new Set(['active', 'atomic', 'sealed', 'salvage']);
const UNFINISHED: ReadonlySet<SpoolFileKind> = new Set(['active', 'atomic', 'salvage']);

/** Whether the metadata is that of this very file: a copy beside it has another extension. */
export function isOf(metadata: SegmentMetadata, { fileExtension }: Pick<SegmentName, 'fileExtension'>): boolean {
  return metadata.format.fileExtension === fileExtension;
}

/**
 * Leaves out what somebody made of a segment beside it: compressed, unpacked, or notes about it. An id has one segment,
 * the file whose extension its metadata names; before there is metadata, the unfinished file. Metadata is read of those
 * ids alone that have files with several extensions.
 *
 * @param files - In the order of their names.
 */
export async function withoutCopies(
  fileSystem: FileSystem,
  directory: string,
  files: readonly SpoolFile[],
): Promise<readonly SpoolFile[]> {
  const extensionOf = new Map<string, string>();
  for (const id of idsWithCopies(files)) {
    const metadata = await readMetadataFile(fileSystem, directory, id);
    const unfinished = files.find(({ kind, segment }) => segment.id === id && UNFINISHED.has(kind));
    const fileExtension = metadata?.format.fileExtension ?? unfinished?.segment.fileExtension;
    // Of sealed files without metadata any may be the segment: recovery describes one, and that decides.
    if (fileExtension !== undefined) extensionOf.set(id, fileExtension);
  }
  if (extensionOf.size === 0) return files;
  return files.filter(
    ({ kind, segment: { id, fileExtension } }) =>
      !CONTENT.has(kind) || (extensionOf.get(id) ?? fileExtension) === fileExtension,
  );
}

function idsWithCopies(files: readonly SpoolFile[]): ReadonlySet<string> {
  const ids = new Set<string>();
  let last: SegmentName | undefined;
  for (const { kind, segment } of files) {
    if (!CONTENT.has(kind)) continue;
    if (last?.id === segment.id && last.fileExtension !== segment.fileExtension) ids.add(segment.id);
    last = segment;
  }
  return ids;
}
