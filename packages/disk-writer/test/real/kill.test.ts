// Goal: what a process was told is stored survives its SIGKILL, on a real disk.
// Method: a process writes and says what was acknowledged; it is killed at a random moment; the spool is recovered and read.
// `npm run test:kill` runs 200 rounds.
import { setTimeout as sleep } from 'node:timers/promises';
import { mixSeed, seededRandom } from '@relaykit/testing';
import { expect, it, onTestFinished } from 'vitest';
import { BATCH_EVENTS } from './batch-events.ts';
import { startChild, temporaryDirectory } from './child-process.ts';
import { recoverAndRead } from './recovered.ts';

const rounds = Number(process.env['RELAY_KILL_ROUNDS'] ?? 10);
const seed = Number(process.env['RELAY_KILL_SEED'] ?? Date.now() % 2 ** 31);
const MODES = ['written', 'synced', 'atomic'] as const;
const LONGEST_LIFE_MS = 120;

it(
  `keeps what was acknowledged in ${rounds} rounds of SIGKILL, seed ${seed}`,
  async () => {
    const random = seededRandom(mixSeed(seed, 3));
    const directories = new Map(MODES.map((mode) => [mode, temporaryDirectory(onTestFinished)]));
    let acknowledgedCount = 0;
    for (let round = 0; round < rounds; round += 1) {
      const mode = MODES[round % MODES.length] ?? 'written';
      const directory = directories.get(mode) ?? '';
      const child = startChild('write-until-killed.ts', directory, mode, String(round));
      await child.said(1 + Math.floor(random() * 5));
      await sleep(random() * LONGEST_LIFE_MS);
      child.process.kill('SIGKILL');
      await child.ended;

      const label = `round ${round}, ${mode}`;
      const { ids, accounts } = await recoverAndRead(directory, { deliver: true });
      const acknowledged = child.lines.flatMap((line) => line.split(' '));
      acknowledgedCount += acknowledged.length;
      const found = new Set(ids);
      expect(
        acknowledged.filter((id) => !found.has(id)),
        `lost, ${label}`,
      ).toEqual([]);
      expect(found.size, `repeated, ${label}`).toBe(ids.length);
      // Every batch is asked for before the next, so what is there is the beginning of what was sent.
      expect(ids.toSorted(byNumber), `invented, ${label}`).toEqual(ids.map((_, index) => `${round}-${index}`));
      if (mode === 'atomic') expect(ids.length % BATCH_EVENTS, `torn, ${label}`).toBe(0);
      expect(accounts, label).toMatchObject({ lost: 0, repeated: 0, quarantined: 0, unsealedFiles: 0 });
      expect(accounts.pending, label).toBe(ids.length);
    }
    expect(acknowledgedCount).toBeGreaterThan(rounds * BATCH_EVENTS);
  },
  60_000 + rounds * 5_000,
);

function byNumber(left: string, right: string): number {
  return Number(left.split('-')[1]) - Number(right.split('-')[1]);
}
