import type { LifecycleSource } from '@relaykit/types';
import { LifecycleListeners } from './lifecycle-listeners.ts';
import { hooksOf, type ProcessLike } from './process-hooks.ts';
import { checkTerminateTimeout, DEFAULT_TERMINATE_TIMEOUT_MS } from './wait-at-most.ts';

/** How processes are asked to end: by supervisors, by Ctrl-C, and by a terminal that closes. */
export const DEFAULT_SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Signals and time limit of `nodeLifecycle`. */
export interface NodeLifecycleOptions {
  /** Signals to listen for; names like `SIGTERM`. An empty list: none. Defaults to `DEFAULT_SIGNALS`. */
  readonly signals?: readonly string[];
  /**
   * How long a signal waits for listeners before the process ends by it; a whole number of milliseconds. What is in memory
   * then is still stored, without waiting. Defaults to `DEFAULT_TERMINATE_TIMEOUT_MS`, 5 s.
   */
  readonly terminateTimeoutMs?: number;
  /** For tests. Defaults to the global `process`. */
  readonly process?: ProcessLike;
}

/**
 * The lifecycle of a Node.js process. Nothing is installed before the first listener, and nothing is left after the last.
 *
 * - `terminate`: a signal, or `beforeExit`.
 * - `exit`: the process's `exit`, an error that nobody catches or a rejection that nobody handles (a process that handles
 *   it lives on and loses nothing by it), and the end by a signal.
 *
 * Exit code, signal and messages are what they would be without it: a signal that nobody else listens for is raised again
 * after listeners have settled; a second one does not wait. Where the application listens for a signal, it decides.
 *
 * Nothing can be told of `SIGKILL`, `process.abort()` and a power cut. Worker threads get no signals.
 *
 * @throws TypeError, RangeError - an option is not what it must be, or there is no process.
 */
export function nodeLifecycle(options: NodeLifecycleOptions = {}): LifecycleSource {
  const {
    signals = DEFAULT_SIGNALS,
    terminateTimeoutMs = DEFAULT_TERMINATE_TIMEOUT_MS,
    process = (globalThis as { readonly process?: ProcessLike }).process,
  } = options;
  if (!Array.isArray(signals) || signals.some((name) => typeof name !== 'string' || !/^SIG[A-Z0-9]+$/u.test(name))) {
    throw new TypeError(`signals must be a list of names like 'SIGTERM', got ${JSON.stringify(signals)}`);
  }
  const hopeless = signals.find((name) => name === 'SIGKILL' || name === 'SIGSTOP');
  if (hopeless !== undefined) throw new TypeError(`signals must be ones that a process can handle, got '${hopeless}'`);
  checkTerminateTimeout(terminateTimeoutMs);
  if (typeof process?.prependListener !== 'function') {
    throw new TypeError('process must be that of Node.js; in a browser use pageLifecycle()');
  }
  const listeners: LifecycleListeners = new LifecycleListeners(() =>
    hooksOf(process).add({ signals, terminateTimeoutMs, tell: (change) => listeners.tell(change) }),
  );
  return listeners;
}
