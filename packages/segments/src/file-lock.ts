import { waitFor } from '@relaykit/retry';
import type { Clock, FileHandle, FileSystem } from '@relaykit/types';
import { RelayError } from '@relaykit/types';
import { systemCodeOf } from './system-error.ts';

/** How long an operation on the ledger waits for another process before it gives up. */
export const LOCK_PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Waits for the lock on a file that is made for locking and never removed. Held for the length of one append, so a
 * waiting process gets its turn within a few milliseconds.
 *
 * @throws RelayError `RELAY_LOCK_BUSY` - somebody held it for all of `LOCK_PATIENCE_MS`.
 */
export async function acquireFileLock(fileSystem: FileSystem, path: string, clock: Clock): Promise<FileHandle> {
  const startedMs = clock.monotonicMs();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const handle = openOrCreate(fileSystem, path);
    if (handle) {
      if (await lockOrClose(handle)) return handle;
    }
    const waitedMs = clock.monotonicMs() - startedMs;
    if (waitedMs > LOCK_PATIENCE_MS) {
      const message = `Cannot lock ${path} within ${LOCK_PATIENCE_MS} ms; another process holds it, look for one that hangs.`;
      throw new RelayError('RELAY_LOCK_BUSY', message, { path, waitedMs });
    }
    await waitFor(pauseMs, { clock, keepsProcessAlive: true });
  }
}

async function lockOrClose(handle: FileHandle): Promise<boolean> {
  try {
    if (handle.tryLock()) return true;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return false;
}

function openOrCreate(fileSystem: FileSystem, path: string): FileHandle | undefined {
  try {
    return fileSystem.openFileSync(path, 'readWrite');
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
  try {
    return fileSystem.createFileSync(path);
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return undefined;
    throw error;
  }
}
