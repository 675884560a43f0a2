import type { Depth } from './explore.ts';

/** What every run of the tests visits. */
export const quick: Depth = {
  name: 'quick',
  maxOutcomes: 8,
  seeds: 4,
  kills: 2,
  nestedEvery: 100,
  nestedKillEvery: 8,
  nestedSeeds: 1,
};

/** What the full run visits: all outcomes where they are few, 200 seeds where they are many. */
export const full: Depth = {
  name: 'full',
  maxOutcomes: 64,
  seeds: 200,
  kills: 4,
  nestedEvery: 120,
  nestedKillEvery: 4,
  nestedSeeds: 3,
};

export const depths: readonly Depth[] = [quick, full];
