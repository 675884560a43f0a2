import type { LifecycleChange } from '@relaykit/types';
import { waitAtMost } from './wait-at-most.ts';

// biome-ignore lint/suspicious/noExplicitAny: listeners of a process take whatever its events carry.
type ProcessListener = (...args: any[]) => void;

/** Of Node.js, where there are signals. */
declare function setImmediate(run: () => void): unknown;

/** What is needed of `process`. */
export interface ProcessLike {
  readonly pid: number;
  on(event: string, listener: ProcessListener): unknown;
  prependListener(event: string, listener: ProcessListener): unknown;
  off(event: string, listener: ProcessListener): unknown;
  // biome-ignore lint/complexity/noBannedTypes: what EventEmitter declares.
  listeners(event: string): Function[];
  kill(pid: number, signal: string): unknown;
}

/** One lifecycle on a process. */
export interface HookedSource {
  readonly signals: readonly string[];
  readonly terminateTimeoutMs: number;
  tell(change: LifecycleChange): Promise<void>;
}

/** On every listener for a signal that ends with raising it again; known across duplicate installs of this package. */
const MARK = Symbol.for('@relaykit/buffer signal listener');
const hooksByProcess = new WeakMap<ProcessLike, ProcessHooks>();

/** The hooks of a process, shared by all lifecycles on it: any number of relays need one listener for each event. */
export function hooksOf(process: ProcessLike): ProcessHooks {
  const hooks = hooksByProcess.get(process) ?? new ProcessHooks(process);
  hooksByProcess.set(process, hooks);
  return hooks;
}

/**
 * Listens on a process while there is somebody to tell, without changing how it ends.
 *
 * - A signal for which nobody else listens is raised again once everybody has stored what they hold, so that the process
 *   ends by it as it would have.
 * - Where the application listens for the signal, ending is its business, and it alone decides.
 * - Errors are watched by `uncaughtExceptionMonitor`, which handles nothing.
 */
export class ProcessHooks {
  readonly #process: ProcessLike;
  readonly #sources = new Set<HookedSource>();
  readonly #onSignals = new Map<string, ProcessListener>();
  /** Signals that will be raised again. */
  readonly #ending = new Set<string>();
  /** Those that were told of a `beforeExit`: work that they begin brings another one, and that must come to an end. */
  readonly #toldBeforeExit = new WeakSet<HookedSource>();

  constructor(process: ProcessLike) {
    this.#process = process;
  }

  add(source: HookedSource): () => void {
    if (this.#sources.size === 0) {
      // First: a listener that throws keeps those behind it from being called.
      this.#process.prependListener('exit', this.#onExit);
      this.#process.on('beforeExit', this.#onBeforeExit);
      this.#process.on('uncaughtExceptionMonitor', this.#onExit);
    }
    this.#sources.add(source);
    this.#listenForSignals();
    return () => this.#remove(source);
  }

  #remove(source: HookedSource): void {
    if (!this.#sources.delete(source)) return;
    afterNextPoll(() => this.#stopUnwanted(source.signals));
    if (this.#sources.size > 0) return;
    this.#process.off('exit', this.#onExit);
    this.#process.off('beforeExit', this.#onBeforeExit);
    this.#process.off('uncaughtExceptionMonitor', this.#onExit);
  }

  #listenForSignals(): void {
    for (const signal of new Set([...this.#sources].flatMap(({ signals }) => signals))) {
      if (this.#onSignals.has(signal)) continue;
      const onSignal = Object.assign(() => this.#onSignal(signal), { [MARK]: true });
      this.#onSignals.set(signal, onSignal);
      // In front: whoever listens once is not among the listeners any more when its turn has come.
      this.#process.prependListener(signal, onSignal);
    }
  }

  #stopListening(signal: string): void {
    const onSignal = this.#onSignals.get(signal);
    if (onSignal) this.#process.off(signal, onSignal);
    this.#onSignals.delete(signal);
  }

  #stopUnwanted(signals: readonly string[]): void {
    for (const signal of signals) if (!this.#isWanted(signal)) this.#stopListening(signal);
  }

  #isWanted(signal: string): boolean {
    return [...this.#sources].some(({ signals }) => signals.includes(signal));
  }

  readonly #onExit = (): void => {
    for (const source of [...this.#sources]) void source.tell('exit');
  };

  readonly #onBeforeExit = (): void => {
    for (const source of [...this.#sources]) {
      if (this.#toldBeforeExit.has(source)) continue;
      this.#toldBeforeExit.add(source);
      void source.tell('terminate');
    }
  };

  #onSignal(signal: string): void {
    // Whoever asks twice is not made to wait.
    if (this.#ending.has(signal)) {
      this.#end(signal);
      return;
    }
    if (!this.#isOursToRaise(signal)) {
      for (const source of this.#tellable(signal)) void source.tell('terminate');
      return;
    }
    this.#ending.add(signal);
    const works = this.#tellable(signal).map((source) =>
      waitAtMost(source.tell('terminate'), source.terminateTimeoutMs),
    );
    void Promise.all(works).then(() => this.#end(signal));
  }

  #tellable(signal: string): HookedSource[] {
    return [...this.#sources].filter(({ signals }) => signals.includes(signal));
  }

  /** Whether the process would have ended by this signal if there were none of us. */
  #isOursToRaise(signal: string): boolean {
    const others = this.#process.listeners(signal).filter((listener) => !(MARK in listener));
    return others.length <= countSignalExitListeners(this.#process);
  }

  /** Stores what came since, and ends the process as the signal would have. */
  #end(signal: string): void {
    if (!this.#ending.delete(signal)) return;
    // A process that a signal ends has no `exit` event.
    this.#onExit();
    this.#stopListening(signal);
    this.#process.kill(this.#process.pid, signal);
    // The first process of a container does not end by a signal that it does not handle: it lives on, as it would have.
    setTimeout(() => this.#listenForSignals(), 0);
  }
}

/**
 * A signal that has come is told in the next poll phase of the event loop. Who stops listening before that swallows it:
 * the system has delivered it, and nobody ends the process. Immediates run after a poll phase, though the first perhaps
 * after one that had begun.
 */
function afterNextPoll(run: () => void): void {
  setImmediate(() => setImmediate(run));
}

/**
 * Listeners of the `signal-exit` package, versions 3 and 4: they too raise the signal again, once nobody else listens.
 * Waiting for each other, neither would.
 */
function countSignalExitListeners(process: ProcessLike): number {
  const copies = [
    (process as { readonly __signal_exit_emitter__?: { readonly count?: unknown } }).__signal_exit_emitter__,
    (globalThis as { readonly [key: symbol]: { readonly count?: unknown } | undefined })[
      Symbol.for('signal-exit emitter')
    ],
  ];
  return copies.reduce((sum, copy) => sum + (typeof copy?.count === 'number' ? copy.count : 0), 0);
}
