// Goal: order, concurrency and bandwidth are what the options say.
// Method: uploads that are held and released one by one, random runs against a rule, and a manual clock for bytes.

import { InMemorySegmentStore, ManualClock, settle } from '@relaykit/testing';
import type { SegmentName, UploadResult } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { addSegments, advanceAtRest, scripted, setUp, until, withLease } from './support.ts';

const retry: UploadResult = { status: 'retry', cause: new Error('500') };

describe('concurrency', () => {
  it('is one by default', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 3);
    uploader.hold();
    const draining = queue.drain();
    await settle();
    expect(uploader.heldCount).toBe(1);
    uploader.release();
    await draining;
  });

  it('is used up and never exceeded', async () => {
    const { store, uploader, queue } = setUp({ concurrency: 3 });
    await addSegments(store, 10);
    uploader.hold();
    const draining = queue.drain();
    const highest: number[] = [];
    for (let released = 0; released < 10; released += 1) {
      await settle();
      highest.push(uploader.heldCount);
      uploader.release(1);
    }
    await draining;
    expect(highest).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 2, 1]);
  });
});

describe('strict order per writer', () => {
  it('lets a failing segment hold back its writer and nobody else', async () => {
    const { store, uploader, clock, queue } = setUp({ order: 'perWriter' });
    const a = await addSegments(store, 3, 'a');
    const b = await addSegments(store, 3, 'b');
    uploader.script(retry);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 3, retriesScheduled: 1, remaining: 3 });
    expect(uploader.acceptedIds).toEqual(b);
    await clock.advanceAsync(1_000);
    await queue.drain();
    expect(uploader.acceptedIds).toEqual([...b, ...a]);
  });

  it.each(['held', 'busy'])('a %s segment holds back its writer too', async (obstacle) => {
    const { store, uploader, queue } = setUp({ order: 'perWriter' });
    const first = await store.addSegment({ writerId: 'a', exportReady: obstacle !== 'held' });
    if (obstacle === 'busy') await store.lease(first.id);
    await addSegments(store, 2, 'a');
    const b = await addSegments(store, 2, 'b');
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 2, remaining: 3 });
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 0, remaining: 3 });
    expect(uploader.acceptedIds).toEqual(b);
  });

  it('goes on after a segment that is out of the way for good', async () => {
    const { store, uploader, queue } = setUp({ order: 'perWriter' });
    await addSegments(store, 3, 'a');
    uploader.script({ status: 'rejected', cause: new Error('413') });
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 2, quarantined: 1 });
  });

  it('sends several writers at a time, each one segment at a time', async () => {
    const { store, uploader, queue } = setUp({ order: 'perWriter', concurrency: 3 });
    const a = await addSegments(store, 3, 'a');
    const b = await addSegments(store, 3, 'b');
    uploader.hold();
    const draining = queue.drain();
    await settle();
    expect(uploader.uploads.map(({ segmentId }) => segmentId)).toEqual([a[0], b[0]]);
    uploader.release();
    await draining;
    expect(uploader.acceptedIds).toHaveLength(6);
  });

  it('is not held up by a slow writer with more segments than are read ahead', async () => {
    const { store, uploader, queue } = setUp({ order: 'perWriter', concurrency: 2 });
    const slow = await addSegments(store, 300, 'slow');
    const other = await addSegments(store, 1, 'other');
    const draining = queue.drain();
    await draining;
    expect(uploader.acceptedIds.filter((id) => id !== other[0])).toEqual(slow);
    expect(uploader.acceptedIds).toHaveLength(301);
  });

  it('is kept under random failures, restarts and concurrency', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = mulberry32(seed);
    const store = new InMemorySegmentStore();
    const clock = new ManualClock();
    const arrived = new Map<string, number[]>();
    const added = new Map<string, number>();
    const answers = scripted(async ({ info }) => {
      const { writerId, firstSequence } = info;
      if (random() < 0.3) return retry;
      if (random() < 0.1) return { status: 'retry', cause: 'pause', pausesDestination: true };
      arrived.set(writerId, [...(arrived.get(writerId) ?? []), firstSequence]);
      return { status: 'accepted' };
    });
    for (let run = 0; run < 20; run += 1) {
      for (let n = 0; n < 10; n += 1) {
        const writerId = `w${Math.floor(random() * 4)}`;
        await addSegments(store, 1, writerId);
        added.set(writerId, (added.get(writerId) ?? 0) + 1);
      }
      const { queue } = setUp({
        store,
        uploader: answers,
        clock,
        order: 'perWriter',
        concurrency: 1 + Math.floor(random() * 4),
      });
      queue.start();
      await advanceAtRest(clock, queue, Math.floor(random() * 20_000));
      await queue.close();
    }
    const { queue } = setUp({ store, uploader: answers, clock, order: 'perWriter' });
    queue.start();
    while (store.ids.length > 0) await advanceAtRest(clock, queue, 60_000);
    await queue.close();
    for (const [writerId, count] of added) {
      const expected = Array.from({ length: count }, (_, index) => index);
      expect(arrived.get(writerId), `writer ${writerId}, seed ${seed}`).toEqual(expected);
    }
  });
});

