/**
 * How long an end waits for asynchronous work: less than supervisors commonly give between asking and killing (Docker 10 s,
 * Kubernetes 30 s), more than a flush takes on a disk that works.
 */
export const DEFAULT_TERMINATE_TIMEOUT_MS = 5_000;

const maxTimerMs = 2 ** 31 - 1;

/** @throws RangeError */
export function checkTerminateTimeout(value: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= maxTimerMs) return;
  throw new RangeError(`terminateTimeoutMs must be a whole number from 0 to ${maxTimerMs}, got ${String(value)}`);
}

/** Waits for `work`, which never rejects, but no longer than that. Meanwhile the timer keeps the process alive. */
export function waitAtMost(work: Promise<void>, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
