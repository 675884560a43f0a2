import type { Clock, Timer, TimerOptions } from '@relaykit/types';
import { settle } from './settle.ts';

/** Where the wall clock of a `ManualClock` starts: a fixed day, so that no test depends on today. */
export const DEFAULT_MANUAL_EPOCH_MS: number = Date.UTC(2026, 0, 1);

/** When a `ManualClock` begins. */
export interface ManualClockOptions {
  /** Wall clock at the start, in milliseconds since the epoch. Defaults to `DEFAULT_MANUAL_EPOCH_MS`. */
  readonly epochMs?: number;
  /** Monotonic clock at the start, in milliseconds. Defaults to 0. */
  readonly monotonicMs?: number;
}

/** A timer that has not run. */
export interface PendingTimer {
  /** Milliseconds from now. */
  readonly dueInMs: number;
  readonly keepsProcessAlive: boolean;
}

interface ScheduledTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly keepsProcessAlive: boolean;
  readonly run: () => void;
}

/** Time that stands still until a test moves it. Timers follow the monotonic clock, as real ones do. */
export class ManualClock implements Clock {
  readonly #timers = new Set<ScheduledTimer>();
  #epochMs: number;
  #monotonicMs: number;
  #created = 0;

  constructor({ epochMs = DEFAULT_MANUAL_EPOCH_MS, monotonicMs = 0 }: ManualClockOptions = {}) {
    this.#epochMs = epochMs;
    this.#monotonicMs = monotonicMs;
  }

  now(): number {
    return this.#epochMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** @throws RangeError - `delayMs` is no finite number >= 0; a real timer would run at once and hide the mistake. */
  setTimer(delayMs: number, run: () => void, { keepsProcessAlive = false }: TimerOptions = {}): Timer {
    checkDuration('delayMs', delayMs);
    const timer = { dueMs: this.#monotonicMs + delayMs, order: this.#created, keepsProcessAlive, run };
    this.#created += 1;
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that wait, the next one first. */
  get pendingTimers(): readonly PendingTimer[] {
    return [...this.#timers].sort(byDueTime).map(({ dueMs, keepsProcessAlive }) => ({
      dueInMs: dueMs - this.#monotonicMs,
      keepsProcessAlive,
    }));
  }

  /**
   * Moves both clocks and runs what falls due, in order, each at its own time; timers set meanwhile included. What a
   * timer throws ends the call, with the clock at that timer's time.
   */
  advance(durationMs: number): void {
    checkDuration('durationMs', durationMs);
    const endMs = this.#monotonicMs + durationMs;
    for (let timer = this.#nextDue(endMs); timer !== undefined; timer = this.#nextDue(endMs)) this.#run(timer);
    this.#moveTo(endMs);
  }

  /** The same, and lets promises settle before, between and after the timers. */
  async advanceAsync(durationMs: number): Promise<void> {
    checkDuration('durationMs', durationMs);
    const endMs = this.#monotonicMs + durationMs;
    await settle();
    for (let timer = this.#nextDue(endMs); timer !== undefined; timer = this.#nextDue(endMs)) {
      this.#run(timer);
      await settle();
    }
    this.#moveTo(endMs);
  }

  /** Lets the wall clock leap, backwards where negative, as an operator or NTP does. Timers do not notice. */
  leapWallClock(byMs: number): void {
    this.#epochMs += byMs;
  }

  #nextDue(endMs: number): ScheduledTimer | undefined {
    let next: ScheduledTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || byDueTime(timer, next) < 0)) next = timer;
    }
    return next;
  }

  #run(timer: ScheduledTimer): void {
    this.#timers.delete(timer);
    this.#moveTo(timer.dueMs);
    timer.run();
  }

  #moveTo(monotonicMs: number): void {
    // A timer may itself have moved the clock further; time never goes back.
    const byMs = Math.max(0, monotonicMs - this.#monotonicMs);
    this.#monotonicMs += byMs;
    this.#epochMs += byMs;
  }
}

function byDueTime(left: ScheduledTimer, right: ScheduledTimer): number {
  return left.dueMs - right.dueMs || left.order - right.order;
}

function checkDuration(name: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name} must be a finite number >= 0, got ${value}`);
}
