/** Error numbers of Linux, as Node reports them. */
const errnos = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ESTALE: 116,
  EDQUOT: 122,
} as const;

/** Codes that a simulated disk can report. */
export type SimulatedErrorCode = keyof typeof errnos;

/** An error in the shape of Node's own: `code`, `errno`, `syscall`, `path` and, for a rename, `dest`. */
export function systemError(code: SimulatedErrorCode, syscall: string, path: string, dest?: string): Error {
  const names = dest === undefined ? `'${path}'` : `'${path}' -> '${dest}'`;
  const facts = dest === undefined ? { path } : { path, dest };
  return Object.assign(new Error(`${code}: simulated, ${syscall} ${names}`), {
    code,
    errno: -errnos[code],
    syscall,
    ...facts,
  });
}

/** What every call ends with once the simulated power is off, until the disk is restarted. */
export class SimulatedPowerLoss extends Error {
  override readonly name = 'SimulatedPowerLoss';
  readonly code = 'SIMULATED_POWER_LOSS';
}

/** What every call of a killed process ends with. */
export class SimulatedProcessKilled extends Error {
  override readonly name = 'SimulatedProcessKilled';
  readonly code = 'SIMULATED_PROCESS_KILLED';
}
