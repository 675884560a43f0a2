import type { Clock } from '@relaykit/types';

/** How `waitFor` waits. */
export interface WaitOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait alone keeps the process running. Defaults to `false`, as timers do. */
  readonly keepsProcessAlive?: boolean;
}

/**
 * Resolves after a time. Neither a timer nor a listener outlives the promise.
 *
 * @throws The signal's reason - as soon as it is aborted.
 */
export function waitFor(delayMs: number, options: WaitOptions): Promise<void> {
  const { clock, signal, keepsProcessAlive = false } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      { keepsProcessAlive },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
