// Runs the cases of a group round by round, each in a process of its own: what happens to the machine in between weighs
// on all of them alike.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Sample } from './case.ts';
import type { Group, PlannedCase } from './plan.ts';

const program = fileURLToPath(new URL('run-case.ts', import.meta.url));
const CASE_TIME_LIMIT_MS = 600_000;

/** The samples of each case, one a round; empty where its package is not installed. */
export type GroupSamples = ReadonlyMap<string, readonly Sample[]>;

export async function runRounds(group: Group, onMissing: (name: string) => void): Promise<GroupSamples> {
  const samples = new Map<string, Sample[]>(group.cases.map(({ name }) => [name, []]));
  const missing = new Set<string>();
  for (let round = 0; round < group.rounds; round += 1) {
    // Nobody always comes after the same one.
    for (let turn = 0; turn < group.cases.length; turn += 1) {
      const planned = group.cases[(turn + round) % group.cases.length];
      if (!planned || missing.has(planned.name)) continue;
      const sample = await runCase(group, planned);
      if (sample) samples.get(planned.name)?.push(sample);
      else {
        missing.add(planned.name);
        onMissing(planned.name);
      }
    }
  }
  return samples;
}

function runCase(group: Group, { name, share = 1 }: PlannedCase): Promise<Sample | undefined> {
  const { module, parameters, scaledBy } = group;
  const scaled = scaledBy === undefined ? {} : { [scaledBy]: Math.ceil((parameters[scaledBy] ?? 0) * share) };
  const order = JSON.stringify({ group: module, name, parameters: { ...parameters, ...scaled } });
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', program, order], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: CASE_TIME_LIMIT_MS,
    });
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(JSON.parse(output.trim().split('\n').at(-1) ?? '') as Sample);
      else if (/ERR_MODULE_NOT_FOUND|Cannot find package/u.test(complaints)) resolve(undefined);
      else reject(new Error(`${group.id}/${name} ended with ${status ?? signal}:\n${complaints}`));
    });
  });
}
