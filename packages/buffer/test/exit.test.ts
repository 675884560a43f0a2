import { ManualLifecycle, settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import type { EncodeTime } from '../src/index.ts';
import { addAll, expectBalanced, range, scenario, storeSizes } from './scenario.ts';

describe.each(['onAdd', 'onFlush'] satisfies EncodeTime[])('on exit, encoding %s', (encode) => {
  it('stores everything before it returns, in order', () => {
    const lifecycle = new ManualLifecycle();
    const { buffer, persistence } = scenario({ lifecycle, encode, flushEvents: 4 });
    addAll(buffer, range(0, 10));
    void lifecycle.emit('exit');
    expect(persistence.events()).toEqual(range(0, 10));
    expect(buffer.counts()).toMatchObject({ added: 10, persisted: 10, buffered: 0, bufferedBytes: 0 });
  });

  it('stores what is in flight once, before the rest', async () => {
    const lifecycle = new ManualLifecycle();
    const { buffer, persistence } = scenario({ lifecycle, encode, flushEvents: 4 });
    persistence.hold();
    addAll(buffer, range(0, 10));
    await settle();
    expect(buffer.counts().inFlight).toBe(4);
    const flushed = buffer.flush();
    void lifecycle.emit('exit');
    expect(persistence.events()).toEqual(range(0, 10));
    expectBalanced(buffer);
    // Should the process live on, the write in flight changes nothing, and the buffer works.
    persistence.release();
    await flushed;
    await settle();
    addAll(buffer, range(10, 12));
    await buffer.flush({ durability: 'synced' });
    expect(persistence.events('synced')).toEqual(range(0, 12));
    expect(buffer.counts()).toMatchObject({ added: 12, persisted: 12, buffered: 0, inFlight: 0 });
  });

  it('does not put a failed write back that exit has stored', async () => {
    const lifecycle = new ManualLifecycle();
    const { buffer, persistence } = scenario({ lifecycle, encode, flushEvents: 2 });
    persistence.hold();
    addAll(buffer, range(0, 2));
    await settle();
    void lifecycle.emit('exit');
    // The write under way has been stored by now; whatever it still answers is not about these events.
    persistence.failNext();
    persistence.release();
    await settle();
    persistence.succeed();
    await buffer.close();
    expect(persistence.events()).toEqual(range(0, 2));
    expectBalanced(buffer);
  });

  it('goes on with the next batch where one fails, and keeps count', () => {
    const lifecycle = new ManualLifecycle();
    const logged: unknown[] = [];
    const log = (message: string, facts: unknown): void => void logged.push([message, facts]);
    const logger = { debug: log, info: log, warn: log, error: log };
    const { buffer, persistence } = scenario({ lifecycle, encode, flushEvents: 2, logger });
    addAll(buffer, range(0, 6));
    persistence.failNext();
    void lifecycle.emit('exit');
    expect(persistence.events()).toEqual(range(2, 6));
    expect(buffer.counts()).toMatchObject({ persisted: 4, buffered: 2 });
    expect(logged).toMatchObject([[expect.stringContaining('not be written at once'), { eventCount: 2 }]]);
    expectBalanced(buffer);
  });
});

it('keeps what waits, in order, where exit fails and the process lives on', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle, flushEvents: 2 });
  addAll(buffer, range(0, 5));
  persistence.failNext(3);
  void lifecycle.emit('exit');
  expect(buffer.counts()).toMatchObject({ persisted: 0, buffered: 5, failedWrites: 3 });
  await buffer.close();
  expect(persistence.events()).toEqual(range(0, 5));
});

it('stores at exit what close has not stored yet', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle, flushEvents: 2 });
  persistence.hold();
  addAll(buffer, range(0, 5));
  const closed = buffer.close();
  await settle();
  void lifecycle.emit('exit');
  expect(persistence.events()).toEqual(range(0, 5));
  persistence.release();
  await expect(closed).resolves.toEqual({ unpersistedEventCount: 0, errors: [] });
  expect(persistence.events()).toEqual(range(0, 5));
});

