import { ManualLifecycle, settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import type { DroppedEvents } from '../src/index.ts';
import { addAll, expectBalanced, range, scenario } from './scenario.ts';

it('refuses events once somebody else has closed the persistence', async () => {
  const { buffer, persistence } = scenario({ maxEvents: 2, flushEvents: 1 });
  persistence.hold();
  addAll(buffer, [0, 1]);
  const waiting = [buffer.addWhenRoom(2), buffer.addWhenRoom(3)];
  await settle();
  const closed = persistence.close();
  persistence.release();
  await closed;
  await settle();
  const refused = { status: 'refused', reason: 'closed' };
  await expect(Promise.race([waiting[0], settle()])).resolves.toEqual(refused);
  await expect(waiting[1]).resolves.toEqual(refused);
  expect(buffer.add(4)).toEqual(refused);
  await expect(buffer.addWhenRoom(5)).resolves.toEqual(refused);
  expect(buffer.counts()).toMatchObject({ waitingForRoom: 0, refused: { closed: 4 } });
  expectBalanced(buffer);
});

describe('close', () => {
  it('tries each batch once, though one before it fails', async () => {
    const dropped: unknown[] = [];
    const onDropped = ({ reason, eventCount }: DroppedEvents): void => void dropped.push([reason, eventCount]);
    const { buffer, persistence } = scenario({ flushEvents: 10, onDropped });
    persistence.hold();
    addAll(buffer, range(0, 50));
    // The write under way, which does not count as the last attempt, and the first of the last ones.
    persistence.failNext(2);
    persistence.release();
    const { unpersistedEventCount, errors } = await buffer.close();
    expect([unpersistedEventCount, errors.length]).toEqual([10, 1]);
    expect(persistence.events()).toEqual(range(10, 50));
    expect(dropped).toEqual([['unpersisted', 10]]);
    expectBalanced(buffer);
  });

  it('ends where all that fails is the sync', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    addAll(buffer, range(0, 2));
    await settle();
    const { write } = persistence;
    Object.assign(persistence, { write: () => Promise.reject(new Error('no sync')) });
    await expect(buffer.flush({ durability: 'synced' })).rejects.toThrow('no sync');
    expect(await buffer.close()).toEqual({ unpersistedEventCount: 0, errors: [] });
    Object.assign(persistence, { write });
  });

  it('writes what is in memory, then closes the persistence, once', async () => {
    const { buffer, persistence } = scenario();
    addAll(buffer, range(0, 7));
    const closed = buffer.close();
    expect(buffer.close()).toBe(closed);
    await expect(closed).resolves.toEqual({ unpersistedEventCount: 0, errors: [] });
    expect(buffer.close()).toBe(closed);
    expect(persistence.calls.map(({ method }) => method)).toEqual(['commit', 'close']);
    expect(persistence.events()).toEqual(range(0, 7));
  });

  it('leaves the persistence open where told to', async () => {
    const { buffer, persistence } = scenario({ closesPersistence: false });
    addAll(buffer, [1]);
    await buffer.close();
    expect(persistence.calls.map(({ method }) => method)).toEqual(['commit']);
    await persistence.write([2]);
  });

  it('takes no more events', async () => {
    const { buffer, persistence } = scenario();
    const closing = buffer.close();
    expect(buffer.add(1)).toEqual({ status: 'refused', reason: 'closed' });
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'RELAY_CLOSED', facts: { operation: 'flush' } });
    await closing;
    expect(buffer.counts()).toMatchObject({ added: 0, refused: { closed: 1 } });
    expect(persistence.events()).toEqual([]);
  });

  it('waits for what is in flight', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    persistence.hold();
    addAll(buffer, range(0, 3));
    await settle();
    let isClosed = false;
    const closed = buffer.close().then(() => {
      isClosed = true;
    });
    await settle();
    expect(isClosed).toBe(false);
    persistence.release();
    await closed;
    expect(persistence.events()).toEqual(range(0, 3));
  });

  it('tries once more where the write in flight fails', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 2 });
    persistence.hold();
    addAll(buffer, range(0, 2));
    await settle();
    persistence.failNext();
    const closed = buffer.close();
    persistence.release();
    await expect(closed).resolves.toEqual({ unpersistedEventCount: 0, errors: [] });
    expect(persistence.events()).toEqual(range(0, 2));
  });

  it('reports what could not be persisted, and counts it as dropped', async () => {
    const dropped: unknown[] = [];
    const error = new Error('disk on fire');
    const { buffer, persistence, clock } = scenario({
      flushEvents: 2,
      maxEvents: 5,
      onDropped: (drop) => {
        dropped.push(drop);
        expectBalanced(buffer);
      },
    });
    persistence.failNext(Number.POSITIVE_INFINITY, error);
    addAll(buffer, range(0, 5));
    await expect(buffer.close()).resolves.toEqual({ unpersistedEventCount: 5, errors: [error, error, error] });
    expect(dropped).toEqual([2, 2, 1].map((eventCount) => ({ reason: 'unpersisted', eventCount, cause: error })));
    expect(buffer.counts()).toMatchObject({ added: 5, persisted: 0, buffered: 0, bufferedBytes: 0 });
    expect(clock.pendingTimers).toEqual([]);
    expect(persistence.calls.at(-1)?.method).toBe('close');
  });

  it('reports that the persistence failed to close', async () => {
    const { buffer, persistence } = scenario();
    const error = new Error('cannot seal');
    Object.assign(persistence, { close: () => Promise.reject(error) });
    await expect(buffer.close()).resolves.toEqual({ unpersistedEventCount: 0, errors: [error] });
    await expect(buffer[Symbol.asyncDispose]()).rejects.toBe(error);
  });

  it('leaves no listener behind', async () => {
    const lifecycle = new ManualLifecycle();
    const { buffer } = scenario({ lifecycle });
    expect(lifecycle.listenerCount).toBe(1);
    await buffer.close();
    expect(lifecycle.listenerCount).toBe(0);
  });
});

describe('await using', () => {
  it('closes', async () => {
    const { buffer, persistence } = scenario();
    addAll(buffer, [1]);
    await buffer[Symbol.asyncDispose]();
    expect(persistence.events()).toEqual([1]);
    expect(buffer.add(2)).toEqual({ status: 'refused', reason: 'closed' });
  });

  it('throws where events were lost', async () => {
    const { buffer, persistence } = scenario();
    persistence.failNext(Number.POSITIVE_INFINITY);
    addAll(buffer, range(0, 3));
    await expect(buffer[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'RELAY_EVENTS_UNPERSISTED',
      facts: { eventCount: 3 },
      cause: { code: 'RELAY_STORAGE_FULL' },
    });
  });
});

it('closes once where its own logger closes it', async () => {
  const { buffer, persistence } = scenario({
    maxEvents: 1,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => void buffer.close(),
      error: () => undefined,
    },
  });
  addAll(buffer, [1]);
  const waiting = buffer.addWhenRoom(2);
  await buffer.close();
  await waiting;
  expect(persistence.calls.map(({ method }) => method)).toEqual(['commit', 'close']);
});
