import { type DiskOperation, matches, type OperationMatch } from './operation.ts';

/** When an operation of a `SimulatedDisk` is held. */
export interface HoldOptions {
  /**
   * `before`: the operation has been asked for and has not happened. `after`: it has happened and its caller does not
   * know. Defaults to `before`.
   */
  readonly when?: 'before' | 'after';
}

/** Keeps asynchronous operations waiting until a test lets them go on. */
export interface Gate {
  /** How many operations wait here now. */
  readonly waitingCount: number;
  /** Resolves once an operation waits here. */
  reached(): Promise<void>;
  /** Lets the oldest waiting operation go on and keeps holding the others. */
  releaseOne(): void;
  /** Lets all go on and holds no more. */
  release(): void;
}

export class HeldGate implements Gate {
  readonly when: 'before' | 'after';
  readonly #match: OperationMatch;
  readonly #waiting: (() => void)[] = [];
  readonly #watchers: (() => void)[] = [];
  #isOpen = false;

  constructor(match: OperationMatch, { when = 'before' }: HoldOptions = {}) {
    this.#match = match;
    this.when = when;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  holds(operation: DiskOperation, when: 'before' | 'after'): boolean {
    return !this.#isOpen && this.when === when && matches(this.#match, operation);
  }

  wait(goOn: () => void): void {
    this.#waiting.push(goOn);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  reached(): Promise<void> {
    if (this.#waiting.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  releaseOne(): void {
    this.#waiting.shift()?.();
  }

  release(): void {
    this.#isOpen = true;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }
}
