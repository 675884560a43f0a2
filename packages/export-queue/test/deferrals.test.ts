// Goal: what the queue remembers of waiting segments is right, and bounded by the segments that are there.
import { expect, it } from 'vitest';
import { Deferrals } from '../src/deferrals.ts';

it('forgets what a complete listing did not show, and nothing else', () => {
  const deferrals = new Deferrals();
  deferrals.beginCycle();
  deferrals.defer('stays', 'retry', 10);
  deferrals.defer('goes', 'retry', 5);
  deferrals.endCompleteCycle();
  expect(deferrals.nextDueAtMs()).toBe(5);
  deferrals.beginCycle();
  deferrals.see('stays');
  deferrals.see('never deferred');
  deferrals.endCompleteCycle();
  expect(deferrals.dueAtMs('stays')).toBe(10);
  expect(deferrals.dueAtMs('goes')).toBeUndefined();
  expect(deferrals.nextDueAtMs()).toBe(10);
});

it('lets held segments be looked at again, and no others', () => {
  const deferrals = new Deferrals();
  deferrals.defer('held', 'held', 10);
  deferrals.defer('retry', 'retry', 20);
  expect(deferrals.isHeld('held')).toBe(true);
  deferrals.forgetWhatOthersHold();
  expect([deferrals.dueAtMs('held'), deferrals.dueAtMs('retry')]).toEqual([undefined, 20]);
});
