import { ManualLifecycle, settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { addAll, range, scenario, storeSizes } from './scenario.ts';

describe('writes start', () => {
  it('once enough events have come together', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 3 });
    addAll(buffer, range(0, 2));
    await settle();
    expect(persistence.calls).toEqual([]);
    addAll(buffer, range(2, 3));
    await settle();
    expect(persistence.events()).toEqual(range(0, 3));
  });

  it('once enough bytes have come together', async () => {
    const { buffer, persistence } = scenario<string>({ flushBytes: 1_000 });
    const event = 'x'.repeat(97); // 100 bytes as a JSON line
    addAll(buffer, Array(9).fill(event));
    await settle();
    expect(persistence.calls).toEqual([]);
    buffer.add(event);
    await settle();
    expect(storeSizes(persistence)).toEqual([10]);
  });

  it('once the first event has waited long enough', async () => {
    const { buffer, persistence, clock } = scenario({ flushIntervalMs: 250 });
    await clock.advanceAsync(10_000);
    buffer.add(1);
    await clock.advanceAsync(200);
    buffer.add(2);
    await clock.advanceAsync(49);
    expect(persistence.calls).toEqual([]);
    await clock.advanceAsync(1);
    expect(persistence.events()).toEqual([1, 2]);
  });

  it('by no timer where there is no interval', async () => {
    const { buffer, clock } = scenario({ flushIntervalMs: Number.POSITIVE_INFINITY });
    buffer.add(1);
    expect(clock.pendingTimers).toEqual([]);
  });

  it.each(['background', 'terminate'] as const)('on %s', async (change) => {
    const lifecycle = new ManualLifecycle();
    const { buffer, persistence } = scenario({ lifecycle });
    buffer.add(1);
    await lifecycle.emit('foreground');
    await settle();
    expect(persistence.calls).toEqual([]);
    await lifecycle.emit(change);
    await settle();
    expect(persistence.events()).toEqual([1]);
  });

  it('with a group of what arrived while another write was in flight', async () => {
    const { buffer, persistence } = scenario();
    persistence.hold();
    buffer.add(0);
    void buffer.flush();
    await settle();
    for (const n of range(1, 50)) {
      buffer.add(n);
      void buffer.flush();
      await Promise.resolve();
    }
    persistence.release();
    await settle();
    expect(storeSizes(persistence)).toEqual([1, 49]);
  });
});

describe('the timer', () => {
  it('runs only while something is buffered, and does not keep the process alive', async () => {
    const { buffer, clock } = scenario();
    expect(clock.pendingTimers).toEqual([]);
    buffer.add(1);
    buffer.add(2);
    expect(clock.pendingTimers).toEqual([{ dueInMs: 1_000, keepsProcessAlive: false }]);
    await buffer.flush();
    expect(clock.pendingTimers).toEqual([]);
    buffer.add(3);
    await buffer.close();
    expect(clock.pendingTimers).toEqual([]);
  });

  it('keeps the process alive while somebody waits for room that a retry has to make', async () => {
    const { buffer, persistence, clock } = scenario({ maxEvents: 2, flushIntervalMs: 500 });
    const timers = (): unknown => clock.pendingTimers;
    persistence.failNext(2);
    addAll(buffer, range(0, 2));
    await settle();
    expect(timers()).toEqual([{ dueInMs: 500, keepsProcessAlive: false }]);
    await clock.advanceAsync(200);
    const giveUp = new AbortController();
    const waiting = [buffer.addWhenRoom(2), buffer.addWhenRoom(3), buffer.addWhenRoom(4, giveUp)];
    expect(timers()).toEqual([{ dueInMs: 300, keepsProcessAlive: true }]);
    await clock.advanceAsync(300);
    expect(timers()).toEqual([{ dueInMs: 500, keepsProcessAlive: true }]);
    giveUp.abort(new Error('gave up'));
    await expect(waiting[2]).rejects.toThrow('gave up');
    await clock.advanceAsync(500);
    await Promise.all(waiting.slice(0, 2));
    expect(persistence.events()).toEqual(range(0, 4));
    buffer.add(5);
    expect(timers()).toEqual([{ dueInMs: 500, keepsProcessAlive: false }]);
  });

  it('also writes what came while the last write was in flight', async () => {
    const { buffer, persistence, clock } = scenario();
    persistence.hold();
    buffer.add(1);
    await clock.advanceAsync(1_000);
    buffer.add(2);
    persistence.release();
    await settle();
    expect(persistence.events()).toEqual([1]);
    await clock.advanceAsync(1_000);
    expect(persistence.events()).toEqual([1, 2]);
  });
});

