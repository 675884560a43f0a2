// Goal: a failed segment is tried again when its policy, the receiver and its age say so, also by another process.
// Method: scripted answers under a manual clock; a second queue over the same store stands for a restart.

import { DESTINATION_BACKOFF, FAILURES_BEFORE_PAUSE, MAX_RETRY_AFTER_MS } from '@relaykit/export-queue';
import { InMemorySegmentStore, ManualClock, RecordingUploader, settle } from '@relaykit/testing';
import { RelayError, type SegmentLease, type UploadResult } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { addSegments, advanceAtRest, setUp, withLease } from './support.ts';

const retry = (more: Partial<UploadResult & { status: 'retry' }> = {}): UploadResult => ({
  status: 'retry',
  cause: new Error('503'),
  ...more,
});
const hour = 60 * 60 * 1_000;
const day = 24 * hour;

describe('a failed attempt', () => {
  it('is noted on disk and made again after the wait of the policy, in whichever process', async () => {
    const { store, uploader, clock, queue, of } = setUp();
    const [id = ''] = await addSegments(store, 1);
    uploader.script(retry());
    const startMs = clock.now();

    await expect(queue.drain()).resolves.toMatchObject({ retriesScheduled: 1, remaining: 1 });

    // One second at most, drawn with a jitter of one half.
    expect(store.stateOf(id)).toEqual({
      attempts: 1,
      firstFailureAtMs: startMs,
      nextAttemptAtMs: startMs + 500,
      lastError: 'Error',
    });
    expect(of('retryScheduled')).toMatchObject([{ attempts: 1, delayMs: 500, nextAttemptAtMs: startMs + 500 }]);

    const restarted = setUp({ store, clock });
    await clock.advanceAsync(499);
    await expect(restarted.queue.drain()).resolves.toMatchObject({ delivered: 0, remaining: 1 });
    expect(restarted.uploader.uploads).toEqual([]);
    await clock.advanceAsync(1);
    await expect(restarted.queue.drain()).resolves.toMatchObject({ delivered: 1 });
    expect(restarted.of('uploaded')).toMatchObject([{ attempts: 2 }]);
  });

  it('waits longer each time, and at least as long as the receiver asks', async () => {
    const { store, uploader, clock, queue, of } = setUp();
    await addSegments(store, 1);
    uploader.script(retry(), retry(), retry({ retryAfterMs: 60_000 }), retry());
    queue.start();
    await advanceAtRest(clock, queue, 120_000);
    expect(of('retryScheduled').map(({ delayMs }) => delayMs)).toEqual([500, 1_000, 60_000, 4_000]);
    expect(uploader.acceptedIds).toHaveLength(1);
    await queue.close();
  });

  it.each([
    ['huge', 1e15, MAX_RETRY_AFTER_MS],
    ['infinite', Number.POSITIVE_INFINITY, MAX_RETRY_AFTER_MS],
    ['negative', -5_000, 500],
    ['no number', Number.NaN, 500],
    ['no number at all', 'soon' as unknown as number, 500],
  ])('takes a %s retryAfterMs for what it may mean', async (_name, retryAfterMs, delayMs) => {
    const { store, uploader, queue, of } = setUp();
    await addSegments(store, 1);
    uploader.script(retry({ retryAfterMs }));
    await queue.drain();
    expect(of('retryScheduled')).toMatchObject([{ delayMs }]);
  });

  it('does not hold back the segments behind it', async () => {
    const { store, uploader, queue } = setUp();
    const [poison, ...others] = await addSegments(store, 4);
    uploader.otherwise(({ info }) => (info.id === poison ? retry() : { status: 'accepted' }));
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 3, retriesScheduled: 1, remaining: 1 });
    expect(uploader.acceptedIds).toEqual(others);
  });

  it('by a throw counts, and only words of our own reach the disk', async () => {
    const { store, uploader, queue } = setUp();
    const [first = '', second = ''] = await addSegments(store, 2);
    const facts = { segmentId: second, status: 500, systemCode: undefined };
    uploader.script(
      Object.assign(new Error('token=hunter2'), { code: 'ECONNRESET' }),
      new RelayError('RELAY_UPLOAD_FAILED', 'answered\nwith 500', facts),
    );
    await queue.drain();
    expect(store.stateOf(first)?.lastError).toBe('Error (ECONNRESET)');
    expect(store.stateOf(second)?.lastError).toBe('answered\\u000awith 500');
  });
});

