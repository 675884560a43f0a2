// Goal: no crash, at any step of any scenario, breaks a promise of the architecture.
// Method: each scenario runs once for a seed; every step of it is crashed in many ways on the simulated disk, recovered
// by the real code, and checked against what had been promised by then. `npm run test:crash` visits a million states.
import { afterAll, describe, expect, it } from 'vitest';
import { depths, quick } from './depths.ts';
import { explore, exploreDisturbed } from './explore.ts';
import { scenarios } from './scenarios.ts';

/** Crash states a scenario, so that all of them come to more than `MIN_STATES`. */
const STATES_A_SCENARIO = Number(process.env.RELAY_CRASH_STATES ?? 4_500);
const MIN_STATES = 50_000;
/** Only a hanging test takes this long, however slow the machine is. */
const TIMEOUT_MS = 600_000;

const depth = depths.find(({ name }) => name === process.env.RELAY_CRASH_DEPTH) ?? quick;

let visited = 0;
let explored = 0;

describe('crash', () => {
  for (const scenario of scenarios) {
    it(`keeps every promise: ${scenario.name}`, { timeout: TIMEOUT_MS }, async () => {
      const { cost = 1, isShared } = scenario;
      let states = 0;
      for (let seed = 1; states < STATES_A_SCENARIO / cost; seed += 1) {
        states += (await explore(scenario, seed, depth)).states;
        if (isShared) states += (await exploreDisturbed(scenario, seed, depth)).states;
      }
      visited += states;
      explored += 1;
      expect(states).toBeGreaterThanOrEqual(STATES_A_SCENARIO / cost);
    });
  }

  afterAll(() => {
    console.log(`${visited} crash states recovered and checked`);
    // A run of one scenario by its name visits fewer.
    if (explored === scenarios.length) expect(visited).toBeGreaterThanOrEqual(MIN_STATES);
  });
});
