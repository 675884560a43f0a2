import { describe, expect, it } from 'vitest';
import { DEFAULT_MANUAL_EPOCH_MS, ManualClock } from '../src/index.ts';

describe('ManualClock', () => {
  it('stands still until it is moved', () => {
    const clock = new ManualClock({ epochMs: 1_000, monotonicMs: 5 });
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 5]);
    clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_250, 255]);
    expect(new ManualClock().now()).toBe(DEFAULT_MANUAL_EPOCH_MS);
  });

  it('runs timers in order of their time, those of one time in order of creation', () => {
    const clock = new ManualClock({ epochMs: 0 });
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name}@${clock.monotonicMs()}`);
    clock.setTimer(30, note('c'));
    clock.setTimer(10, note('a'));
    clock.setTimer(30, note('d'));
    clock.setTimer(20, () => {
      note('b')();
      clock.setTimer(5, note('b+5'));
      clock.setTimer(500, note('late'));
    });
    clock.setTimer(20, note('cancelled')).cancel();
    clock.advance(100);
    expect(ran).toEqual(['a@10', 'b@20', 'b+5@25', 'c@30', 'd@30']);
    expect(clock.monotonicMs()).toBe(100);
    expect(clock.pendingTimers).toEqual([{ dueInMs: 420, keepsProcessAlive: false }]);
  });

  it('lets promises settle between timers', async () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve));
    const run = async (): Promise<void> => {
      for (const step of ['a', 'b', 'c']) {
        await sleep(10);
        ran.push(`${step}@${clock.monotonicMs()}`);
      }
    };
    const done = run();
    await clock.advanceAsync(30);
    expect(ran).toEqual(['a@10', 'b@20', 'c@30']);
    await done;
  });

  it('lets the wall clock leap without its timers noticing', () => {
    const clock = new ManualClock({ epochMs: 10_000_000 });
    let hasRun = false;
    clock.setTimer(1_000, () => {
      hasRun = true;
    });
    clock.leapWallClock(-3_600_000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([6_400_000, 0]);
    clock.leapWallClock(86_400_000);
    expect(hasRun).toBe(false);
    clock.advance(1_000);
    expect(hasRun).toBe(true);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses %s as a duration', (ms) => {
    const clock = new ManualClock();
    expect(() => clock.setTimer(ms, () => undefined)).toThrow(`delayMs must be a finite number >= 0, got ${ms}`);
    expect(() => clock.advance(ms)).toThrow(RangeError);
  });
});