describe('giving up', () => {
  it('puts a segment in quarantine that has been failing for longer than maxRetryAgeMs, and only that one', async () => {
    const { store, uploader, clock, queue } = setUp({ maxRetryAgeMs: 2 * hour });
    const [old = ''] = await addSegments(store, 1);
    uploader.otherwise(() => retry());
    await queue.drain();
    for (let n = 0; n < 2; n += 1) {
      await clock.advanceAsync(hour);
      await queue.drain();
    }
    expect(store.ids).toEqual([old]);
    const [young = ''] = await addSegments(store, 1, 'young');
    await clock.advanceAsync(hour);

    await expect(queue.drain()).resolves.toMatchObject({ quarantined: 1 });

    expect(store.outcomeOf(old)).toMatchObject({
      status: 'quarantined',
      reason: expect.stringMatching(/^failing for longer than 7200000 ms, 4 attempts/u),
    });
    expect(store.ids).toEqual([young]);
  });

  it('comes of failing, not of a month in which nobody tried', async () => {
    const { store, uploader, clock, queue } = setUp();
    const ids = await addSegments(store, 2);
    uploader.otherwise(() => retry());
    await queue.drain();
    await clock.advanceAsync(31 * day);
    const restarted = setUp({ store, clock });
    restarted.uploader.otherwise(() => retry());
    await expect(restarted.queue.drain()).resolves.toMatchObject({ quarantined: 0, retriesScheduled: 2 });
    await clock.advanceAsync(31 * day);
    await expect(queue.drain()).resolves.toMatchObject({ quarantined: 0, retriesScheduled: 2 });
    expect(store.ids).toEqual(ids);
  });

  it('follows a policy that gives up', async () => {
    const { store, uploader, queue } = setUp({ retry: { kind: 'none' } });
    const [id = ''] = await addSegments(store, 1);
    uploader.script(retry());
    await expect(queue.drain()).resolves.toMatchObject({ quarantined: 1 });
    expect(store.outcomeOf(id)).toEqual({ status: 'quarantined', reason: 'given up after 1 attempts: Error' });
  });

  it('tells a custom policy attempts and time', async () => {
    const failures: { attempts: number; elapsedMs: number }[] = [];
    const { store, uploader, clock, queue } = setUp({
      retry: {
        kind: 'custom',
        nextDelayMs({ attempts, elapsedMs }) {
          failures.push({ attempts, elapsedMs });
          return 100;
        },
      },
    });
    await addSegments(store, 1);
    uploader.script(retry(), retry());
    await queue.drain();
    await clock.advanceAsync(1_000);
    await queue.drain();
    expect(failures).toEqual([
      { attempts: 1, elapsedMs: 0 },
      { attempts: 2, elapsedMs: 1_000 },
    ]);
  });

  it('keeps the segment when the policy itself fails', async () => {
    const { store, uploader, queue, of } = setUp({
      retry: {
        kind: 'custom',
        nextDelayMs: () => {
          throw new Error('policy');
        },
      },
    });
    await addSegments(store, 1);
    uploader.script(retry());
    await expect(queue.drain()).resolves.toMatchObject({ retriesScheduled: 1, remaining: 1 });
    expect(of('error')).toMatchObject([{ operation: 'retryPolicy' }]);
  });
});

