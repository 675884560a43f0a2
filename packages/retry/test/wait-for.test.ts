import { waitFor } from '@relaykit/retry';
import { ManualClock } from '@relaykit/testing';
import { expect, it } from 'vitest';

it('lets the process end while it waits, unless told otherwise', async () => {
  const clock = new ManualClock();
  const waits = [waitFor(5, { clock }), waitFor(5, { clock, keepsProcessAlive: true })];
  expect(clock.pendingTimers.map(({ keepsProcessAlive }) => keepsProcessAlive)).toEqual([false, true]);
  clock.advance(5);
  await Promise.all(waits);
});

it('passes the reason of a signal on, whatever it is', async () => {
  const controller = new AbortController();
  const wait = waitFor(5, { clock: new ManualClock(), signal: controller.signal });
  controller.abort('enough');
  await expect(wait).rejects.toBe('enough');
});
