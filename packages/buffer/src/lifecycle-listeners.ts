import type { LifecycleChange, LifecycleSource, Unsubscribe } from '@relaykit/types';

type Listener = Parameters<LifecycleSource['subscribe']>[0];

/** Those who want to know of a lifecycle: whatever tells of it is installed with the first, and removed with the last. */
export class LifecycleListeners implements LifecycleSource {
  readonly #entries = new Set<{ readonly listener: Listener }>();
  readonly #install: () => Unsubscribe;
  #uninstall: Unsubscribe | undefined;

  constructor(install: () => Unsubscribe) {
    this.#install = install;
  }

  subscribe(listener: Listener): Unsubscribe {
    if (typeof listener !== 'function') throw new TypeError(`listener must be a function, got ${typeof listener}`);
    // An entry of its own, so that one function can listen twice and each unsubscription ends one of them.
    const entry = { listener };
    this.#entries.add(entry);
    this.#uninstall ??= this.#install();
    return () => {
      this.#entries.delete(entry);
      if (this.#entries.size > 0) return;
      this.#uninstall?.();
      this.#uninstall = undefined;
    };
  }

  /**
   * Tells everybody before it returns. The promise waits for what they returned, and never rejects: nothing that a
   * listener does may keep the others from being told, or change how an application ends.
   */
  tell(change: LifecycleChange): Promise<void> {
    const works: Promise<void>[] = [];
    for (const { listener } of [...this.#entries]) {
      try {
        works.push(Promise.resolve(listener(change)));
      } catch {
        // Its own concern.
      }
    }
    return Promise.allSettled(works).then(() => undefined);
  }
}