describe('clocks that leap', () => {
  it.each([400 * day, -400 * day])('by %i ms neither age a segment nor put it out of reach', async (byMs) => {
    const { store, uploader, clock, queue } = setUp();
    await addSegments(store, 1);
    uploader.script(retry(), retry());
    await queue.drain();
    clock.leapWallClock(byMs);
    await clock.advanceAsync(1_000);
    await expect(queue.drain()).resolves.toMatchObject({ retriesScheduled: 1, quarantined: 0 });
    await clock.advanceAsync(2_000);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });

  it('far back between two runs make the next attempt due at once', async () => {
    const { store, uploader, clock, queue } = setUp();
    await addSegments(store, 1);
    uploader.script(retry());
    await queue.drain();
    const restarted = setUp({ store, clock: new ManualClock({ epochMs: clock.now() - 400 * day }) });
    await expect(restarted.queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });

  it('back a little between two runs delay it by that little', async () => {
    const { store, uploader, clock, queue } = setUp();
    await addSegments(store, 1);
    uploader.script(retry());
    await queue.drain();
    const past = new ManualClock({ epochMs: clock.now() - MAX_RETRY_AFTER_MS / 2 });
    const restarted = setUp({ store, clock: past });
    await expect(restarted.queue.drain()).resolves.toMatchObject({ delivered: 0, quarantined: 0, remaining: 1 });
    await past.advanceAsync(MAX_RETRY_AFTER_MS);
    await expect(restarted.queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });
});

describe('a damaged state', () => {
  it('that cannot be read costs the state, not the segment', async () => {
    const inner = new InMemorySegmentStore();
    const store = withLease(inner, () => ({ readState: () => Promise.reject(new Error('EIO')) }));
    const { queue, of } = setUp({ store });
    await addSegments(inner, 1);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
    expect(of('error')).toMatchObject([{ operation: 'readState' }]);
  });

  it('that cannot be written is kept in memory, and said', async () => {
    const inner = new InMemorySegmentStore();
    const store = withLease(inner, () => ({ writeState: () => Promise.reject(new Error('ENOSPC')) }));
    const { uploader, clock, queue, of } = setUp({ store });
    await addSegments(inner, 1);
    uploader.script(retry());
    await queue.drain();
    expect(of('error')).toMatchObject([{ operation: 'writeState' }]);
    await queue.drain();
    expect(uploader.uploads).toHaveLength(1);
    await clock.advanceAsync(500);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });
});

describe('a receiver that asks for a pause', () => {
  it('gets it for all segments, for as long as it asked', async () => {
    const { store, uploader, clock, queue, of } = setUp();
    await addSegments(store, 3);
    uploader.script(retry({ pausesDestination: true, retryAfterMs: 30_000 }));
    await expect(queue.drain()).resolves.toMatchObject({
      endedBy: 'destinationPaused',
      retriesScheduled: 1,
      remaining: 3,
    });
    expect(of('destinationPaused')).toMatchObject([{ delayMs: 30_000, reason: 'asked' }]);
    expect(queue.status().destinationPausedUntilMs).toBe(clock.now() + 30_000);
    await clock.advanceAsync(29_999);
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'destinationPaused', delivered: 0 });
    expect(uploader.uploads).toHaveLength(1);
    await clock.advanceAsync(1);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 3 });
    expect(queue.status().destinationPausedUntilMs).toBeUndefined();
  });

  it('and says "at once" is not hammered all the same', async () => {
    const { store, uploader, clock, queue } = setUp();
    await addSegments(store, 100);
    uploader.otherwise(() => retry({ pausesDestination: true, retryAfterMs: 0 }));
    queue.start();
    await advanceAtRest(clock, queue, 60_000);
    expect(uploader.uploads.length).toBeLessThan(10);
    await queue.close();
  });

  it('can be overruled by resume()', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 2);
    uploader.script(retry({ pausesDestination: true, retryAfterMs: 3_600_000 }));
    await queue.drain();
    queue.resume();
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'completed', delivered: 1, remaining: 1 });
  });
});

