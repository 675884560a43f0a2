import type { Clock, Timer, TimerOptions } from '@relaykit/types';

/** Longest delay a timer of the platform takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs: number, run: () => void, { keepsProcessAlive = false }: TimerOptions = {}): Timer {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
    if (!keepsProcessAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The machine's clocks and timers. Timers do not keep the process running unless asked to. */
export function systemClock(): Clock {
  return clock;
}
