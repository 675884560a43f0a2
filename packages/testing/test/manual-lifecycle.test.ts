import { expect, it } from 'vitest';
import { ManualLifecycle } from '../src/index.ts';

it('tells listeners before it returns, and waits for what they return', async () => {
  const lifecycle = new ManualLifecycle();
  const heard: string[] = [];
  let finish: () => void = () => undefined;
  const unsubscribe = lifecycle.subscribe((change) => void heard.push(change));
  lifecycle.subscribe(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  expect(lifecycle.listenerCount).toBe(2);
  let isDone = false;
  const told = lifecycle.emit('terminate').then(() => {
    isDone = true;
  });
  expect(heard).toEqual(['terminate']);
  await Promise.resolve();
  expect(isDone).toBe(false);
  finish();
  await told;
  unsubscribe();
  unsubscribe();
  expect(lifecycle.listenerCount).toBe(1);
});
