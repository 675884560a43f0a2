import { below, seededRandom } from './random.ts';

/** Where an outcome is decided: by chance, or by going through every possibility. */
export interface Choices {
  /** A whole number in [0, count). */
  choose(count: number): number;
  /** Whether every possibility is visited; then choices that only shift the odds are left out. */
  readonly isExhaustive: boolean;
}

export function seededChoices(seed: number): Choices {
  const random = seededRandom(seed);
  return { isExhaustive: false, choose: (count) => below(random, count) };
}

/** Goes through a tree of choices, one path each time, like an odometer. */
export class EveryChoice implements Choices {
  readonly isExhaustive = true;
  readonly #path: { chosen: number; readonly count: number }[] = [];
  #depth = 0;

  choose(count: number): number {
    const step = this.#path[this.#depth] ?? { chosen: 0, count };
    this.#path[this.#depth] = step;
    this.#depth += 1;
    return step.chosen;
  }

  /** Moves on to the next path; `false` once all have been taken. */
  advance(): boolean {
    this.#depth = 0;
    for (let step = this.#path.pop(); step !== undefined; step = this.#path.pop()) {
      if (step.chosen + 1 < step.count) {
        this.#path.push({ chosen: step.chosen + 1, count: step.count });
        return true;
      }
    }
    return false;
  }
}
