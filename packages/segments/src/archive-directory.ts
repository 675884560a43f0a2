import { dirname, join, resolve } from 'node:path';
import type { AfterDelivery, FileStat, FileSystem } from '@relaykit/types';
import type { Spool } from './spool.ts';
import { ensureSpoolDirectorySync } from './spool-directory.ts';
import { QUARANTINE_DIRECTORY, SPOOL_FILE } from './spool-names.ts';
import { systemCodeOf, toStorageError } from './system-error.ts';

/**
 * Refuses an archive where segments wait or are kept for somebody to look at: there the sweep would take what was never
 * delivered for what was, and a copy would replace its own source. Looks at the directory itself and not at its name
 * alone, for links and mounts lead to a spool, too.
 *
 * @throws TypeError - it is a spool, or the quarantine of one.
 * @throws RelayError `RELAY_STORAGE_FAILED` - nobody can say.
 */
export function assertArchiveApartSync(fileSystem: FileSystem, spoolDirectory: string, archiveDirectory: string): void {
  const archive = resolve(archiveDirectory);
  const spool = resolve(spoolDirectory);
  const quarantine = join(dirname(archive), QUARANTINE_DIRECTORY);
  const at = (path: string): FileStat | undefined => statOf(fileSystem, path);
  const isTheSame = (path: string): boolean => archive === path || isOneFile(at(archive), at(path));
  const isSpool = isTheSame(spool) || at(join(archive, SPOOL_FILE)) !== undefined;
  const isInSpool = at(join(dirname(archive), SPOOL_FILE)) !== undefined;
  if (isSpool || isTheSame(join(spool, QUARANTINE_DIRECTORY)) || (isInSpool && isTheSame(quarantine))) {
    throw new TypeError(`archiveDirectory must not be a spool or the quarantine of one, got ${archiveDirectory}`);
  }
}

/** The file that a check creates and removes; what a crash leaves of it, the next check removes. */
const PROBE_FILE = 'archive-check.tmp';

/**
 * Creates the archive where it is missing, and a file in it for a moment.
 *
 * @throws TypeError, RelayError as `checkArchive` of a `SegmentStore`
 */
export async function checkArchive({ fileSystem, directory }: Spool, after: AfterDelivery): Promise<void> {
  if (after === 'delete') return;
  const { archiveDirectory } = after;
  assertArchiveApartSync(fileSystem, directory, archiveDirectory);
  ensureSpoolDirectorySync(fileSystem, archiveDirectory, false);
  const path = join(resolve(archiveDirectory), PROBE_FILE);
  try {
    await fileSystem.remove(path);
    await createProbe(fileSystem, path);
    await fileSystem.remove(path);
  } catch (cause) {
    throw toStorageError(cause, { operation: 'create', path });
  }
}

async function createProbe(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.createFileSync(path).close();
  } catch (error) {
    // Another process checks just now, and has shown it.
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

function isOneFile(a: FileStat | undefined, b: FileStat | undefined): boolean {
  return a !== undefined && b !== undefined && a.device === b.device && a.inode === b.inode;
}

function statOf(fileSystem: FileSystem, path: string): FileStat | undefined {
  try {
    return fileSystem.statSync(path);
  } catch (error) {
    // Below a file there is nothing; that the archive is none is said by whoever writes to it.
    if (systemCodeOf(error) === 'ENOTDIR') return undefined;
    throw toStorageError(error, { operation: 'open', path });
  }
}
