import { expect, it } from 'vitest';
import { added } from '../src/add-result.ts';
import { RoomQueue } from '../src/room-queue.ts';

it.for([0, 1, 2, 3])('goes on in order when waiter %i of four has given up', async (gone) => {
  const queue = new RoomQueue<number>();
  const giveUp = new AbortController();
  const waiting = [0, 1, 2, 3].map((n) => queue.wait(n, n === gone ? giveUp.signal : undefined));
  const reason = new Error('gave up');
  giveUp.abort(reason);
  await expect(waiting[gone]).rejects.toBe(reason);
  expect(queue.size).toBe(3);

  const late = queue.wait(4, undefined);
  const taken: number[] = [];
  queue.admit(
    () => taken.length < 3,
    (n) => {
      taken.push(n);
      return added;
    },
  );
  const expected = [0, 1, 2, 3, 4].filter((n) => n !== gone);
  expect(taken).toEqual(expected.slice(0, 3));
  expect(queue.size).toBe(1);

  let refused = 0;
  queue.refuseAll(() => {
    refused += 1;
  });
  expect([refused, queue.size, await late]).toEqual([1, 0, { status: 'refused', reason: 'closed' }]);
});

it('tells a waiter whose event cannot be taken, and goes on with the next', async () => {
  const queue = new RoomQueue<number>();
  const waiting = [1, 2].map((n) => queue.wait(n, new AbortController().signal));
  queue.admit(
    () => true,
    (n) => {
      if (n === 1) throw new Error('no');
      return added;
    },
  );
  await expect(waiting[0]).rejects.toThrow('no');
  await expect(waiting[1]).resolves.toEqual(added);
});

it('lets in who comes while it lets others in, behind them', () => {
  const queue = new RoomQueue<number>();
  const taken: number[] = [];
  void queue.wait(1, undefined);
  queue.admit(
    () => taken.length < 2,
    (n) => {
      taken.push(n);
      if (n === 1) void queue.wait(2, undefined);
      return added;
    },
  );
  expect([taken, queue.size]).toEqual([[1, 2], 0]);
});
