import type { Spool } from './spool.ts';
import { parseSpoolFile, type SpoolFile } from './spool-names.ts';
import { toStorageError } from './system-error.ts';

/** Files of ours, in order of their names. */
export async function listSpoolFiles(spool: Pick<Spool, 'directory' | 'fileSystem'>): Promise<readonly SpoolFile[]> {
  try {
    const names = [...(await spool.fileSystem.list(spool.directory))].sort();
    return names.map(parseSpoolFile).filter((file) => file !== undefined);
  } catch (cause) {
    throw toStorageError(cause, { operation: 'list', path: spool.directory });
  }
}