describe('the listing', () => {
  it('is read once a cycle, as it goes', async () => {
    const inner = new InMemorySegmentStore();
    await addSegments(inner, 500);
    let lists = 0;
    let given = 0;
    const store = {
      ...withLease(inner, () => ({})),
      async *list(): AsyncGenerator<SegmentName> {
        lists += 1;
        for await (const name of inner.list()) {
          given += 1;
          yield name;
        }
      },
    };
    const { queue, uploader } = setUp({ store });
    uploader.hold();
    const draining = queue.drain();
    await settle();
    expect(given).toBeLessThan(5);
    uploader.release();
    await draining;
    expect([lists, given]).toEqual([1, 500]);
  });

  it('is not read far ahead for a writer that is slow', async () => {
    const inner = new InMemorySegmentStore();
    await addSegments(inner, 1_000);
    let given = 0;
    const store = {
      ...withLease(inner, () => ({})),
      async *list(): AsyncGenerator<SegmentName> {
        for await (const name of inner.list()) {
          given += 1;
          yield name;
        }
      },
    };
    const { queue, uploader } = setUp({ store, order: 'perWriter', concurrency: 4 });
    uploader.hold();
    const draining = queue.drain();
    await settle();
    expect(given).toBeLessThan(300);
    uploader.release();
    await expect(draining).resolves.toMatchObject({ delivered: 1_000 });
  });

  it('costs names alone for segments that wait for their next attempt', async () => {
    const inner = new InMemorySegmentStore();
    await addSegments(inner, 4);
    let leases = 0;
    const store = {
      ...withLease(inner, () => ({})),
      lease: (id: string) => {
        leases += 1;
        return inner.lease(id);
      },
    };
    const { queue, uploader } = setUp({ store });
    uploader.otherwise(() => ({ ...retry, retryAfterMs: 60_000 }));
    await queue.drain();
    expect(leases).toBe(4);
    await queue.drain();
    await queue.drain();
    expect(leases).toBe(4);
  });
});

describe('maxBytesPerSecond', () => {
  it('spreads the bytes over time, over all uploads together', async () => {
    const { store, uploader, clock, queue } = setUp({ maxBytesPerSecond: 1_000, concurrency: 2 });
    for (let n = 0; n < 4; n += 1) await store.addSegment({ content: new Uint8Array(1_000), eventCount: 1 });
    const draining = queue.drain();
    const deliveredAfter: number[] = [];
    for (let second = 0; second < 4; second += 1) {
      await clock.advanceAsync(1_000);
      deliveredAfter.push(uploader.acceptedIds.length);
    }
    await clock.advanceAsync(0);
    await draining;
    // The last quarter of a second's worth goes out before its time is over.
    expect(deliveredAfter).toEqual([0, 2, 2, 4]);
  });

  it('does not keep a queue from closing', async () => {
    const { store, clock, queue } = setUp({ maxBytesPerSecond: 1 });
    await store.addSegment({ content: new Uint8Array(1_000), eventCount: 1 });
    queue.start();
    await until(() => clock.pendingTimers.length > 0);
    const closing = queue.close({ deadlineMs: 100 });
    await clock.advanceAsync(100);
    await closing;
    expect(clock.pendingTimers).toEqual([]);
  });
});

/** A small seeded generator: mulberry32 by Tommy Ettinger, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
