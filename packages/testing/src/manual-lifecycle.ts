import type { LifecycleChange, LifecycleSource, Unsubscribe } from '@relaykit/types';

type Listener = (change: LifecycleChange) => void | Promise<void>;

/** A lifecycle that a test drives. */
export class ManualLifecycle implements LifecycleSource {
  readonly #listeners = new Set<{ readonly listener: Listener }>();

  subscribe(listener: Listener): Unsubscribe {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /**
   * Tells every listener, before it returns; the promise waits for what they returned. For `exit` only what happened
   * before it returned counts, so look at the results without awaiting.
   *
   * @throws what a listener throws or rejects with.
   */
  emit(change: LifecycleChange): Promise<void> {
    const returned = [...this.#listeners].map(({ listener }) => listener(change));
    return Promise.all(returned).then(() => undefined);
  }
}
