// Goal: the exit path stores what is in memory once, wherever the writer was interrupted.
// Method: a process ends after every number of turns that a write, its sync and the seal behind it may take.
import { describe, expect, it } from 'vitest';
import { type Depth, explore } from './explore.ts';
import { exitAfter } from './scenarios.ts';

/** More than the whole scenario takes. */
const TURNS = 60;
const depth: Depth = {
  name: 'exit',
  maxOutcomes: 2,
  seeds: 2,
  kills: 1,
  nestedEvery: Number.POSITIVE_INFINITY,
  nestedKillEvery: Number.POSITIVE_INFINITY,
  nestedSeeds: 1,
};

describe.for(['append', 'atomic'] as const)('exit of a writer in mode %s', (flushMode) => {
  it('stores everything once, whatever is under way', async () => {
    let states = 0;
    for (let turns = 0; turns < TURNS; turns += 1) {
      for (const seed of [1, 2]) states += (await explore(exitAfter(turns, flushMode), seed, depth)).states;
    }
    expect(states).toBeGreaterThan(TURNS);
  });
});
