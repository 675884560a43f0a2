import { type AddResult, refusedClosed } from './add-result.ts';

interface Waiter<TEvent> {
  readonly event: TEvent;
  resolve(result: AddResult): void;
}

/** Events whose callers wait for room, first come first served. */
export class RoomQueue<TEvent> {
  readonly #waiters = new Set<Waiter<TEvent>>();

  get size(): number {
    return this.#waiters.size;
  }

  wait(event: TEvent, signal: AbortSignal | undefined): Promise<AddResult> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter<TEvent> = {
        event,
        resolve: (result) => {
          signal?.removeEventListener('abort', abort);
          resolve(result);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets events in, in order, for as long as there is room. */
  admit(hasRoom: () => boolean, take: (event: TEvent) => AddResult): void {
    for (const waiter of this.#waiters) {
      if (!hasRoom()) return;
      this.#waiters.delete(waiter);
      waiter.resolve(take(waiter.event));
    }
  }

  /** No room will come any more. */
  refuseAll(onRefused: () => void): void {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      onRefused();
      waiter.resolve(refusedClosed);
    }
  }
}
