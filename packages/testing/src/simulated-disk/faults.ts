import type { SimulatedErrorCode } from './errors.ts';
import { type DiskOperation, type Landed, matches, type OperationMatch } from './operation.ts';

/** Which operations of a `SimulatedDisk` fail, and how. */
export interface FailOptions {
  /** How many matching operations fail. Defaults to 1; `Infinity` until `clearFaults()`. */
  readonly times?: number;
  /**
   * How much of the operation happened before it failed. Of a write, its first bytes (`part`: chance says how many); of a
   * sync, the changes that reached the disk before the kernel dropped the others. A rename or a removal may have been
   * made, and the error be about its journal (`all`). Defaults to chance for `write` and `sync`, to `none` for others.
   */
  readonly landed?: Landed;
}

/** A failure that strikes by chance. */
export interface RandomFault extends Pick<FailOptions, 'landed'> {
  readonly match: OperationMatch;
  readonly code: SimulatedErrorCode;
  /** From 0 to 1, for each matching operation. */
  readonly probability: number;
}

export interface Fault {
  readonly code: SimulatedErrorCode;
  readonly landed: Landed | undefined;
}

interface PlannedFault extends Fault {
  readonly match: OperationMatch;
  left: number;
}

/** Decides which operations fail. */
export class FaultPlan {
  readonly #random: () => number;
  #planned: PlannedFault[] = [];
  #byChance: readonly RandomFault[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  failNext(match: OperationMatch, code: SimulatedErrorCode, { times = 1, landed }: FailOptions = {}): void {
    if (!(times >= 1)) throw new RangeError(`times must be a number >= 1, got ${times}`);
    this.#planned.push({ match, code, landed, left: times });
  }

  setRandom(faults: readonly RandomFault[]): void {
    for (const { probability } of faults) {
      if (!(probability >= 0 && probability <= 1)) {
        throw new RangeError(`probability must be a number from 0 to 1, got ${probability}`);
      }
    }
    this.#byChance = faults;
  }

  clear(): void {
    this.#planned = [];
    this.#byChance = [];
  }

  find(operation: DiskOperation): Fault | undefined {
    if (this.#planned.length > 0) {
      const planned = this.#planned.find(({ match }) => matches(match, operation));
      if (planned !== undefined) {
        planned.left -= 1;
        if (planned.left <= 0) this.#planned.splice(this.#planned.indexOf(planned), 1);
        return planned;
      }
    }
    for (const { match, probability, code, landed } of this.#byChance) {
      if (matches(match, operation) && this.#random() < probability) return { code, landed };
    }
    return undefined;
  }
}
