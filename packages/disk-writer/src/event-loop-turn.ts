import type { Clock } from '@relaykit/types';

/** How long work may go on before timers and sockets get their turn: short beside what anybody notices. */
export const MAX_TURN_MS = 5;

/**
 * Tells when the event loop has to turn. Promises alone never let it: a caller that awaits each write and begins the next
 * would keep every timer waiting. Costs one callback a turn and a look at the clock.
 */
export class EventLoopTurn {
  readonly #clock: Clock;
  #startedMs = 0;
  /** Resolves once the loop has turned; `undefined` while nothing was done since. */
  #end: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What to wait for before going on, where this turn has lasted long enough. */
  get overdue(): Promise<void> | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (this.#end) return nowMs - this.#startedMs < MAX_TURN_MS ? undefined : this.#end;
    this.#startedMs = nowMs;
    this.#end = new Promise((resolve) => {
      setImmediate(() => {
        this.#end = undefined;
        resolve();
      });
    });
    return undefined;
  }
}
