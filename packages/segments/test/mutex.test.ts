import { describe, expect, it } from 'vitest';
import { Mutex } from '../src/mutex.ts';

describe('Mutex', () => {
  it('runs tasks one after another in call order, also behind one that fails', async () => {
    const mutex = new Mutex();
    const events: string[] = [];
    const task = (name: string, fails = false) =>
      mutex.run(async () => {
        events.push(`${name} begins`);
        await Promise.resolve();
        events.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const results = await Promise.allSettled([task('a'), task('b', true), task('c')]);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(results).toMatchObject([
      { status: 'fulfilled', value: 'a' },
      { status: 'rejected', reason: { message: 'b' } },
      { status: 'fulfilled', value: 'c' },
    ]);
  });
});
