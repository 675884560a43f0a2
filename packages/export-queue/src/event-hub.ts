import type { Logger, Unsubscribe } from '@relaykit/types';
import { describeCause } from './describe-cause.ts';
import type { ExportEvents, ExportEventType, ExportListener } from './export-events.ts';

/** Typed listeners that cannot harm whoever emits. */
export class EventHub {
  readonly #listeners = new Map<ExportEventType, Set<ExportListener<ExportEventType>>>();
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  on<Type extends ExportEventType>(type: Type, listener: ExportListener<Type>): Unsubscribe {
    if (typeof listener !== 'function') throw new TypeError(`listener must be a function, got ${typeof listener}`);
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    // A wrapper of its own, so that the same function can listen twice and each unsubscribe ends one of them.
    const entry = (event: ExportEvents[ExportEventType]): unknown => (listener as (event: unknown) => unknown)(event);
    listeners.add(entry as ExportListener<ExportEventType>);
    return () => void listeners.delete(entry as ExportListener<ExportEventType>);
  }

  emit<Type extends ExportEventType>(type: Type, event: ExportEvents[Type]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      const report = (cause: unknown): void => this.#reportListener(type, cause);
      try {
        // An async listener returns a promise, whose rejection would otherwise end the process.
        const result = (listener as (event: unknown) => unknown)(event);
        if (result instanceof Promise) result.catch(report);
      } catch (cause) {
        report(cause);
      }
    }
  }

  #reportListener(type: ExportEventType, cause: unknown): void {
    this.#logger?.error('A listener of the export queue failed', { type, cause: describeCause(cause) });
  }
}
