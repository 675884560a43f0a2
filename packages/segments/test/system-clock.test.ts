import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/index.ts';

describe('systemClock', () => {
  const clock = systemClock();

  it('tells the time of the machine', () => {
    const before = Date.now();
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    const start = clock.monotonicMs();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(start);
  });

  it('runs what falls due, in order, at once where the delay is negative', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.setTimer(
        20,
        () => {
          order.push('later');
          resolve();
        },
        { keepsProcessAlive: true },
      );
      clock.setTimer(-1, () => order.push('at once'), { keepsProcessAlive: true });
      clock.setTimer(0, () => order.push('never'), { keepsProcessAlive: true }).cancel();
    });
    expect(order).toEqual(['at once', 'later']);
  });

  it('does not run a timer at once that is further away than timers of the platform reach', async () => {
    let hasRun = false;
    const timer = clock.setTimer(2 ** 40, () => {
      hasRun = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    timer.cancel();
    expect(hasRun).toBe(false);
  });
});
