import type { FileHandle, FileSystem } from '@relaykit/types';
import { systemCodeOf } from './system-error.ts';

/**
 * - `owned`: the lock is ours and the name still stands for the file it is on.
 * - `busy`: somebody else holds it.
 * - `gone`: the name is missing, or stands for another file by now.
 */
export type Ownership =
  | { readonly status: 'owned'; readonly handle: FileHandle }
  | { readonly status: 'busy' }
  | { readonly status: 'gone' };

/**
 * Opens a file and takes its lock. A lock is on a file and not on a name: between open and lock the owner may have
 * sealed, removed or replaced it, so the name is compared once the lock is held.
 */
export async function takeOwnership(fileSystem: FileSystem, path: string): Promise<Ownership> {
  let handle: FileHandle;
  try {
    handle = await fileSystem.openFile(path, 'readWrite');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return { status: 'gone' };
    throw error;
  }
  try {
    if (!handle.tryLock()) {
      await handle.close();
      return { status: 'busy' };
    }
    if (!isNamed(fileSystem, path, handle)) {
      await handle.close();
      return { status: 'gone' };
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { status: 'owned', handle };
}

/** Whether `path` still is the file behind `handle`. */
export function isNamed(fileSystem: FileSystem, path: string, handle: FileHandle): boolean {
  const named = fileSystem.statSync(path);
  if (!named) return false;
  const held = handle.statSync();
  return held.linkCount > 0 && named.device === held.device && named.inode === held.inode;
}
