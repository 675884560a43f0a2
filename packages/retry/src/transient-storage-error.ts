/**
 * Codes of the operating system after which the same call may succeed: busy (`EAGAIN`, `EBUSY`, `EINTR`), out of file
 * handles (`EMFILE`, `ENFILE`), out of room (`ENOSPC`, `EDQUOT`). Meanings are those of POSIX.1-2017, `errno.h`.
 */
const transientCodes: ReadonlySet<unknown> = new Set([
  'EAGAIN',
  'EBUSY',
  'EDQUOT',
  'EINTR',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
]);

/** Whether a failed call on the file system may succeed when made again, by its `code`. `EIO` is not among them. */
export function isTransientStorageError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && transientCodes.has(error.code);
}
