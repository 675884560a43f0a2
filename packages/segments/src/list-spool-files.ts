import { withoutCopies } from './segment-copies.ts';
import type { Spool } from './spool.ts';
import { parseSpoolFile, type SpoolFile } from './spool-names.ts';
import { toStorageError } from './system-error.ts';

/** Files of ours, in order of their names; copies that stand beside segments are not. */
export async function listSpoolFiles(spool: Pick<Spool, 'directory' | 'fileSystem'>): Promise<readonly SpoolFile[]> {
  try {
    const names = [...(await spool.fileSystem.list(spool.directory))].sort();
    const files = names.map(parseSpoolFile).filter((file) => file !== undefined);
    return await withoutCopies(spool.fileSystem, spool.directory, files);
  } catch (cause) {
    throw toStorageError(cause, { operation: 'list', path: spool.directory });
  }
}
