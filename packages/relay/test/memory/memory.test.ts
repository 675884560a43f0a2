// Goal: whatever the disk does, the bound holds and every event is persisted or dropped with a reason.
// Method: a small version of `npm run test:memory`, which also looks at the memory.
import { expect, it } from 'vitest';
import { runCycles, sumOf } from './cycles.ts';
import type { DiskKind } from './disk.ts';

it.each(['healthy', 'slow', 'failing'] satisfies DiskKind[])('accounts for every event on a %s disk', async (disk) => {
  const outcome = await runCycles({ disk, cycles: 24, eventsPerCycle: 500, maxEvents: 800 });
  expect(outcome.added).toBe(24 * 500);
  expect(outcome.persisted + sumOf(outcome.dropped)).toBe(outcome.added);
  expect(outcome.inSpool).toBe(outcome.added);
  expect(outcome.mostBuffered).toBeLessThanOrEqual(800);
  expect(outcome.persisted).toBeGreaterThan(0);
  if (disk === 'healthy') expect(outcome).toMatchObject({ persisted: outcome.added, failedWrites: 0 });
  if (disk === 'failing') expect(outcome.failedWrites).toBeGreaterThan(0);
  if (disk !== 'healthy') expect(outcome.dropped['overflow']).toBeGreaterThan(0);
});