it('says so where the persistence cannot store at exit', () => {
  const lifecycle = new ManualLifecycle();
  const logged: unknown[] = [];
  const log = (message: string, facts: unknown): void => void logged.push([message, facts]);
  const { buffer } = scenario({
    lifecycle,
    writer: { offersWriteSync: false },
    logger: { debug: log, info: log, warn: log, error: log },
  });
  addAll(buffer, range(0, 3));
  void lifecycle.emit('exit');
  expect(logged).toMatchObject([[expect.stringContaining('not be written at once'), { eventCount: 3 }]]);
  expect(buffer.counts().buffered).toBe(3);
});

it('lets an application end whose disk fails on terminate', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle });
  persistence.failNext();
  addAll(buffer, [1]);
  await lifecycle.emit('terminate');
  expect(buffer.counts()).toMatchObject({ buffered: 1, failedWrites: 1 });
  void lifecycle.emit('exit');
  expect(persistence.events()).toEqual([1]);
});

it('makes terminate wait for the flush', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle });
  persistence.hold();
  addAll(buffer, [1]);
  let mayEnd = false;
  const told = lifecycle.emit('terminate').then(() => {
    mayEnd = true;
  });
  await settle();
  expect(mayEnd).toBe(false);
  persistence.release();
  await told;
  expect(persistence.events()).toEqual([1]);
});

it('ignores a write that fails after exit has stored its events', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle });
  let failCommit: (error: Error) => void = () => undefined;
  const commit = (): Promise<never> =>
    new Promise((_, reject) => {
      failCommit = reject;
    });
  const { commit: original } = persistence;
  Object.assign(persistence, { commit });
  addAll(buffer, range(0, 2));
  const flushed = buffer.flush();
  await settle();
  void lifecycle.emit('exit');
  Object.assign(persistence, { commit: original });
  addAll(buffer, range(2, 3));
  const later = buffer.flush();
  failCommit(new Error('too late'));
  await flushed;
  await later;
  expect(persistence.events()).toEqual(range(0, 3));
  expect(buffer.counts()).toMatchObject({ added: 3, persisted: 3, failedWrites: 0 });
});

it('does not count what exit stores during a sync as synced', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle });
  addAll(buffer, [1]);
  await buffer.flush();
  persistence.hold();
  const synced = buffer.flush({ durability: 'synced' });
  await settle();
  addAll(buffer, [2]);
  void lifecycle.emit('exit');
  persistence.release();
  await synced;
  await buffer.flush({ durability: 'synced' });
  // A write, a sync that began before the exit, the exit, and a sync that began after it.
  expect(storeSizes(persistence)).toEqual([1, 0, 1, 0]);
});

it('opens another batch after exit has stored the open one behind a failed one', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle, flushEvents: 2 });
  addAll(buffer, range(0, 5));
  persistence.failNext();
  void lifecycle.emit('exit');
  addAll(buffer, range(5, 6));
  await buffer.close();
  expect(persistence.events()).toEqual([2, 3, 4, 0, 1, 5]);
  expectBalanced(buffer);
});

it('stores an event whose encoding adds another while the process exits', () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario<object>({ lifecycle });
  void lifecycle.emit('exit');
  const adding = (toJSON: () => unknown) => ({
    toJSON: () => {
      expect(buffer.add({ n: 'within' })).toEqual({ status: 'added' });
      return toJSON();
    },
  });
  expect(buffer.add(adding(() => ({ n: 'around' })))).toEqual({ status: 'added' });
  expect(persistence.events()).toEqual([{ n: 'within' }, { n: 'around' }]);
  expect(buffer.add(adding(() => 1n))).toMatchObject({ status: 'dropped' });
  expect(persistence.events()).toHaveLength(3);
  expect(buffer.counts()).toMatchObject({ added: 4, persisted: 3, buffered: 0 });
});

it('stores at once what is added while the process exits, and waits again should it live on', async () => {
  const lifecycle = new ManualLifecycle();
  const { buffer, persistence } = scenario({ lifecycle });
  addAll(buffer, range(0, 2));
  void lifecycle.emit('exit');
  addAll(buffer, range(2, 4));
  expect(persistence.events()).toEqual(range(0, 4));
  await settle();
  addAll(buffer, range(4, 5));
  expect(buffer.counts()).toMatchObject({ persisted: 4, buffered: 1 });
  expectBalanced(buffer);
});
