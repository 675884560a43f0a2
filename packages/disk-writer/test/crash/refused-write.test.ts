// Goal: what a failed write left behind is never found beside what was sent again instead.
// Method: one write lands on the disk and fails all the same; every step until the end is crashed in many ways.
import { rotateByEvents } from '@relaykit/rotation';
import { describe, expect, it } from 'vitest';
import type { FlushMode } from '../../src/index.ts';
import { type Depth, explore } from './explore.ts';
import type { CrashScenario } from './scenario-run.ts';

const depth: Depth = {
  name: 'refused write',
  maxOutcomes: 200,
  seeds: 400,
  kills: 2,
  nestedEvery: Number.POSITIVE_INFINITY,
  nestedKillEvery: Number.POSITIVE_INFINITY,
  nestedSeeds: 1,
};

function refuseOnce(flushMode: FlushMode, code: 'EIO' | 'ENOSPC'): CrashScenario {
  return {
    name: `${code}, ${flushMode}`,
    mayMove: true,
    // A slow disk: what ends the file of the failed write is still under way when the batch is sent again.
    disk: { maxAsyncTurns: 40 },
    async run(context) {
      const { disk } = context;
      const writer = context.writer(disk.process('writer'), { flushMode, rotation: rotateByEvents(8) });
      await writer.send(1, 'written');
      disk.failNext('write', code, { landed: 'all' });
      await writer.send(2, 'written');
      await writer.send(1, 'synced');
      await writer.close();
    },
  };
}

describe.for(['append', 'atomic'] as const)('a refused write of a writer in mode %s', (flushMode) => {
  it('is found once, where it was sent again', async () => {
    for (const code of ['EIO', 'ENOSPC'] as const) {
      for (const seed of [1, 2]) {
        const { states } = await explore(refuseOnce(flushMode, code), seed, depth);
        expect(states).toBeGreaterThan(0);
      }
    }
  });
});
