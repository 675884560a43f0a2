interface Waiter {
  pass(): void;
}

/** Keeps calls waiting, first come first served, until a test lets them through. */
export class HoldGate {
  readonly #waiting: Waiter[] = [];
  #isHeld = false;
  /** Passes granted ahead, while the gate stays held. */
  #granted = 0;

  get waitingCount(): number {
    return this.#waiting.length;
  }

  hold(): void {
    this.#isHeld = true;
  }

  /** Lets `count` calls through, waiting ones first, and holds the others; without `count`, opens the gate. */
  release(count?: number): void {
    if (count === undefined) {
      this.#isHeld = false;
      this.#granted = 0;
    } else {
      this.#granted += count;
    }
    while (this.#waiting.length > 0 && this.#mayPass()) this.#waiting.shift()?.pass();
  }

  /** Resolves once let through; rejects with the signal's reason if it is aborted before. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.length === 0 && this.#mayPass()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        const index = this.#waiting.indexOf(waiter);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        pass: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #mayPass(): boolean {
    if (!this.#isHeld) return true;
    if (this.#granted === 0) return false;
    this.#granted -= 1;
    return true;
  }
}
