import { basename, dirname, join } from 'node:path';
import type { FileHandle, FileSystem } from '@relaykit/types';
import { temporaryFileName } from './spool-names.ts';
import { systemCodeOf } from './system-error.ts';

/**
 * Replaces a small file as a whole: temporary file, sync, rename, directory sync. After a crash at any point the old
 * or the new content is there. Whoever calls owns the path: a temporary file left by a crash is overwritten.
 */
export async function writeFileAtomic(fileSystem: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), temporaryFileName(basename(path)));
  const handle = createAnew(fileSystem, temporary);
  try {
    handle.writeSync(bytes, 0);
    await handle.syncData();
  } catch (error) {
    await handle.close();
    // On a full disk the remains would take the room that the next attempt needs.
    await fileSystem.remove(temporary).catch(() => undefined);
    throw error;
  }
  await handle.close();
  await fileSystem.rename(temporary, path);
  await fileSystem.syncDirectory(dirname(path));
}

/** The same before it returns, for the exit path. */
export function writeFileAtomicSync(fileSystem: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = join(dirname(path), temporaryFileName(basename(path)));
  const handle = createAnew(fileSystem, temporary);
  try {
    handle.writeSync(bytes, 0);
    handle.syncDataSync();
  } catch (error) {
    handle.closeSync();
    try {
      fileSystem.removeSync(temporary);
    } catch {
      // The first error is the one that tells.
    }
    throw error;
  }
  handle.closeSync();
  fileSystem.renameSync(temporary, path);
  fileSystem.syncDirectorySync(dirname(path));
}

function createAnew(fileSystem: FileSystem, path: string): FileHandle {
  try {
    return fileSystem.createFileSync(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
    fileSystem.removeSync(path);
    return fileSystem.createFileSync(path);
  }
}
