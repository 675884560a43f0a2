import { percentile } from './measure.ts';

/** The middle of several runs, and how far apart they were. */
export interface Spread {
  readonly median: number;
  /** Of the middle half of the runs; of all, where they are few. */
  readonly lowest: number;
  readonly highest: number;
}

const FEW = 8;

export function spreadOf(values: readonly number[]): Spread {
  const isFew = values.length < FEW;
  return {
    median: median(values),
    lowest: isFew ? Math.min(...values) : percentile(values, 0.25),
    highest: isFew ? Math.max(...values) : percentile(values, 0.75),
  };
}

function median(values: readonly number[]): number {
  const half = Math.floor(values.length / 2);
  const sorted = [...values].sort((one, other) => one - other);
  if (values.length % 2 === 1) return percentile(sorted, 0.5);
  return ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2;
}
