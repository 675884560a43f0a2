import { settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import type { AddResult } from '../src/index.ts';
import { addAll, expectBalanced, range, scenario } from './scenario.ts';

describe('a full buffer', () => {
  it('refuses by default, takes back nothing, and says so', async () => {
    const logged: unknown[] = [];
    const log = (message: string): void => void logged.push(message);
    const { buffer, persistence } = scenario({
      maxEvents: 4,
      flushEvents: 4,
      logger: { debug: log, info: log, warn: log, error: log },
    });
    persistence.hold();
    addAll(buffer, range(0, 4));
    for (let n = 4; n < 20; n += 1) expect(buffer.add(n)).toEqual({ status: 'refused', reason: 'full' });
    expect(buffer.counts()).toMatchObject({ added: 4, buffered: 4, refused: { full: 16, closed: 0 } });
    expect(logged).toHaveLength(2); // at the 1st and the 10th
    persistence.release();
    await settle();
    addAll(buffer, range(20, 22));
    await buffer.flush();
    expect(persistence.events()).toEqual([...range(0, 4), 20, 21]);
  });

  it("drops the new event with 'dropNewest', counted and announced", async () => {
    const dropped: unknown[] = [];
    const { buffer, persistence } = scenario({
      maxEvents: 3,
      overflow: 'dropNewest',
      onDropped: (drop) => {
        dropped.push(drop);
        expectBalanced(buffer);
      },
    });
    persistence.hold();
    addAll(buffer, range(0, 3));
    expect(buffer.add(3)).toEqual({ status: 'dropped', reason: 'overflow' });
    expect(buffer.add(4)).toEqual({ status: 'dropped', reason: 'overflow' });
    expect(dropped).toEqual(Array(2).fill({ reason: 'overflow', eventCount: 1 }));
    persistence.release();
    await buffer.flush();
    expect(persistence.events()).toEqual(range(0, 3));
    expect(buffer.counts()).toMatchObject({ added: 5, persisted: 3, dropped: { overflow: 2 } });
  });

  it("drops the oldest waiting batch with 'dropOldest', never what is in flight", async () => {
    const dropped: unknown[] = [];
    const { buffer, persistence } = scenario({
      maxEvents: 10,
      flushEvents: 3,
      overflow: 'dropOldest',
      onDropped: (drop) => {
        dropped.push(drop);
        expectBalanced(buffer);
      },
    });
    persistence.hold();
    addAll(buffer, range(0, 3));
    await settle(); // 0–2 are in flight
    addAll(buffer, range(3, 13)); // 3–5, 6–8, then 9 meets the bound
    expect(dropped).toEqual([{ reason: 'overflow', eventCount: 3 }]);
    expect(buffer.counts()).toMatchObject({ added: 13, buffered: 10, inFlight: 3, dropped: { overflow: 3 } });
    persistence.release();
    await buffer.flush();
    expect(persistence.events()).toEqual([...range(0, 3), ...range(6, 13)]);
  });

  it("drops the new event with 'dropOldest' where all others are in flight", async () => {
    const { buffer, persistence } = scenario({ maxEvents: 3, overflow: 'dropOldest' });
    persistence.hold();
    addAll(buffer, range(0, 3));
    await settle();
    expect(buffer.add(3)).toEqual({ status: 'dropped', reason: 'overflow' });
    persistence.release();
    await buffer.flush();
    expect(persistence.events()).toEqual(range(0, 3));
    expectBalanced(buffer);
  });

  it("drops the batch that failed first of all with 'dropOldest'", async () => {
    const { buffer, persistence } = scenario({ maxEvents: 4, flushEvents: 2, overflow: 'dropOldest' });
    persistence.failNext();
    addAll(buffer, range(0, 2));
    await settle();
    addAll(buffer, range(2, 5));
    await buffer.flush();
    expect(persistence.events()).toEqual(range(2, 5));
    expectBalanced(buffer);
  });

  it('tells a flush that waits for what is dropped', async () => {
    const { buffer, persistence } = scenario({ maxEvents: 4, flushEvents: 2, overflow: 'dropOldest' });
    persistence.hold();
    addAll(buffer, range(0, 2));
    const stored = buffer.flush();
    await settle();
    addAll(buffer, range(2, 4));
    const lost = buffer.flush();
    addAll(buffer, range(4, 5));
    const later = buffer.flush();
    const facts = { eventCount: 2 };
    await expect(lost).rejects.toMatchObject({ code: 'RELAY_EVENTS_UNPERSISTED', facts });
    persistence.release();
    await stored;
    await later;
    expect(persistence.events()).toEqual([0, 1, 4]);
  });

  it('is full by bytes, with at most one event above', async () => {
    const { buffer, persistence } = scenario<string>({ maxBytes: 1_000 });
    persistence.hold();
    const event = 'x'.repeat(297); // 300 bytes as a JSON line
    addAll(buffer, Array(4).fill(event));
    expect(buffer.add('y')).toEqual({ status: 'refused', reason: 'full' });
    expect(buffer.counts().bufferedBytes).toBe(1_200);
    persistence.release();
    await settle();
    expect(buffer.counts().bufferedBytes).toBe(0);
    expect(buffer.add('y')).toEqual({ status: 'added' });
  });

  it('announces drops that its listener causes with the next ones, and ends', () => {
    const dropped: number[] = [];
    const { buffer } = scenario({
      maxEvents: 1,
      overflow: 'dropNewest',
      onDropped: ({ eventCount }) => {
        dropped.push(eventCount);
        buffer.add(99);
      },
    });
    addAll(buffer, [0]);
    buffer.add(1);
    buffer.add(2);
    expect(dropped).toEqual([1, 2]);
    expect(buffer.counts().dropped.overflow).toBe(4);
    expectBalanced(buffer);
  });
});

describe('addWhenRoom', () => {
  it('adds at once where there is room', async () => {
    const { buffer } = scenario();
    const result = buffer.addWhenRoom(1);
    expect(buffer.counts().added).toBe(1);
    await expect(result).resolves.toEqual({ status: 'added' });
  });

  it('waits for room, starts the write that makes it, and keeps the order of the calls', async () => {
    const { buffer, persistence } = scenario({ maxEvents: 3, flushIntervalMs: Number.POSITIVE_INFINITY });
    persistence.hold();
    addAll(buffer, range(0, 3));
    const results: Promise<AddResult>[] = range(3, 10).map((n) => buffer.addWhenRoom(n));
    await settle();
    expect(buffer.counts()).toMatchObject({ added: 3, waitingForRoom: 7 });
    expect(buffer.add(99)).toEqual({ status: 'refused', reason: 'full' });
    persistence.release();
    await expect(Promise.all(results)).resolves.toEqual(Array(7).fill({ status: 'added' }));
    await buffer.flush();
    expect(persistence.events()).toEqual(range(0, 10));
  });

  it('starts a write for what fills no batch', async () => {
    const { buffer, persistence } = scenario<string>({ maxBytes: 10, flushIntervalMs: Number.POSITIVE_INFINITY });
    persistence.failNext();
    buffer.add('xxxxxxxxx');
    await settle();
    persistence.succeed();
    await buffer.flush();
    buffer.add('y');
    await buffer.addWhenRoom('xxxxxxxxx');
    await buffer.addWhenRoom('z');
    await buffer.flush();
    expect(persistence.events()).toEqual(['xxxxxxxxx', 'y', 'xxxxxxxxx', 'z']);
  });

  it('gives up when aborted, and does not add', async () => {
    const { buffer, persistence } = scenario({ maxEvents: 1 });
    const reason = new Error('no time');
    await expect(buffer.addWhenRoom(0, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    persistence.hold();
    addAll(buffer, [0]);
    const controller = new AbortController();
    const [aborted, other] = [buffer.addWhenRoom(1, { signal: controller.signal }), buffer.addWhenRoom(2)];
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    persistence.release();
    await other;
    await buffer.flush();
    expect(persistence.events()).toEqual([0, 2]);
  });

  it('does not hammer a failing disk', async () => {
    const { buffer, persistence, clock } = scenario({ maxEvents: 2 });
    persistence.failNext(Number.POSITIVE_INFINITY);
    addAll(buffer, range(0, 2));
    await settle();
    const waiting = range(2, 6).map((n) => buffer.addWhenRoom(n));
    await settle();
    expect(persistence.calls).toHaveLength(1);
    persistence.succeed();
    await clock.advanceAsync(1_000);
    await Promise.all(waiting);
    await buffer.flush();
    expect(persistence.events()).toEqual(range(0, 6));
  });

  it('gets the room that dropping the oldest makes', async () => {
    const { buffer, persistence } = scenario({ maxEvents: 4, flushEvents: 2, overflow: 'dropOldest' });
    persistence.failNext();
    addAll(buffer, range(0, 2));
    await settle();
    addAll(buffer, range(2, 4));
    const waiting = buffer.addWhenRoom(4);
    await settle();
    addAll(buffer, [5]);
    await waiting;
    expectBalanced(buffer);
    expect(buffer.counts()).toMatchObject({ buffered: 4, dropped: { overflow: 2 } });
  });

  it('is refused when the buffer closes', async () => {
    const { buffer, persistence } = scenario({ maxEvents: 1 });
    persistence.hold();
    addAll(buffer, [0]);
    const waiting = buffer.addWhenRoom(1);
    const closed = buffer.close();
    await expect(waiting).resolves.toEqual({ status: 'refused', reason: 'closed' });
    await expect(buffer.addWhenRoom(2)).resolves.toEqual({ status: 'refused', reason: 'closed' });
    persistence.release();
    await closed;
    expect(buffer.counts().refused.closed).toBe(2);
    expect(persistence.events()).toEqual([0]);
  });
});

it.each(['dropped', 'unpersisted'] as const)('gives back the memory of batches that are %s', async (fate) => {
  const { buffer, persistence } = scenario({ maxEvents: 4, flushEvents: 2, overflow: 'dropOldest' });
  const openBatches = new Set<unknown>();
  // The buffer has bound `openBatch` by now; batches are watched where they are added to.
  persistence.failNext(Number.POSITIVE_INFINITY);
  const original = persistence.commit;
  Object.assign(persistence, {
    commit: (...args: Parameters<NonNullable<typeof original>>) => {
      const [batch] = args;
      const release = batch.release.bind(batch);
      openBatches.add(batch);
      batch.release = () => {
        release();
        openBatches.delete(batch);
      };
      return original?.(...args);
    },
  });
  addAll(buffer, range(0, 2));
  await settle();
  expect(openBatches.size).toBe(1);
  if (fate === 'dropped') addAll(buffer, range(2, 5));
  else await buffer.close();
  expect(openBatches.size).toBe(0);
});
