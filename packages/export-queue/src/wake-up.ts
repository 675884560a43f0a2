import type { Clock } from '@relaykit/types';

/** A wait that anybody may end early. A wake-up that comes while nobody waits ends the next wait at once. */
export class WakeUp {
  readonly #clock: Clock;
  #isPending = false;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#isPending = true;
    this.#end?.();
  }

  /** Resolves after `delayMs`, or with `wake()`. The wait alone does not keep the process alive. */
  async wait(delayMs: number): Promise<void> {
    if (!this.#isPending) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(delayMs, resolve);
        this.#end = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#end = undefined;
    }
    this.#isPending = false;
  }
}
