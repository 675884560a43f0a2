// One process of the full crash run: every `workers`-th pair of scenario and seed. Prints a line of JSON for each.
// With RELAY_CRASH it goes back to one crash and tells what had happened until then.
import { depths, full } from './depths.ts';
import { type ExploreCounts, explore, exploreDisturbed } from './explore.ts';
import { type CrashScenario, type Disturbance, runScenario } from './scenario-run.ts';
import { scenarios } from './scenarios.ts';

const [worker = 0, workers = 1, fromSeed = 1, toSeed = 1] = process.argv.slice(2).map(Number);
const { RELAY_CRASH: label, RELAY_CRASH_SCENARIO: only, RELAY_CRASH_DEPTH: wanted } = process.env;
const depth = depths.find(({ name }) => name === wanted) ?? full;

if (label) await replay(label);
else await visitAll();

async function visitAll(): Promise<void> {
  let turn = 0;
  for (let seed = fromSeed; seed <= toSeed; seed += 1) {
    for (const scenario of scenarios) {
      const { name, cost = 1, isShared } = scenario;
      if (only ? only !== name : seed % Math.max(1, cost) !== 0) continue;
      turn += 1;
      if (turn % workers !== worker) continue;
      await attempt(name, seed, () => explore(scenario, seed, depth));
      if (isShared) await attempt(name, seed, () => exploreDisturbed(scenario, seed, depth));
    }
  }
}

async function attempt(name: string, seed: number, visit: () => Promise<ExploreCounts>): Promise<void> {
  try {
    console.log(JSON.stringify({ name, seed, ...(await visit()) }));
  } catch (error) {
    console.log(JSON.stringify({ name, seed, failure: error instanceof Error ? error.message : String(error) }));
    process.exitCode = 1;
  }
}

async function replay(place: string): Promise<void> {
  const [name, seedText, stepText = '', depthName] = place.split(':');
  const scenario = scenarios.find((candidate) => candidate.name === name);
  const depthOf = depths.find((candidate) => candidate.name === depthName);
  const seed = Number(seedText);
  const step = Number(stepText.split(' ').at(-1));
  const isDisturbed = stepText.includes(' ');
  if (!scenario || !depthOf || !Number.isSafeInteger(seed) || !Number.isSafeInteger(step)) {
    throw new RangeError(`RELAY_CRASH must be scenario:seed:step:depth as a failure prints it, got ${place}`);
  }
  const disturbance = { [stepText.startsWith('kill') ? 'killAtStep' : 'rivalAtStep']: step };
  await tell(scenario, seed, isDisturbed ? Number.POSITIVE_INFINITY : step, isDisturbed ? disturbance : {});
  await attempt(scenario.name, seed, () =>
    isDisturbed ? exploreDisturbed(scenario, seed, depthOf, stepText) : explore(scenario, seed, depthOf, step),
  );
}

/** What a scenario did until a step, and what it had been told by then. */
async function tell(scenario: CrashScenario, seed: number, toStep: number, disturbance: Disturbance): Promise<void> {
  const { journal, steps } = await runScenario(scenario, seed, disturbance);
  let told = 0;
  for (const [index, { snapshot, version }] of steps.entries()) {
    if (index > toStep) return;
    for (const entry of journal.entries.slice(told, version)) {
      const { batch, ...facts } = { batch: undefined, ...entry };
      console.log(`      ${JSON.stringify(facts)} ${batch?.events.map(({ text }) => text).join(' ') ?? ''}`);
    }
    told = version;
    console.log(`${index} ${snapshot.describe().replace(/^.*during /, '')}`);
  }
}
