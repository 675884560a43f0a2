// One case in a process of its own: run-case.ts '{"group":"written","name":"relay","parameters":{…}}'.
// It writes what it measured, a line for each round; one that goes in rounds waits for a line of input before each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Cases, Rounds, Sample } from './case.ts';

const { group, name, parameters } = JSON.parse(process.argv[2] ?? '{}') as {
  group: string;
  name: string;
  parameters: Record<string, number>;
};
const { cases } = (await import(`./cases/${group}.ts`)) as { cases: Cases };
const run = cases[name];
if (!run) throw new Error(`there is no case ${name} in ${group}`);
const directory = mkdtempSync(join(process.env['RELAY_BENCH_DIRECTORY'] ?? tmpdir(), 'relaykit-compare-'));
// Workers of loggers do not keep a process alive that waits for them.
setInterval(() => undefined, 1_000);
try {
  const result = run({ directory, parameters });
  if (result instanceof Promise) say(await result);
  else await inRounds(result);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
// SDKs leave timers and connections behind.
process.exit();

/** Waits for a word before each round, so that cases take turns while all of their processes live. */
async function inRounds(rounds: Rounds): Promise<void> {
  // The first takes what comes before the first round, too: opening and warming up.
  for await (const word of createInterface({ input: process.stdin })) {
    const { done, value } = await rounds.next(word === 'round');
    if (done) return;
    say(value);
  }
}

function say(sample: Sample): void {
  process.stdout.write(`${JSON.stringify(sample)}\n`);
}