describe('a receiver that fails for everybody', () => {
  it('is left alone after several failures in a row, then probed with one segment at a time', async () => {
    const { store, uploader, clock, queue, of } = setUp();
    const ids = await addSegments(store, 100);
    uploader.otherwise(() => retry());

    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'destinationPaused', remaining: 100 });
    expect(uploader.uploads).toHaveLength(FAILURES_BEFORE_PAUSE);

    queue.start();
    await advanceAtRest(clock, queue, 4 * 60 * 60 * 1_000);
    expect(uploader.uploads.slice(0, 50).map(({ segmentId }) => segmentId)).toEqual(ids.slice(0, 50));
    // With a jitter of one half the pauses settle at 150 s.
    expect(of('destinationPaused').at(-1)).toMatchObject({
      delayMs: DESTINATION_BACKOFF.maxDelayMs / 2,
      reason: 'failing',
    });
    expect(uploader.uploads.length).toBeGreaterThan(80);
    expect(uploader.uploads.length).toBeLessThan(120);

    uploader.otherwise(() => ({ status: 'accepted' }));
    await advanceAtRest(clock, queue, 10 * 60 * 1_000);
    expect([...uploader.acceptedIds].sort()).toEqual(ids);
    await queue.close();
  });

  it('gets one probe a cycle, which is counted once', async () => {
    const { store, uploader, clock, queue } = setUp({ retry: { kind: 'custom', nextDelayMs: () => 0 } });
    await addSegments(store, 5);
    uploader.otherwise(() => retry());
    await queue.drain();
    for (let round = 0; round < 5; round += 1) {
      await clock.advanceAsync(DESTINATION_BACKOFF.maxDelayMs);
      const before = uploader.uploads.length;
      await expect(queue.drain()).resolves.toMatchObject({ retriesScheduled: 1, remaining: 5 });
      expect(uploader.uploads.length - before).toBe(1);
    }
    uploader.otherwise(() => ({ status: 'accepted' }));
    await clock.advanceAsync(DESTINATION_BACKOFF.maxDelayMs);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 5, remaining: 0 });
  });

  it('is not what one failing segment makes of it', async () => {
    const { store, uploader, clock, queue, of } = setUp({ retry: { kind: 'custom', nextDelayMs: () => 0 } });
    const [poison] = await addSegments(store, 1);
    uploader.otherwise(({ info }) => (info.id === poison ? retry() : { status: 'accepted' }));
    for (let round = 0; round < 50; round += 1) {
      await addSegments(store, 1, `w${round}`);
      await expect(queue.drain()).resolves.toMatchObject({ delivered: 1, retriesScheduled: 1 });
      await clock.advanceAsync(1_000);
    }
    expect(of('destinationPaused')).toEqual([]);
  });

  it('is probed with a segment that has not failed yet: many that always fail do not starve the good ones', async () => {
    const { store, uploader, clock, queue } = setUp({ retry: { kind: 'custom', nextDelayMs: () => 1_000 } });
    const poison = new Set(await addSegments(store, 50, 'poison'));
    uploader.otherwise(({ info }) => (poison.has(info.id) ? retry() : { status: 'accepted' }));
    queue.start();
    await advanceAtRest(clock, queue, 3 * 60 * 60 * 1_000);
    const [good] = await addSegments(store, 1, 'good');
    await advanceAtRest(clock, queue, DESTINATION_BACKOFF.maxDelayMs);
    expect(uploader.acceptedIds).toEqual([good]);
    await queue.close();
  });

  it('is probed with the segment that has been due the longest where all have failed', async () => {
    const { store, uploader, clock, queue } = setUp({ retry: { kind: 'custom', nextDelayMs: () => 1_000 } });
    const ids = await addSegments(store, 8);
    uploader.otherwise(() => retry());
    queue.start();
    await advanceAtRest(clock, queue, 2 * 60 * 60 * 1_000);
    const attempts = ids.map((id) => uploader.uploads.filter(({ segmentId }) => segmentId === id).length);
    expect(Math.max(...attempts) - Math.min(...attempts)).toBeLessThanOrEqual(1);
    await queue.close();
  });
});

