// Visits the crash states of a scenario: recovers each, checks the promises, and crashes some recoveries again.
import { type DiskSnapshot, type FilesByPath, mixSeed, type SimulatedDisk } from '@relaykit/testing';
import type { Durability } from '@relaykit/types';
import { Expectation } from './expectation.ts';
import { checkPromises, type OracleOptions } from './oracle.ts';
import { type CrashScenario, type Disturbance, recover, runScenario, type ScenarioRun } from './scenario-run.ts';
import { writeOn } from './write-on.ts';

export interface Depth {
  readonly name: string;
  /** Up to so many outcomes of a power cut are all visited; where there are more, `seeds` are drawn. */
  readonly maxOutcomes: number;
  readonly seeds: number;
  readonly kills: number;
  /** Of so many power cuts, one is crashed again in each step of its recovery, and written on. */
  readonly nestedEvery: number;
  /** The same of kills: what the dead left in memory only is at stake once more when the power fails. */
  readonly nestedKillEvery: number;
  readonly nestedSeeds: number;
}

export interface ExploreCounts {
  /** Crash states that were recovered and checked. */
  states: number;
  /** Steps of scenarios in which they lie. */
  steps: number;
  /** Those among `states` that came out of a crash during a recovery. */
  nested: number;
}

/** A promise that a crash broke, with everything needed to come back to it. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** @param onlyStep - Looks at this step alone, as it would be looked at among all. */
export async function explore(
  scenario: CrashScenario,
  seed: number,
  depth: Depth,
  onlyStep?: number,
): Promise<ExploreCounts> {
  const counts: ExploreCounts = { states: 0, steps: 0, nested: 0 };
  const { journal, steps } = await runScenario(scenario, seed);
  const expectation = new Expectation(journal);
  const options = { survives: 'written', mayMove: scenario.mayMove ?? false } as const;
  for (const [index, { snapshot, version }] of steps.entries()) {
    if (onlyStep !== undefined && onlyStep !== index) continue;
    expectation.advanceTo(version);
    counts.steps += 1;
    const label = `${scenario.name}:${seed}:${index}:${depth.name}`;
    await new Visit(label, expectation, options, depth, counts).crash(snapshot);
  }
  return counts;
}

const disturbances = {
  kill: (step: number): Disturbance => ({ killAtStep: step }),
  rival: (step: number): Disturbance => ({ rivalAtStep: step }),
};

/**
 * Disturbs a scenario once at each step and lets it go on to the end: the process that takes the step is killed, or a
 * rival begins to recover the spool.
 *
 * @param only - `kill 17`: this disturbance alone.
 */
export async function exploreDisturbed(
  scenario: CrashScenario,
  seed: number,
  depth: Depth,
  only?: string,
): Promise<ExploreCounts> {
  const counts: ExploreCounts = { states: 0, steps: 0, nested: 0 };
  const { steps } = await runScenario(scenario, seed);
  const lastStep = steps.at(-1)?.snapshot.step ?? 0;
  for (const [kind, disturbanceAt] of Object.entries(disturbances)) {
    for (let step = 1; step <= lastStep; step += 1) {
      const place = `${kind} ${step}`;
      if (only !== undefined && only !== place) continue;
      counts.steps += 1;
      await visitEnd(
        scenario,
        seed,
        `${scenario.name}:${seed}:${place}:${depth.name}`,
        disturbanceAt(step),
        counts,
        depth,
      );
    }
  }
  return counts;
}

/** Checks what is there when everything has ended. */
async function visitEnd(
  scenario: CrashScenario,
  seed: number,
  label: string,
  disturbance: Disturbance,
  counts: ExploreCounts,
  depth: Depth,
): Promise<void> {
  let run: ScenarioRun;
  try {
    run = await runScenario(scenario, seed, disturbance);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new BrokenPromise(`${what}\n  RELAY_CRASH='${label}' npm run test:crash`, { cause });
  }
  const expectation = new Expectation(run.journal);
  expectation.advanceTo(run.journal.entries.length);
  const options = { survives: 'written', mayMove: scenario.mayMove ?? false } as const;
  await new Visit(label, expectation, options, depth, counts).check(run.disk.clone(), 'written', false);
}

class Visit {
  readonly #label: string;
  readonly #expectation: Expectation;
  readonly #options: OracleOptions;
  readonly #depth: Depth;
  readonly #counts: ExploreCounts;

  constructor(label: string, expectation: Expectation, options: OracleOptions, depth: Depth, counts: ExploreCounts) {
    this.#label = label;
    this.#expectation = expectation;
    this.#options = options;
    this.#depth = depth;
    this.#counts = counts;
  }

  /** All crashes at one step. */
  async crash(snapshot: DiskSnapshot): Promise<void> {
    const { maxOutcomes, seeds, kills, nestedEvery, nestedKillEvery } = this.#depth;
    const firstSeed = mixSeed(snapshot.step ?? 0, 5) >>> 1;
    let ordinal = firstSeed % 1_000;
    const isOneOf = (every: number): boolean => {
      ordinal += 1;
      return ordinal % every === 0;
    };
    for (const disk of snapshot.crashes({ maxOutcomes, seeds, firstSeed })) {
      await this.check(disk, 'synced', isOneOf(nestedEvery));
    }
    for (let kill = 0; kill < kills; kill += 1) {
      await this.check(snapshot.kill(firstSeed + kill), this.#options.survives, isOneOf(nestedKillEvery));
    }
  }

  /** Recovers one state and checks it; where asked for, crashes the recovery in each of its steps. */
  async check(disk: SimulatedDisk, survives: Durability, isNested: boolean): Promise<void> {
    this.#counts.states += 1;
    const options = { ...this.#options, survives };
    const during: DiskSnapshot[] = [];
    try {
      if (isNested) disk.onEveryStep((snapshot) => during.push(snapshot));
      await recover(disk);
      checkPromises(disk.files(), this.#expectation, options);
      during.push(disk.snapshot());
      await requireIdempotent(disk);
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      const replay = `RELAY_CRASH='${this.#label}' npm run test:crash`;
      throw new BrokenPromise(`${what}\n  ${disk.describe()}\n  ${replay}`, { cause });
    }
    if (!isNested) return;

    const { nestedSeeds } = this.#depth;
    const nested = { nestedEvery: Number.POSITIVE_INFINITY, nestedKillEvery: Number.POSITIVE_INFINITY };
    const depth = { ...this.#depth, ...nested, maxOutcomes: nestedSeeds, seeds: nestedSeeds, kills: 1 };
    const before = this.#counts.states;
    const inner = new Visit(this.#label, this.#expectation, options, depth, this.#counts);
    for (const snapshot of during) await inner.crash(snapshot);
    this.#counts.nested += this.#counts.states - before;
    await this.#writeOn(disk, options);
  }

  async #writeOn(disk: SimulatedDisk, options: OracleOptions): Promise<void> {
    try {
      await writeOn(disk, this.#expectation, options);
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new BrokenPromise(`${what}\n  ${disk.describe()}, written on\n  in ${this.#label}`, { cause });
    }
  }
}

async function requireIdempotent(disk: SimulatedDisk): Promise<void> {
  const { stepsTaken } = disk;
  const before = disk.files();
  await recover(disk);
  if (disk.stepsTaken !== stepsTaken) requireSame(before, disk.files());
}

function requireSame(before: FilesByPath, after: FilesByPath): void {
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === undefined || now === undefined || Buffer.compare(old, now) !== 0) {
      throw new Error(`a second recovery changed ${path}`);
    }
  }
}
