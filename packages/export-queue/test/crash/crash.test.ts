// Goal: no crash, at any step of a lease, an upload, a receipt, a removal, a quarantine and what ends one, or the end of a
// hold, loses a segment, counts it twice, or sends one again that is known to have arrived.
// Method: each scenario runs once for a seed with the real queue and store on the simulated disk; every step is crashed by
// a power cut and a kill, recovered, checked, and the rest delivered.
import { afterAll, describe, expect, it } from 'vitest';
import { explore, exploreKills } from './explore.ts';
import { scenarios } from './scenarios.ts';

/** Crash states a scenario. */
const STATES_A_SCENARIO = Number(process.env.RELAY_EXPORT_CRASH_STATES ?? 600);
/** `scenario:seed:step` as a failure prints it: this crash alone. */
const [onlyName, onlySeed, onlyStep] = (process.env.RELAY_EXPORT_CRASH ?? '').split(':');
/** Only a hanging test takes this long, however slow the machine is. */
const TIMEOUT_MS = 600_000;

let visited = 0;

describe('crash', () => {
  for (const scenario of scenarios) {
    if (onlyName && onlyName !== scenario.name) continue;
    it(`keeps every promise of the queue: ${scenario.name}`, { timeout: TIMEOUT_MS }, async () => {
      let states = 0;
      if (onlySeed && onlyStep) {
        const step = Number(onlyStep.split(' ').at(-1));
        const visit = onlyStep.startsWith('kill') ? exploreKills : explore;
        states = await visit(scenario, Number(onlySeed), step);
        expect(states).toBeGreaterThan(0);
        return;
      }
      for (let seed = 1; states < STATES_A_SCENARIO; seed += 1) {
        states += await explore(scenario, seed);
        if (scenario.isShared) states += await exploreKills(scenario, seed);
      }
      visited += states;
    });
  }

  afterAll(() => console.log(`${visited} crash states of the queue recovered and checked`));
});
