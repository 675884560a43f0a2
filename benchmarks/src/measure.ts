// Time, processor, memory and turns of the event loop.
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The value below which `share` of the numbers lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * How long turns of the event loop last. A turn that does nothing takes microseconds, and there are many of them, so
 * the percentile is weighted by time: in 99 of 100 moments the turn under way was no longer than that.
 */
export class TurnWatch {
  readonly #turnsMs: number[] = [];
  #lastMs = performance.now();
  #isWatching = true;

  constructor() {
    const tick = (): void => {
      if (!this.#isWatching) return;
      this.turn();
      setImmediate(tick);
    };
    setImmediate(tick);
  }

  /** Ends a turn here. */
  turn(): void {
    const nowMs = performance.now();
    this.#turnsMs.push(nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  stop(): { readonly holdP99Ms: number; readonly holdMaxMs: number } {
    this.#isWatching = false;
    this.turn();
    return holds(this.#turnsMs);
  }
}

function holds(turnsMs: readonly number[]): { holdP99Ms: number; holdMaxMs: number } {
  const sorted = [...turnsMs].sort((one, other) => one - other);
  let leftMs = sorted.reduce((sum, turnMs) => sum + turnMs, 0) * 0.01;
  const holdMaxMs = sorted.at(-1) ?? Number.NaN;
  for (let index = sorted.length - 1; index >= 0; index -= 1) {
    const turnMs = sorted[index] ?? 0;
    leftMs -= turnMs;
    if (leftMs <= 0) return { holdP99Ms: turnMs, holdMaxMs };
  }
  return { holdP99Ms: holdMaxMs, holdMaxMs };
}

export interface Usage {
  readonly elapsedMs: number;
  /** Of all threads of the process, user and system. */
  readonly cpuMs: number;
  readonly userCpuMs: number;
}

/** Starts a clock; the function that comes back stops it. */
export function startUsage(): () => Usage {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { elapsedMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000, userCpuMs: user / 1_000 };
  };
}

export function perEvent({ elapsedMs, cpuMs, userCpuMs }: Usage, eventCount: number): Record<string, number> {
  return {
    eventsPerSecond: (eventCount / elapsedMs) * 1_000,
    cpuMicrosecondsPerEvent: (cpuMs * 1_000) / eventCount,
    userCpuMicrosecondsPerEvent: (userCpuMs * 1_000) / eventCount,
  };
}

/** Of this process: what Linux tells as `maxRSS` begins with that of the process that started it. */
export function peakRssMegabytes(): number {
  if (process.platform !== 'linux') return (process.resourceUsage().maxRSS * 1_024) / 1e6;
  const [, kibibytes] = /VmHWM:\s+(\d+)/u.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (Number(kibibytes) * 1_024) / 1e6;
}

/** Needs `--expose-gc`, with which every case is started. */
export function heapAfterCollectionMegabytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}

export { nextTurn };
