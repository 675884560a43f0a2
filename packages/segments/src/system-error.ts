import { isRelayError, RelayError, type StorageOperation } from '@relaykit/types';

/** The operating system's code of an error, such as `ENOSPC`. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What an error says; whatever else was thrown, as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** No room, by disk or by quota. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || isRelayError(error, 'RELAY_STORAGE_FULL');
}

export interface FailedOperation {
  readonly operation: StorageOperation;
  readonly path: string;
  readonly attempts?: number;
}

const NEXT_STEP: Readonly<Record<string, string>> = {
  EACCES: 'give this user access to it',
  EPERM: 'give this user access to it',
  EROFS: 'the file system is read-only; remount it or choose another directory',
  ENOTDIR: 'a part of the path is a file; choose another directory',
  ENOENT: 'the spool directory is not there; check its path, and where it was removed, create the writer again',
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  ENFILE: 'too many files are open on this machine',
  ELOOP: 'a link stands in its place; move it away',
  EISDIR: 'a directory stands in its place; move it away',
  EINVAL: 'where something else than a file stands in its place, move that away',
  EIO: 'the disk reports an error; check it',
};

/** Gives an error of the file system our code, what failed and where, and what to do next. Ours pass unchanged. */
export function toStorageError(cause: unknown, { operation, path, attempts = 1 }: FailedOperation): RelayError {
  if (isRelayError(cause)) return cause;
  const systemCode = systemCodeOf(cause);
  const tried = attempts === 1 ? '' : ` after ${attempts} attempts`;
  if (systemCode !== undefined && isDiskFull(cause)) {
    const what = systemCode === 'EDQUOT' ? 'the quota is used up' : 'the disk is full';
    const message = `Cannot ${operation} ${path}${tried}: ${what}, nothing of this call was acknowledged; free some space and try again.`;
    return new RelayError('RELAY_STORAGE_FULL', message, { path, operation, attempts, systemCode }, { cause });
  }
  const next = (systemCode && NEXT_STEP[systemCode]) ?? 'see the cause, and try again';
  const message = `Cannot ${operation} ${path}${tried}${systemCode ? ` (${systemCode})` : ''}; ${next}.`;
  return new RelayError('RELAY_STORAGE_FAILED', message, { path, operation, attempts, systemCode }, { cause });
}
