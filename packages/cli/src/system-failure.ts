/** Whether the operating system refused something, such as opening a file; a mistake of ours names no system call. */
export function isSystemFailure(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
