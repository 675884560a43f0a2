import { createRequire } from 'node:module';
import { RelayError } from '@relaykit/types';

interface NativeLocks {
  tryLock(fd: number, offset: number, length: number): boolean;
}

/**
 * The lock covers one byte far past the end of any segment: on Windows locks are mandatory, and a lock on the content
 * would shut readers out.
 */
const LOCK_OFFSET_BYTES = 2 ** 40;

let loaded: NativeLocks | Error | undefined;

/**
 * Takes an exclusive lock that belongs to the open file description: it ends when the descriptor closes or the process
 * ends, however it ends. `fcntl(F_OFD_SETLK)` on Linux, `flock` on macOS, `LockFileEx` on Windows.
 *
 * @throws RelayError `RELAY_LOCK_UNAVAILABLE` - the native module does not load, or the file system has no locks.
 */
export function tryKernelLock(fd: number, path: string): boolean {
  const native = load();
  if (native instanceof Error) throw unavailable(path, native);
  try {
    return native.tryLock(fd, LOCK_OFFSET_BYTES, 1);
  } catch (cause) {
    throw unavailable(path, cause);
  }
}

function load(): NativeLocks | Error {
  // Loaded on first use: a program that only reads a spool never needs it, and a missing binary is no import error.
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('fs-native-extensions') as NativeLocks;
    } catch (cause) {
      loaded = cause instanceof Error ? cause : new Error(String(cause));
    }
  }
  return loaded;
}

function unavailable(path: string, cause: unknown): RelayError<'RELAY_LOCK_UNAVAILABLE'> {
  const message =
    `Cannot lock ${path}: kernel file locks do not work here (fs-native-extensions has no binary for this platform, ` +
    "or the file system has no locks). If no other process uses this spool, pass ownership: 'singleProcess'.";
  return new RelayError('RELAY_LOCK_UNAVAILABLE', message, { path }, { cause });
}
