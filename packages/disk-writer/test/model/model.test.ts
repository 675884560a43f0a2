// Goal: whatever happens to a spool, in whatever order, the promises hold.
// Method: sequences of commands (write, commit, store at exit, rotate, deliver, kill, power cut, full disk, failing disk, leaping
// clock, restart) against writers on a simulated disk and against a list of events; after each command the list and the
// spool are compared. `npm run test:model` runs 10,000 of them. A failure prints seed, path and replayPath; to replay it
// alone, set RELAY_MODEL_SEED, RELAY_MODEL_PATH and RELAY_MODEL_REPLAY.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spoolCommands } from './commands.ts';
import { EventList } from './event-list.ts';
import { expectAllSealed } from './liveness.ts';
import { withSeededIds } from './seeded-ids.ts';
import { SpoolWorld, type WorldOptions } from './spool-world.ts';

const numRuns = Number(process.env['RELAY_MODEL_RUNS'] ?? 200);
const seed = Number(process.env['RELAY_MODEL_SEED'] ?? Date.now() % 2 ** 31);
const path = process.env['RELAY_MODEL_PATH'];
const replayPath = process.env['RELAY_MODEL_REPLAY'];

const worldOptions = fc.record<WorldOptions>({
  seed: fc.nat(),
  maxSegmentEvents: fc.integer({ min: 1, max: 8 }),
  retries: fc.boolean(),
  maxFiles: fc.option(fc.integer({ min: 3, max: 6 }), { nil: undefined, freq: 2 }),
  whenFull: fc.constantFrom('dropOldestUndelivered' as const, 'refuseNew' as const),
});

it(
  `keeps every promise in ${numRuns} sequences, seed ${seed}`,
  async () => {
    let commandCount = 0;
    const sequences = fc.commands([...spoolCommands], {
      maxCommands: 25,
      size: '+1',
      ...(replayPath === undefined ? {} : { replayPath }),
    });
    await fc.assert(
      fc.asyncProperty(worldOptions, sequences, async (options, commands) => {
        await withSeededIds(options.seed, async () => {
          const model = new EventList();
          const real = new SpoolWorld(options, model);
          await fc.asyncModelRun(() => ({ model, real }), commands);
          await expectAllSealed(real);
          commandCount += [...commands].length;
        });
      }),
      { numRuns, seed, ...(path === undefined ? {} : { path }) },
    );
    expect(commandCount).toBeGreaterThan(0);
  },
  // Long, because a busy machine is slow and the full run is large.
  60_000 + numRuns * 300,
);
