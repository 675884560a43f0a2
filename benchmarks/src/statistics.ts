import { percentile } from './measure.ts';

/** The middle of several runs, and how far apart they were. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), lowest: Math.min(...values), highest: Math.max(...values) };
}

/** Each value beside the reference of the same round: what the machine did in between weighs on both. */
export function ratioOf(values: readonly number[], references: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value / (references[round] ?? Number.NaN)));
}

function median(values: readonly number[]): number {
  const half = Math.floor(values.length / 2);
  const sorted = [...values].sort((one, other) => one - other);
  if (values.length % 2 === 1) return percentile(sorted, 0.5);
  return ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2;
}
