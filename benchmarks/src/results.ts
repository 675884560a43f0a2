// What a whole run has measured, and how the report asks for it.
import type { Sample } from './case.ts';
import type { Machine } from './machine.ts';
import type { Group } from './plan.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface CaseResult {
  readonly name: string;
  readonly label: string;
  /** One a round; empty where the package of a peer is not installed. */
  readonly samples: readonly Sample[];
}

export interface GroupResult extends Omit<Group, 'cases'> {
  readonly cases: readonly CaseResult[];
}

export interface Results {
  readonly measuredOn: string;
  readonly isSmall: boolean;
  readonly machine: Machine;
  /** Versions of the packages compared, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly groups: readonly GroupResult[];
}

export class ResultReader {
  readonly #groups: ReadonlyMap<string, GroupResult>;

  constructor(results: Results) {
    this.#groups = new Map(results.groups.map((group) => [group.id, group]));
  }

  group(id: string): GroupResult | undefined {
    return this.#groups.get(id);
  }

  values(groupId: string, name: string, metric: string): number[] {
    const found = this.group(groupId)?.cases.find((candidate) => candidate.name === name);
    // JSON has no NaN: what a case could not measure is null there.
    return (found?.samples ?? []).map((sample) => sample[metric] ?? Number.NaN);
  }

  /** `undefined` where it was not measured. */
  spread(groupId: string, name: string, metric: string): Spread | undefined {
    const values = this.values(groupId, name, metric);
    return values.length > 0 ? spreadOf(values) : undefined;
  }

  /** One case beside others of the same rounds: beside the best of them, where there are several. */
  ratio(groupId: string, metric: string, name: string, references: readonly string[]): Spread | undefined {
    const ratios = this.ratios(groupId, metric, name, references);
    return ratios.length > 0 ? spreadOf(ratios) : undefined;
  }

  /** The same for each round; empty where it was not measured. */
  ratios(groupId: string, metric: string, name: string, references: readonly string[]): number[] {
    const values = this.values(groupId, name, metric);
    const others = references.map((reference) => this.values(groupId, reference, metric));
    if (values.length === 0 || others.some(({ length }) => length === 0)) return [];
    // The best in all, and not the luckiest of each round.
    const isBetter = (one: number, other: number): boolean =>
      metric === 'eventsPerSecond' ? one > other : one < other;
    const best = others.reduce((found, other) =>
      isBetter(spreadOf(other).median, spreadOf(found).median) ? other : found,
    );
    return values.map((value, round) => value / (best[round] ?? Number.NaN));
  }
}
