import type { Clock } from '@relaykit/types';

/** The clocks and timers that Node and browsers share. */
export const defaultClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run, { keepsProcessAlive = false } = {}) {
    const id: unknown = setTimeout(run, delayMs);
    // Node's timers are objects that keep the process running unless told otherwise; a browser's are numbers.
    if (!keepsProcessAlive) (id as { unref?: () => void }).unref?.();
    return { cancel: () => clearTimeout(id as number) };
  },
};