describe('a failing persistence', () => {
  it('is tried again after the interval and not before, however many events arrive', async () => {
    const { buffer, persistence, clock } = scenario({ flushEvents: 2, flushIntervalMs: 500 });
    persistence.failNext(Number.POSITIVE_INFINITY);
    addAll(buffer, range(0, 2));
    await settle();
    addAll(buffer, range(2, 100));
    await settle();
    expect(persistence.calls).toHaveLength(1);
    await clock.advanceAsync(499);
    expect(persistence.calls).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(persistence.calls).toHaveLength(2);
    await clock.advanceAsync(5_000);
    expect(persistence.calls).toHaveLength(12);
    persistence.succeed();
    await clock.advanceAsync(500);
    expect(persistence.events()).toEqual(range(0, 100));
    addAll(buffer, range(100, 102));
    await settle();
    expect(persistence.events()).toEqual(range(0, 102));
  });

  it('is tried again by itself without an interval, too', async () => {
    const { buffer, persistence, clock } = scenario({ flushIntervalMs: Number.POSITIVE_INFINITY, flushEvents: 1 });
    persistence.failNext();
    buffer.add(1);
    await settle();
    expect(clock.pendingTimers).toEqual([{ dueInMs: 1_000, keepsProcessAlive: false }]);
    await clock.advanceAsync(1_000);
    expect(persistence.events()).toEqual([1]);
  });

  it.each([Number.POSITIVE_INFINITY, 500])(
    'starts the next write after a sync that failed with nothing in memory, interval %s',
    async (flushIntervalMs) => {
      const { buffer, persistence } = scenario({ flushIntervalMs, flushEvents: 2, maxEvents: 4 });
      addAll(buffer, range(0, 2));
      await settle();
      persistence.failNext();
      await expect(buffer.flush({ durability: 'synced' })).rejects.toThrow();
      addAll(buffer, range(2, 4));
      await settle();
      expect(persistence.events()).toEqual(range(0, 4));
    },
  );

  it('is tried again by itself where exit failed and the process lives on', async () => {
    const lifecycle = new ManualLifecycle();
    const flushIntervalMs = Number.POSITIVE_INFINITY;
    const { buffer, persistence, clock } = scenario({ lifecycle, flushIntervalMs, flushEvents: 3, maxEvents: 3 });
    addAll(buffer, range(0, 2));
    persistence.failNext();
    void lifecycle.emit('exit');
    await settle();
    addAll(buffer, range(2, 3));
    const waiting = buffer.addWhenRoom(3);
    await clock.advanceAsync(1_000);
    await expect(waiting).resolves.toEqual({ status: 'added' });
    expect(persistence.events()).toEqual(range(0, 4));
  });

  it('is tried at once when somebody asks', async () => {
    const { buffer, persistence } = scenario({ flushEvents: 1 });
    persistence.failNext();
    buffer.add(1);
    await settle();
    await buffer.flush();
    expect(persistence.events()).toEqual([1]);
  });

  it('is logged, without an event', async () => {
    const lines: unknown[] = [];
    const log = (message: string, facts: unknown): void => void lines.push([message, facts]);
    const { buffer, persistence } = scenario<string>({
      flushEvents: 1,
      logger: { debug: log, info: log, warn: log, error: log },
    });
    persistence.failNext(1, Object.assign(new Error('canary in a message'), { code: 'EIO' }));
    buffer.add('canary');
    await settle();
    expect(lines).toEqual([
      ['A write failed; its events stay in memory.', { eventCount: 1, retryInMs: 1_000, error: 'Error', code: 'EIO' }],
    ]);
  });
});
