// Runs the cases of a group in turns, each in a process of its own: what happens to the machine meanwhile weighs on all of
// them alike. Cases that go in rounds live side by side and wait for their turns; the others begin anew for each.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Sample } from './case.ts';
import { randomFrom } from './events.ts';
import type { Group, PlannedCase } from './plan.ts';

const PAUSE_MS = 50;
const program = fileURLToPath(new URL('run-case.ts', import.meta.url));

/** The samples of each case, one a round; empty where its package is not installed. */
export type GroupSamples = ReadonlyMap<string, readonly Sample[]>;

export async function runRounds(group: Group, onMissing: (name: string) => void): Promise<GroupSamples> {
  const samples = new Map<string, Sample[]>(group.cases.map(({ name }) => [name, []]));
  const running = new Map<string, RunningCase>();
  const missing = new Set<string>();
  for (let round = 0; round < group.rounds; round += 1) {
    // Nobody always comes after the same one.
    for (const planned of shuffled(group.cases, round)) {
      if (missing.has(planned.name)) continue;
      const { name } = planned;
      const process = running.get(name) ?? new RunningCase(group, planned);
      // What the one before has left to the disk ends outside of the next one's clock.
      await pause(PAUSE_MS);
      const sample = await process.round();
      if (!sample) {
        missing.add(name);
        onMissing(name);
        continue;
      }
      samples.get(name)?.push(sample);
      if (group.livesOn) running.set(name, process);
      else await process.end();
    }
  }
  for (const process of running.values()) await process.end();
  return samples;
}

/** Fisher and Yates, from a seed. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomFrom(seed);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1));
    [order[last], order[chosen]] = [order[chosen] as T, order[last] as T];
  }
  return order;
}

class RunningCase {
  readonly #title: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #ended: Promise<string>;
  #complaints = '';

  constructor({ id, module, parameters, scaledBy }: Group, { name, share = 1 }: PlannedCase) {
    this.#title = `${id}/${name}`;
    const scaled = scaledBy === undefined ? {} : { [scaledBy]: Math.ceil((parameters[scaledBy] ?? 0) * share) };
    const order = JSON.stringify({ group: module, name, parameters: { ...parameters, ...scaled } });
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', program, order], { stdio: 'pipe' });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text;
    });
    // What is written to a process that has ended is told by its end.
    child.stdin.on('error', () => undefined);
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => child.on('close', (status, signal) => resolve(String(status ?? signal))));
  }

  /** What the next round has measured; `undefined` where a package is not installed. */
  async round(): Promise<Sample | undefined> {
    this.#child.stdin?.write('round\n');
    for (;;) {
      const { done, value } = await this.#lines.next();
      // Some packages have something to say.
      if (!done && value.startsWith('{')) return JSON.parse(value) as Sample;
      if (!done) continue;
      const ending = await this.#ended;
      if (/ERR_MODULE_NOT_FOUND|Cannot find package/u.test(this.#complaints)) return undefined;
      throw new Error(`${this.#title} ended with ${ending}:\n${this.#complaints}`);
    }
  }

  /** Waits until it has checked what it wrote. */
  async end(): Promise<void> {
    this.#child.stdin?.end('end\n');
    const ending = await this.#ended;
    if (ending !== '0') throw new Error(`${this.#title} ended with ${ending}:\n${this.#complaints}`);
  }
}