describe('trouble with the disk', () => {
  const failingSettle = (failures: number): { store: InMemorySegmentStore; failing: ReturnType<typeof withLease> } => {
    const store = new InMemorySegmentStore();
    let left = failures;
    const failing = withLease(store, (lease) => ({
      settle: (outcome, options) => {
        left -= 1;
        return left >= 0 ? Promise.reject(new Error('ENOSPC')) : lease.settle(outcome, options);
      },
    }));
    return { store, failing };
  };

  it('after the receiver accepted: the segment is not sent again, and its outcome is written later', async () => {
    const { store, failing } = failingSettle(3);
    const { uploader, clock, queue, of } = setUp({ store: failing });
    const [id = ''] = await addSegments(store, 1);
    uploader.script({ status: 'accepted', receipt: 'r-7' });
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 0, remaining: 1 });
    expect(queue.status().unrecorded).toBe(1);
    expect(of('uploaded')).toEqual([]);

    queue.start();
    await advanceAtRest(clock, queue, 60_000);

    expect(uploader.uploads).toHaveLength(1);
    expect(store.outcomeOf(id)).toEqual({ status: 'delivered', receipt: 'r-7' });
    expect(of('error').map(({ operation }) => operation)).toEqual(['settle', 'settle', 'settle']);
    expect(of('uploaded')).toMatchObject([{ segment: { id }, receipt: 'r-7' }]);
    expect(queue.status().unrecorded).toBe(0);
    await queue.close();
  });

  it('that lasts ends the sending: after a crash all of it would be sent again', async () => {
    const { store, failing } = failingSettle(Number.POSITIVE_INFINITY);
    const { uploader, clock, queue } = setUp({ store: failing });
    await addSegments(store, 150);
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'storage', delivered: 0, remaining: 150 });
    expect(uploader.uploads).toHaveLength(100);
    queue.start();
    await advanceAtRest(clock, queue, 3_600_000);
    expect(uploader.uploads).toHaveLength(100);
    await queue.close();
  });

  it('that ends lets everything go on, with nothing sent twice and nothing out of order', async () => {
    const store = new InMemorySegmentStore();
    let isFull = true;
    const failing = withLease(store, (lease) => ({
      settle: (outcome, options) => (isFull ? Promise.reject(new Error('ENOSPC')) : lease.settle(outcome, options)),
    }));
    const { uploader, clock, queue } = setUp({ store: failing, order: 'perWriter' });
    const z = await addSegments(store, 1, 'z');
    uploader.script(retry());
    for (let n = 0; n < 100; n += 1) await addSegments(store, 1, `w${n}`);
    await queue.drain();
    expect(queue.status().unrecorded).toBe(100);
    z.push(...(await addSegments(store, 1, 'z')));

    isFull = false;
    queue.start();
    await advanceAtRest(clock, queue, 60_000);

    expect(store.ids).toEqual([]);
    expect(uploader.acceptedIds).toHaveLength(102);
    expect(uploader.acceptedIds.filter((id) => z.includes(id))).toEqual(z);
    await queue.close();
  });

  it('while a rejected segment is set aside leaves it where it is', async () => {
    const { store, failing } = failingSettle(1);
    const { uploader, clock, queue } = setUp({ store: failing });
    const ids = await addSegments(store, 1);
    uploader.otherwise(() => ({ status: 'rejected', cause: new Error('413') }));
    await expect(queue.drain()).resolves.toMatchObject({ quarantined: 0, remaining: 1 });
    expect(store.ids).toEqual(ids);
    await clock.advanceAsync(10_000);
    await expect(queue.drain()).resolves.toMatchObject({ quarantined: 1 });
  });

  it('at a lease concerns that segment alone', async () => {
    const inner = new InMemorySegmentStore();
    const ids = await addSegments(inner, 3);
    const store = {
      ...withLease(inner, () => ({})),
      lease: (id: string) => (id === ids[0] ? Promise.reject(new Error('EACCES')) : inner.lease(id)),
    };
    const { queue, of } = setUp({ store });
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 2, remaining: 1 });
    expect(of('error')).toMatchObject([{ operation: 'lease', segmentId: ids[0] }]);
  });

  it('at a release is said and harms nobody', async () => {
    const inner = new InMemorySegmentStore();
    const store = withLease(inner, (lease) => ({
      release: async () => {
        await lease.release();
        throw new Error('EIO');
      },
    }));
    const { queue, of } = setUp({ store });
    await addSegments(inner, 1);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
    expect(of('error')).toMatchObject([{ operation: 'release' }]);
  });

  it('with the bytes of a segment is a failure of that segment, not an upload of half of it', async () => {
    const inner = new InMemorySegmentStore();
    let reads = 0;
    const read = (from: number, length: number, content: SegmentLease['content']) => {
      reads += 1;
      // Whole when it is checked, and cut when it is sent.
      return content.read(from, reads === 1 ? length : length - 1);
    };
    const store = withLease(inner, ({ content }) => ({
      content: { sizeBytes: content.sizeBytes, read: (from, length) => read(from, length, content) },
    }));
    const { queue, of } = setUp({ store });
    const [id = ''] = await addSegments(inner, 1);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 0, retriesScheduled: 1 });
    expect(of('retryScheduled')).toMatchObject([
      { cause: { code: 'RELAY_SEGMENT_TRUNCATED', facts: { segmentId: id, positionBytes: 7 } } },
    ]);
    expect(inner.stateOf(id)?.lastError).toMatch(/ends at byte 7 of 8/u);
  });
});

describe('every lease', () => {
  it('is released, whatever became of the upload', async () => {
    const store = new InMemorySegmentStore();
    const uploader = new RecordingUploader();
    const ids = await addSegments(store, 5);
    uploader.script(
      retry(),
      new Error('thrown'),
      { status: 'rejected', cause: 'no' },
      { status: 'blocked', cause: 'no' },
    );
    const { queue } = setUp({ store, uploader });
    await queue.drain();
    await settle();
    for (const id of ids) expect((await store.lease(id)).status, id).not.toBe('busy');
  });
});
