// One case in a process of its own: run-case.ts '{"group":"written","name":"relay","parameters":{…}}'.
// The last line of its output is what it measured.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cases } from './case.ts';

const { group, name, parameters } = JSON.parse(process.argv[2] ?? '{}') as {
  group: string;
  name: string;
  parameters: Record<string, number>;
};
const { cases } = (await import(`./cases/${group}.ts`)) as { cases: Cases };
const run = cases[name];
if (!run) throw new Error(`there is no case ${name} in ${group}`);
const directory = mkdtempSync(join(process.env['RELAY_BENCH_DIRECTORY'] ?? tmpdir(), 'relaykit-compare-'));
try {
  const sample = await run({ directory, parameters });
  process.stdout.write(`\n${JSON.stringify(sample)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
// SDKs leave timers and connections behind.
process.exit();
