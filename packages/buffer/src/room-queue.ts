import { type AddResult, refusedClosed } from './add-result.ts';

interface Waiter<TEvent> {
  readonly event: TEvent;
  resolve(result: AddResult): void;
  reject(error: unknown): void;
  previous: Waiter<TEvent> | undefined;
  next: Waiter<TEvent> | undefined;
}

/**
 * Events whose callers wait for room, first come first served. A linked list: a set keeps what has left it alive in V8,
 * through the tables it outgrew.
 */
export class RoomQueue<TEvent> {
  #first: Waiter<TEvent> | undefined;
  #last: Waiter<TEvent> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  wait(event: TEvent, signal: AbortSignal | undefined): Promise<AddResult> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<TEvent> = { event, resolve, reject, previous: this.#last, next: undefined };
      if (this.#last === undefined) this.#first = waiter;
      else this.#last.next = waiter;
      this.#last = waiter;
      this.#size += 1;
      if (signal === undefined) return;
      const abort = (): void => {
        this.#unlink(waiter);
        reject(signal.reason);
      };
      waiter.resolve = (result) => {
        signal.removeEventListener('abort', abort);
        resolve(result);
      };
      waiter.reject = (error) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      };
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets events in, in order, for as long as there is room. */
  admit(hasRoom: () => boolean, take: (event: TEvent) => AddResult): void {
    for (let waiter = this.#first; waiter !== undefined && hasRoom(); waiter = this.#first) {
      this.#unlink(waiter);
      try {
        waiter.resolve(take(waiter.event));
      } catch (error) {
        waiter.reject(error);
      }
    }
  }

  /** No room will come any more. */
  refuseAll(onRefused: () => void): void {
    for (let waiter = this.#first; waiter !== undefined; waiter = this.#first) {
      this.#unlink(waiter);
      onRefused();
      waiter.resolve(refusedClosed);
    }
  }

  #unlink(waiter: Waiter<TEvent>): void {
    const { previous, next } = waiter;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    waiter.previous = undefined;
    waiter.next = undefined;
    this.#size -= 1;
  }
}
