// Goal: an exchange is bounded by progress and by a slowest rate, and leaves no timer behind.
import { ManualClock } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { ExchangeDeadline } from '../../src/http/exchange-deadline.ts';

async function* pieces(count: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let n = 0; n < count; n += 1) yield new Uint8Array(1);
}

function setUp(limits: { timeoutMs: number; totalMs: number }): {
  clock: ManualClock;
  deadline: ExchangeDeadline;
  hasExceeded: () => boolean;
} {
  const clock = new ManualClock();
  let isExceeded = false;
  const onExceeded = (): void => {
    isExceeded = true;
  };
  return { clock, deadline: new ExchangeDeadline({ clock, ...limits, onExceeded }), hasExceeded: () => isExceeded };
}

it('runs out after a time without progress', async () => {
  const { clock, deadline, hasExceeded } = setUp({ timeoutMs: 100, totalMs: 10_000 });
  for await (const _piece of deadline.watch(pieces(20))) clock.advance(99);
  expect(hasExceeded()).toBe(false);
  clock.advance(99);
  expect(hasExceeded()).toBe(false);
  clock.advance(1);
  expect(hasExceeded()).toBe(true);
});

it('runs out after the time for the whole, however steady the progress', async () => {
  const { clock, deadline, hasExceeded } = setUp({ timeoutMs: 100, totalMs: 450 });
  let taken = 0;
  for await (const _piece of deadline.watch(pieces(20))) {
    clock.advance(99);
    if (hasExceeded()) break;
    taken += 1;
  }
  expect(taken).toBe(4);
});

it('leaves no timer behind once it ended, though the body is still asked for pieces', async () => {
  const { clock, deadline, hasExceeded } = setUp({ timeoutMs: 100, totalMs: 450 });
  const body = deadline.watch(pieces(3));
  await body.next();
  deadline.end();
  await body.next();
  expect(clock.pendingTimers).toEqual([]);
  clock.advance(1_000);
  expect(hasExceeded()).toBe(false);
});
