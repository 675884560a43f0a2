import { EveryChoice, seededChoices } from './choices.ts';
import { countCrashOutcomes, drawCrash, durableOnly } from './crash.ts';
import type { DiskState } from './disk-state.ts';
import { type FilesByPath, filesOf } from './files-of.ts';
import type { Step } from './machine.ts';
import { type DiskOperationName, describeOperation } from './operation.ts';
import { below, mixSeed, seededRandom } from './random.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** Which of the possible outcomes: one drawn from a seed, or one by its place among all of them. */
export type OutcomeChoice = number | { readonly seed: number } | { readonly outcome: number };

/** How many of the disks that a crash may leave are visited. */
export interface EveryCrashOptions {
  /** Up to this many outcomes are all visited; where there are more, seeds are drawn. Defaults to 64. */
  readonly maxOutcomes?: number;
  /** How many seeds are drawn where outcomes are many. Defaults to 200. */
  readonly seeds?: number;
  /** The first seed. Defaults to 1. */
  readonly firstSeed?: number;
}

/** Default of `EveryCrashOptions.maxOutcomes`: six independent choices. */
export const DEFAULT_MAX_OUTCOMES = 64;
/** Default of `EveryCrashOptions.seeds`: enough to meet each pair of choices many times. */
export const DEFAULT_CRASH_SEEDS = 200;

/** Where a disk comes from; put into words only when asked for, since a million disks may be made and none fail. */
export type History = () => string;

/** @internal What a snapshot needs of the disk it was taken of. */
export interface SnapshotOrigin {
  readonly sectorBytes: number;
  /** A disk of its own that goes on from `state`. */
  continueFrom(state: DiskState, history: History): SimulatedDisk;
}

/**
 * A disk at one moment, as a value: nothing that happens later changes it, and taking it costs almost nothing. Taken
 * during a step, it stands for that step: begun, and not known to its caller to have ended.
 */
export class DiskSnapshot {
  /** The step under way; `undefined` when taken between steps. */
  readonly step: number | undefined;
  readonly operation: DiskOperationName | undefined;
  readonly path: string | undefined;
  readonly #origin: SnapshotOrigin;
  readonly #history: History;
  readonly #state: DiskState;
  readonly #step: Step | undefined;

  /** @internal */
  constructor(origin: SnapshotOrigin, history: History, state: DiskState, step?: Step) {
    this.#origin = origin;
    this.#history = history;
    this.#state = state;
    this.#step = step;
    this.step = step?.number;
    this.operation = step?.operation.name;
    this.path = step?.operation.path;
  }

  /** The disk as it may be found after a power cut now: the step under way may have happened, in part, or not at all. */
  crash(choice: OutcomeChoice): SimulatedDisk {
    const { sectorBytes } = this.#origin;
    const drawn = drawCrash(this.#state, choicesFor(this.#state, choice, sectorBytes), sectorBytes);
    return this.#origin.continueFrom(
      drawn,
      () => `${this.describe()}, then a power cut with ${describeChoice(choice)}`,
    );
  }

  /** How many outcomes a power cut now may have, counted up to `limit`. */
  crashOutcomeCount(limit: number = DEFAULT_MAX_OUTCOMES): number {
    return countCrashOutcomes(this.#state, this.#origin.sectorBytes, limit);
  }

  /** Every outcome of a power cut now where they are few, a number of seeds where they are many. */
  *crashes(options: EveryCrashOptions = {}): IterableIterator<SimulatedDisk> {
    const { maxOutcomes = DEFAULT_MAX_OUTCOMES, seeds = DEFAULT_CRASH_SEEDS, firstSeed = 1 } = options;
    const { sectorBytes } = this.#origin;
    if (this.crashOutcomeCount(maxOutcomes + 1) > maxOutcomes) {
      for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) yield this.crash(seed);
      return;
    }
    const choices = new EveryChoice();
    let outcome = 0;
    do {
      const drawn = drawCrash(this.#state, choices, sectorBytes);
      const choice = { outcome };
      yield this.#origin.continueFrom(
        drawn,
        () => `${this.describe()}, then a power cut with ${describeChoice(choice)}`,
      );
      outcome += 1;
    } while (choices.advance());
  }

  /**
   * The disk after all processes were killed now: everything written is there, handles and locks are gone. The step
   * under way has happened or not; of a write, the first part may be there.
   */
  kill(seed: number): SimulatedDisk {
    const state = this.#step === undefined ? this.#state.fork() : drawKill(this.#step, seed, this.#origin.sectorBytes);
    state.releaseUnlinked();
    return this.#origin.continueFrom(state, () => `${this.describe()}, then a kill with seed ${seed}`);
  }

  /** A disk that goes on from here, as if it had been copied: no process, no handle, no lock. */
  clone(): SimulatedDisk {
    const state = this.#state.fork();
    state.releaseUnlinked();
    return this.#origin.continueFrom(state, () => `${this.describe()}, copied`);
  }

  /** Every file by its path, as processes read it. The bytes are the snapshot's own: do not change them. */
  files(): FilesByPath {
    return filesOf(this.#state);
  }

  /** Every file by its path that a power cut now surely leaves, with what it surely holds. */
  persistedFiles(): FilesByPath {
    return filesOf(durableOnly(this.#state, this.#origin.sectorBytes));
  }

  /** Where this is, in words that lead back here. */
  describe(): string {
    if (this.#step === undefined) return this.#history();
    return `${this.#history()}, during step ${this.#step.number} (${describeOperation(this.#step.operation)})`;
  }
}

/** @internal The choices that lead to one outcome. */
export function choicesFor(
  state: DiskState,
  choice: OutcomeChoice,
  sectorBytes: number,
): EveryChoice | ReturnType<typeof seededChoices> {
  if (typeof choice === 'number') return seededChoices(choice);
  if ('seed' in choice) return seededChoices(choice.seed);
  const choices = new EveryChoice();
  for (let outcome = 0; outcome < choice.outcome; outcome += 1) {
    drawCrash(state, choices, sectorBytes);
    if (!choices.advance())
      throw new RangeError(`outcome must be a whole number < ${outcome + 1}, got ${choice.outcome}`);
  }
  return choices;
}

/** @internal The disk after a kill during a step: it has not happened, it has, or of a write a first part has. */
export function drawKill({ number, before, during, write }: Step, seed: number, sectorBytes: number): DiskState {
  const random = seededRandom(mixSeed(seed, number));
  // The kernel copies page by page and looks for signals in between.
  const firstBorder = write === undefined ? 0 : Math.floor(write.positionBytes / sectorBytes + 1) * sectorBytes;
  const endBytes = write === undefined ? 0 : write.positionBytes + write.bytes.byteLength;
  const borders = Math.max(0, Math.ceil((endBytes - firstBorder) / sectorBytes));
  const kind = below(random, borders > 0 ? 3 : 2);
  if (kind < 2 || write === undefined) return (kind === 0 ? before : during).fork();
  const state = before.fork();
  const lengthBytes = firstBorder + below(random, borders) * sectorBytes - write.positionBytes;
  const { modifiedAtMs } = during.file(write.number);
  state.write(write.number, write.bytes.subarray(0, lengthBytes), write.positionBytes, modifiedAtMs);
  return state;
}

export function describeChoice(choice: OutcomeChoice): string {
  if (typeof choice === 'number') return `seed ${choice}`;
  return 'seed' in choice ? `seed ${choice.seed}` : `outcome ${choice.outcome}`;
}
