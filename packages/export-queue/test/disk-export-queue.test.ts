// Goal: what leaves the spool was accepted, and nothing else about the queue can take a segment away.
// Method: the queue over doubles of store and clock; every outcome is read from the store's own record.

import { CONDITION_TIMEOUT_MS, REJECTIONS_BEFORE_BLOCK } from '@relaykit/export-queue';
import { InMemorySegmentStore, ManualClock, settle } from '@relaykit/testing';
import { type AfterDelivery, isRelayError, type SegmentUploader, type UploadResult } from '@relaykit/types';
import { describe, expect, it, vi } from 'vitest';
import { addSegments, MemoryLogger, scripted, setUp, withLease } from './support.ts';

describe('drain', () => {
  it('delivers all that is ready, oldest first, and says so', async () => {
    const { store, uploader, queue, of } = setUp();
    const ids = await addSegments(store, 3);
    uploader.script({ status: 'accepted', receipt: 'r-1' });

    const report = await queue.drain();

    expect(report).toEqual({
      endedBy: 'completed',
      delivered: 3,
      quarantined: 0,
      retriesScheduled: 0,
      held: 0,
      remaining: 0,
      unrecorded: 0,
      bytes: 24,
    });
    expect(uploader.acceptedIds).toEqual(ids);
    expect(uploader.uploads.map(({ idempotencyKey }) => idempotencyKey)).toEqual(ids);
    expect(store.settled.map(({ id, outcome }) => [id, outcome])).toEqual([
      [ids[0], { status: 'delivered', receipt: 'r-1' }],
      [ids[1], { status: 'delivered' }],
      [ids[2], { status: 'delivered' }],
    ]);
    expect(of('uploaded').map(({ segment, attempts, receipt }) => [segment.id, attempts, receipt])).toEqual([
      [ids[0], 1, 'r-1'],
      [ids[1], 1, undefined],
      [ids[2], 1, undefined],
    ]);
    expect(of('drained')).toEqual([report]);
    expect(queue.counts()).toEqual({ delivered: 3, quarantined: 0, retriesScheduled: 0, bytes: 24 });
  });

  it('delivers what another holder let go while the cycle before was under way', async () => {
    const { store, uploader, queue } = setUp();
    const [first, second] = await addSegments(store, 2);
    const other = await store.lease(second ?? '');
    if (other.status !== 'leased') throw new Error('not leased');
    // The background cycle meets the second segment in use, and it is released right after.
    const lease = store.lease.bind(store);
    vi.spyOn(store, 'lease').mockImplementation(async (id) => {
      const attempt = await lease(id);
      if (id === second && attempt.status === 'busy') await other.lease.release();
      return attempt;
    });
    queue.start();

    const report = await queue.drain();

    expect(report).toMatchObject({ endedBy: 'completed', remaining: 0 });
    expect(uploader.acceptedIds).toEqual([first, second]);
    await queue.close();
  });

  it('hands the bytes over as they are, in pieces', async () => {
    const { store, uploader, queue } = setUp();
    const content = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
    await store.addSegment({ content, eventCount: 1 });
    const pieces: number[] = [];
    const upload = uploader.upload.bind(uploader);
    vi.spyOn(uploader, 'upload').mockImplementation(async (segment, options) => {
      for await (const piece of segment.stream()) pieces.push(piece.byteLength);
      return upload(segment, options);
    });

    await queue.drain();

    expect(pieces).toEqual([65_536, 65_536, 65_536, 3_392]);
    expect(Buffer.from(uploader.uploads[0]?.bytes ?? []).equals(Buffer.from(content))).toBe(true);
  });

  it('leaves held segments alone, and counts them in every cycle', async () => {
    const { store, uploader, queue } = setUp();
    await store.addSegment({ exportReady: false });
    const ready = await store.addSegment({});

    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1, held: 1, remaining: 1 });
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 0, held: 1, remaining: 1 });

    expect(uploader.acceptedIds).toEqual([ready.id]);
  });

  it('passes by what another queue has or has finished', async () => {
    const { store, uploader, queue, of } = setUp();
    const [busy = '', gone = '', mine = ''] = await addSegments(store, 3);
    const other = await store.lease(busy);
    const lease = store.lease.bind(store);
    vi.spyOn(store, 'lease').mockImplementation((id) =>
      id === gone ? Promise.resolve({ status: 'gone' }) : lease(id),
    );

    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1, remaining: 1 });

    expect(other.status).toBe('leased');
    expect(uploader.acceptedIds).toEqual([mine]);
    expect(of('error')).toEqual([]);
  });

  it('passes the option for delivered files on', async () => {
    const { store, queue } = setUp({ afterDelivery: { archiveDirectory: 'archive' } });
    await addSegments(store, 1);
    await queue.drain();
    expect(store.settled[0]?.afterDelivery).toEqual({ archiveDirectory: 'archive' });
  });

  it('has what was archived for a time forgotten', async () => {
    const afterDelivery = { archiveDirectory: 'archive', keepForMs: 5 };
    const { store, queue } = setUp({ afterDelivery });
    const swept: AfterDelivery[] = [];
    Object.assign(store, { sweepArchive: async (after: AfterDelivery) => void swept.push(after) });
    await queue.drain();
    expect(swept).toEqual([afterDelivery]);
  });

  it('sends nothing before it knows that it can be archived', async () => {
    const afterDelivery = { archiveDirectory: 'archive' };
    const { store, uploader, queue, of } = setUp({ afterDelivery });
    const ids = await addSegments(store, 3);
    let isGood = false;
    const checked: AfterDelivery[] = [];
    const checkArchive = async (after: AfterDelivery): Promise<void> => {
      checked.push(after);
      if (!isGood) throw new Error('it is a file');
    };
    Object.assign(store, { checkArchive });
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'storage', delivered: 0, remaining: 3 });
    expect(uploader.acceptedIds).toEqual([]);
    expect(of('error')).toMatchObject([{ operation: 'archive', cause: { message: 'it is a file' } }]);

    isGood = true;
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'completed', delivered: 3 });
    expect(uploader.acceptedIds).toEqual(ids);
    expect(checked).toEqual([afterDelivery, afterDelivery]);
  });

  it('tries the archive again while it runs, not more often than it rests after trouble', async () => {
    const { store, clock, uploader, queue, of } = setUp({ afterDelivery: { archiveDirectory: 'archive' } });
    const ids = await addSegments(store, 2);
    let tries = 0;
    Object.assign(store, {
      checkArchive: async () => {
        tries += 1;
        if (tries < 3) throw new Error('the volume is not mounted');
      },
    });
    queue.start();
    await clock.advanceAsync(0);
    for (let n = 0; n < 5; n += 1) {
      queue.wake();
      await clock.advanceAsync(100);
    }
    expect(tries).toBe(1);
    await clock.advanceAsync(30_000);
    expect(of('error')).toHaveLength(2);
    expect(uploader.acceptedIds).toEqual(ids);
    await queue.close();
  });

  it('sends nothing more once a segment could not be archived, until it can', async () => {
    const spool = new InMemorySegmentStore();
    let isFull = true;
    const store = withLease(spool, (lease) => ({
      settle: async (...args) => {
        if (isFull) throw new Error('ENOSPC');
        await lease.settle(...args);
      },
    }));
    const { clock, uploader, queue } = setUp({ store, afterDelivery: { archiveDirectory: 'archive' } });
    const ids = await addSegments(spool, 3);
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'storage', delivered: 0 });
    expect(uploader.acceptedIds).toEqual(ids.slice(0, 1));

    isFull = false;
    await clock.advanceAsync(10_000);
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'completed', delivered: 3 });
    expect(uploader.acceptedIds).toEqual(ids);
  });

  it.each([
    [{ archiveDirectory: '' }, `afterDelivery must be 'delete' or have an archiveDirectory that is a path, got ""`],
    ['keep', `afterDelivery must be 'delete' or have an archiveDirectory that is a path, got undefined`],
    [{ archiveDirectory: 'a', keepForMs: -1 }, 'afterDelivery.keepForMs must be a whole number >= 0, got -1'],
  ])('refuses %j for delivered files', (afterDelivery, message) => {
    expect(() => setUp({ afterDelivery: afterDelivery as AfterDelivery })).toThrow(message);
  });

  it('stops at its signal: what is under way stays in the spool, its lease free', async () => {
    const { store, uploader, queue } = setUp();
    const ids = await addSegments(store, 3);
    uploader.hold();
    const abort = new AbortController();
    const draining = queue.drain({ signal: abort.signal });
    await settle();
    expect(uploader.heldCount).toBe(1);

    abort.abort();

    await expect(draining).resolves.toMatchObject({
      endedBy: 'aborted',
      delivered: 0,
      retriesScheduled: 0,
      remaining: 3,
    });
    expect(store.ids).toEqual(ids);
    expect(store.stateOf(ids[0] ?? '')).toBeUndefined();
    uploader.release();
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 3 });
  });

  it('ends at its signal also while it waits for an earlier cycle', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 2);
    uploader.hold();
    const first = queue.drain();
    await settle();

    await expect(queue.drain({ signal: AbortSignal.abort() })).resolves.toMatchObject({
      endedBy: 'aborted',
      remaining: 2,
    });

    uploader.release();
    await expect(first).resolves.toMatchObject({ delivered: 2 });
  });

  it('counts what a background cycle did meanwhile, from the counts it is given on', async () => {
    const { store, queue } = setUp();
    const since = queue.counts();
    await addSegments(store, 3);
    queue.start();
    await settle();
    expect(queue.counts().delivered).toBe(3);
    expect(await queue.drain({ since })).toMatchObject({ delivered: 3, bytes: 24, remaining: 0 });
    expect(await queue.drain()).toMatchObject({ delivered: 0, bytes: 0 });
    await queue.close();
  });

  it('quarantines a segment whose bytes are not those that were sealed, and sends nothing of it', async () => {
    const inner = new InMemorySegmentStore();
    const store = withLease(inner, ({ content }) => ({
      content: {
        sizeBytes: content.sizeBytes,
        read: async (from, length) => (await content.read(from, length)).fill(35),
      },
    }));
    const { queue, uploader } = setUp({ store });
    const [id] = await addSegments(inner, 1);
    expect(await queue.drain()).toMatchObject({ delivered: 0, quarantined: 1 });
    expect(uploader.uploads).toEqual([]);
    expect(inner.settled).toMatchObject([
      { id, outcome: { status: 'quarantined', reason: expect.stringContaining('SHA-256') } },
    ]);
  });

  it('never runs two cycles at once', async () => {
    const { store, uploader, queue } = setUp();
    const ids = await addSegments(store, 5);
    const reports = await Promise.all([queue.drain(), queue.drain(), queue.drain()]);
    // Each counts what was done since it was asked, whichever cycle did it.
    expect(reports.map(({ delivered }) => delivered)).toEqual([5, 5, 5]);
    expect(uploader.acceptedIds).toEqual(ids);
  });

  it('keeps its place in line when an earlier one in line gives up', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 2);
    uploader.hold();
    const first = queue.drain();
    await settle();
    await queue.drain({ signal: AbortSignal.abort() });
    const third = queue.drain();
    await settle();
    expect(queue.status().underWay).toBe(1);
    uploader.release();
    await Promise.all([first, third]);
    expect(queue.counts().delivered).toBe(2);
    expect(uploader.uploads).toHaveLength(2);
  });

  it('passes on what the listing throws, with nothing left under way', async () => {
    const { store, queue } = setUp();
    await addSegments(store, 1);
    vi.spyOn(store, 'list').mockImplementation(() => {
      throw new Error('EIO');
    });
    await expect(queue.drain()).rejects.toThrow('EIO');
    vi.restoreAllMocks();
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });
});

describe('start', () => {
  it('delivers at once, when woken, and when polling', async () => {
    const { store, uploader, clock, queue } = setUp({ pollIntervalMs: 10_000 });
    const [first] = await addSegments(store, 1);
    queue.start();
    queue.start();
    await settle();
    expect(uploader.acceptedIds).toEqual([first]);

    const [second] = await addSegments(store, 1);
    await settle();
    expect(uploader.acceptedIds).toEqual([first]);
    queue.wake();
    await settle();
    expect(uploader.acceptedIds).toEqual([first, second]);

    const [third] = await addSegments(store, 1);
    await clock.advanceAsync(9_999);
    expect(uploader.acceptedIds).toEqual([first, second]);
    await clock.advanceAsync(1);
    expect(uploader.acceptedIds).toEqual([first, second, third]);
    await queue.close();
  });

  it('does not miss a wake-up that comes during a cycle', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 1);
    uploader.hold();
    queue.start();
    await settle();
    await addSegments(store, 1, 'later');
    queue.wake();
    uploader.release();
    await settle();
    expect(uploader.acceptedIds).toHaveLength(2);
    await queue.close();
  });

  it('tries again when an attempt is due, without being woken', async () => {
    const { store, uploader, clock, queue } = setUp({ pollIntervalMs: 3_600_000 });
    await addSegments(store, 1);
    uploader.script({ status: 'retry', cause: 'no', retryAfterMs: 5_000 });
    queue.start();
    await clock.advanceAsync(4_999);
    expect(uploader.uploads).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(uploader.acceptedIds).toHaveLength(1);
    await queue.close();
  });

  it('goes on after the listing failed', async () => {
    const { store, uploader, clock, queue, of } = setUp();
    await addSegments(store, 1);
    const list = vi.spyOn(store, 'list').mockImplementation(() => {
      throw new Error('EMFILE');
    });
    queue.start();
    await settle();
    expect(of('error')).toMatchObject([{ operation: 'list' }]);
    list.mockRestore();
    await clock.advanceAsync(10_000);
    expect(uploader.acceptedIds).toHaveLength(1);
    await queue.close();
  });

  it('does not look again and again for a segment that vanished', async () => {
    const { store, uploader, clock, queue } = setUp({ pollIntervalMs: 60_000 });
    const [id = ''] = await addSegments(store, 1);
    uploader.script({ status: 'retry', cause: 'no', retryAfterMs: 5_000 });
    queue.start();
    await settle();
    const lease = await store.lease(id);
    if (lease.status === 'leased') await lease.lease.settle({ status: 'dropped', reason: 'retention' });
    const list = vi.spyOn(store, 'list');
    await clock.advanceAsync(600_000);
    expect(list.mock.calls.length).toBeLessThan(15);
    await queue.close();
  });

  it('keeps the process alive with no timer of its own while it rests', async () => {
    const { clock, queue } = setUp();
    queue.start();
    await settle();
    expect(clock.pendingTimers.map(({ keepsProcessAlive }) => keepsProcessAlive)).toEqual([false]);
    await queue.close();
    expect(clock.pendingTimers).toEqual([]);
  });

  it('sees a held segment that was released when woken, and by itself after a minute', async () => {
    const { store, uploader, clock, queue } = setUp();
    const { id } = await store.addSegment({ exportReady: false });
    queue.start();
    await settle();
    const ready = withLease(store, () => ({}));
    vi.spyOn(store, 'lease').mockImplementation(async (wanted) => {
      vi.restoreAllMocks();
      const attempt = await ready.lease(wanted);
      if (attempt.status !== 'leased') return attempt;
      const { segment } = attempt.lease;
      const released = { ...segment, metadata: { ...segment.metadata, exportReady: true } };
      return { status: 'leased', lease: { ...attempt.lease, segment: released } };
    });
    await clock.advanceAsync(59_000);
    expect(uploader.uploads).toEqual([]);
    await clock.advanceAsync(11_000);
    expect(uploader.acceptedIds).toEqual([id]);
    await queue.close();
  });
});

describe('pause and resume', () => {
  it('holds everything back and lets what is under way end', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 3);
    uploader.hold();
    queue.start();
    await settle();
    queue.pause();
    uploader.release();
    await settle();
    expect(uploader.acceptedIds).toHaveLength(1);
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'paused', delivered: 0, remaining: 2 });
    expect(queue.status()).toMatchObject({ isPaused: true, isStarted: true });

    queue.resume();
    await settle();
    expect(uploader.acceptedIds).toHaveLength(3);
    await queue.close();
  });
});

describe('blocked', () => {
  it('stops at the first answer that speaks of address or credentials, says why, and removes nothing', async () => {
    const logger = new MemoryLogger();
    const { store, uploader, clock, queue, of } = setUp({ logger });
    const ids = await addSegments(store, 3);
    uploader.otherwise(() => ({ status: 'blocked', cause: new Error('401') }));

    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'blocked', blocked: 'Error', remaining: 3 });

    expect(uploader.uploads).toHaveLength(1);
    expect(store.ids).toEqual(ids);
    expect(of('blocked')).toMatchObject([{ kind: 'uploader', reason: 'Error', segmentId: ids[0] }]);
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(queue.status().blocked).toBe('Error');
    queue.start();
    queue.wake();
    await clock.advanceAsync(3_600_000);
    expect(uploader.uploads).toHaveLength(1);

    uploader.otherwise(() => ({ status: 'accepted' }));
    queue.resume();
    await settle();
    expect(uploader.acceptedIds).toEqual(ids);
    await queue.close();
  });

  it('stops at ten rejections in a row, so that a wrong address does not empty the spool', async () => {
    const { store, uploader, queue, of } = setUp();
    await addSegments(store, 30);
    uploader.otherwise(() => ({ status: 'rejected', cause: new Error('400') }));

    const report = await queue.drain();

    expect(report).toMatchObject({ endedBy: 'blocked', quarantined: REJECTIONS_BEFORE_BLOCK - 1, remaining: 21 });
    expect(uploader.uploads).toHaveLength(REJECTIONS_BEFORE_BLOCK);
    expect(of('blocked')).toMatchObject([{ kind: 'rejections' }]);
    expect(report.blocked).toMatch(/10 segments in a row were rejected/u);
  });

  it('quarantines nothing more once blocked, whatever is still under way', async () => {
    const { store, uploader, queue } = setUp({ concurrency: 20 });
    await addSegments(store, 30);
    uploader.hold();
    uploader.otherwise(() => ({ status: 'rejected', cause: new Error('400') }));
    const draining = queue.drain();
    await settle();
    expect(uploader.heldCount).toBe(20);
    uploader.release();
    await expect(draining).resolves.toMatchObject({ endedBy: 'blocked', quarantined: 9, remaining: 21 });
  });

  it('quarantines nothing more once blocked for another reason either', async () => {
    const { store, uploader, queue } = setUp({ concurrency: 2 });
    await addSegments(store, 2);
    uploader.hold();
    uploader.script({ status: 'blocked', cause: new Error('401') }, { status: 'rejected', cause: new Error('400') });
    const draining = queue.drain();
    await settle();
    uploader.release();
    await expect(draining).resolves.toMatchObject({ endedBy: 'blocked', quarantined: 0, remaining: 2 });
  });

  it('counts rejections anew after a segment was accepted', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 30);
    let n = 0;
    uploader.otherwise(() => {
      n += 1;
      return n % 10 === 0 ? { status: 'accepted' } : { status: 'rejected', cause: '400' };
    });
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'completed', quarantined: 27, delivered: 3 });
  });
});

describe('quarantine', () => {
  it('takes a rejected segment with its reason, and its neighbours go on', async () => {
    const { store, uploader, queue, of } = setUp();
    const ids = await addSegments(store, 3);
    const cause = new Error('secret words of a receiver');
    uploader.script({ status: 'accepted' }, { status: 'rejected', cause });

    await expect(queue.drain()).resolves.toMatchObject({ delivered: 2, quarantined: 1, remaining: 0 });

    expect(store.outcomeOf(ids[1] ?? '')).toEqual({ status: 'quarantined', reason: 'rejected: Error' });
    expect(of('quarantined')).toMatchObject([{ segment: { id: ids[1] }, reason: 'rejected: Error', cause }]);
  });

  it('takes a segment whose file has another size than its metadata says, without sending it', async () => {
    const { store, uploader, queue } = setUp();
    const { id } = await store.addSegment({ metadata: { bytes: 9 } });
    await expect(queue.drain()).resolves.toMatchObject({ quarantined: 1 });
    expect(store.outcomeOf(id)).toEqual({
      status: 'quarantined',
      reason: 'damaged: 8 bytes where its metadata says 9',
    });
    expect(uploader.uploads).toEqual([]);
  });
});

describe('answers that nobody understands', () => {
  it.each([undefined, null, 'accepted', {}, { status: 'ok' }])('count as retry: %j', async (answer) => {
    const { store, queue } = setUp({ uploader: scripted(async () => answer as unknown as UploadResult) });
    const ids = await addSegments(store, 1);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 0, retriesScheduled: 1 });
    expect(store.ids).toEqual(ids);
  });

  it('counts a synchronous throw as retry too', async () => {
    const { store, queue } = setUp({
      uploader: scripted(() => {
        throw new Error('at once');
      }),
    });
    await addSegments(store, 1);
    await expect(queue.drain()).resolves.toMatchObject({ retriesScheduled: 1 });
  });
});

describe('conditions', () => {
  it('hold the queue with their word, sync or async, until they agree', async () => {
    let isOnline = false;
    const { store, uploader, clock, queue, of } = setUp({
      conditions: [() => true, async () => isOnline || { hold: 'offline' }],
    });
    await addSegments(store, 2);
    await expect(queue.drain()).resolves.toMatchObject({ endedBy: 'condition', hold: 'offline', remaining: 2 });
    queue.start();
    await clock.advanceAsync(60_000);
    expect(of('held')).toEqual([{ reason: 'offline' }]);
    expect(queue.status().hold).toBe('offline');
    expect(uploader.uploads).toEqual([]);

    isOnline = true;
    await clock.advanceAsync(10_000);
    expect(uploader.acceptedIds).toHaveLength(2);
    expect(queue.status().hold).toBeUndefined();
    await queue.close();
  });

  it('are asked before every upload', async () => {
    let uploads = 0;
    const { store, queue } = setUp({ conditions: [() => (uploads < 2 ? true : { hold: 'metered' })] });
    queue.on('uploaded', () => {
      uploads += 1;
    });
    await addSegments(store, 5);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 2, hold: 'metered', remaining: 3 });
  });

  it('hold the queue when they throw, and harm nobody', async () => {
    const { store, queue, of } = setUp({
      conditions: [
        () => {
          throw new Error('battery');
        },
      ],
    });
    await addSegments(store, 1);
    await expect(queue.drain()).resolves.toMatchObject({
      endedBy: 'condition',
      hold: 'a condition failed',
      remaining: 1,
    });
    expect(of('error')).toMatchObject([{ operation: 'condition' }]);
  });

  it('that do not answer hold the queue with a word, and are asked again', async () => {
    let isStuck = true;
    const conditions = [() => (isStuck ? new Promise<true>(() => undefined) : (true as const))];
    const { store, clock, queue, of } = setUp({ conditions });
    await addSegments(store, 1);
    const draining = queue.drain();
    await clock.advanceAsync(CONDITION_TIMEOUT_MS);
    await expect(draining).resolves.toMatchObject({ endedBy: 'condition', hold: 'a condition does not answer' });
    expect(of('held')).toEqual([{ reason: 'a condition does not answer' }]);
    isStuck = false;
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });

  it('that never answer cannot keep the queue from closing', async () => {
    const { store, clock, queue } = setUp({ conditions: [() => new Promise<never>(() => undefined)] });
    await addSegments(store, 1);
    queue.start();
    await settle();
    const closing = queue.close({ deadlineMs: 1_000 });
    await clock.advanceAsync(1_000);
    await closing;
    expect(store.ids).toHaveLength(1);
  });
});

describe('listeners', () => {
  it('that throw or reject harm neither the queue nor each other', async () => {
    const logger = new MemoryLogger();
    const { store, queue } = setUp({ logger });
    await addSegments(store, 2);
    const heard: string[] = [];
    queue.on('uploaded', () => {
      throw new Error('mine');
    });
    queue.on('uploaded', (async () => Promise.reject(new Error('async'))) as () => void);
    queue.on('uploaded', ({ segment }) => void heard.push(segment.id));
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 2 });
    await settle();
    expect(heard).toHaveLength(2);
    expect(logger.lines.filter(({ message }) => message.includes('listener'))).toHaveLength(4);
  });

  it('end with their own unsubscribe', async () => {
    const { store, queue } = setUp();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const first = queue.on('uploaded', listener);
    queue.on('uploaded', listener);
    first();
    first();
    await addSegments(store, 1);
    await queue.drain();
    expect(calls).toBe(1);
  });

  it('a logger that throws harms nobody', async () => {
    const broken = (): never => {
      throw new Error('logger');
    };
    const { store, queue } = setUp({ logger: { debug: broken, info: broken, warn: broken, error: broken } });
    await addSegments(store, 1);
    await expect(queue.drain()).resolves.toMatchObject({ delivered: 1 });
  });
});

describe('close', () => {
  it('waits for a drain too', async () => {
    const { store, uploader, queue } = setUp();
    await addSegments(store, 2);
    uploader.hold();
    const draining = queue.drain();
    await settle();
    const closing = queue.close();
    await settle();
    expect(uploader.closeCount).toBe(0);
    uploader.release();
    await closing;
    await expect(draining).resolves.toMatchObject({ endedBy: 'closed', delivered: 1, remaining: 1 });
    expect(uploader.closeCount).toBe(1);
  });

  it('waits for what is under way, starts nothing new, and closes the uploader', async () => {
    const { store, uploader, clock, queue } = setUp();
    const ids = await addSegments(store, 3);
    uploader.hold();
    queue.start();
    await settle();
    const closing = queue.close({ deadlineMs: 1_000 });
    expect(queue.close()).toBe(closing);
    await clock.advanceAsync(999);
    expect(uploader.closeCount).toBe(0);
    uploader.release();
    await closing;

    expect(uploader.acceptedIds).toEqual([ids[0]]);
    expect(store.settled).toHaveLength(1);
    expect(uploader.closeCount).toBe(1);
    expect(clock.pendingTimers).toEqual([]);
    expect(queue.status()).toMatchObject({ isClosed: true, underWay: 0 });
  });

  it('aborts after its deadline: nothing is settled, no failure is noted, the leases are free', async () => {
    const { store, uploader, clock, queue } = setUp({ concurrency: 2 });
    const ids = await addSegments(store, 3);
    uploader.hold();
    queue.start();
    await settle();
    const closing = queue.close({ deadlineMs: 1_000 });
    await clock.advanceAsync(1_000);
    await closing;

    expect(store.ids).toEqual(ids);
    expect(store.settled).toEqual([]);
    expect(store.stateOf(ids[0] ?? '')).toBeUndefined();
    for (const id of ids) expect((await store.lease(id)).status).toBe('leased');
  });

  it('is not held by an uploader that ignores its signal, nor fooled by its late answer', async () => {
    let answer: (result: UploadResult) => void = () => undefined;
    const uploader = scripted(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const { store, clock, queue } = setUp({ uploader });
    await addSegments(store, 1);
    queue.start();
    await settle();
    const closing = queue.close({ deadlineMs: 10 });
    await clock.advanceAsync(10);
    await closing;
    answer({ status: 'accepted' });
    await settle();
    expect(store.settled).toEqual([]);
  });

  it('refuses what comes after it', async () => {
    const { queue } = setUp();
    await queue.close();
    expect(() => queue.start()).toThrow(expect.objectContaining({ code: 'RELAY_CLOSED' }));
    const refused: unknown = await queue.drain().catch((cause: unknown) => cause);
    expect(isRelayError(refused, 'RELAY_CLOSED')).toBe(true);
  });

  it('goes on when the uploader cannot be closed', async () => {
    const { queue, of } = setUp({
      uploader: { upload: async () => ({ status: 'accepted' }), close: () => Promise.reject(new Error('stuck')) },
    });
    await queue.close();
    expect(of('error')).toMatchObject([{ operation: 'closeUploader' }]);
  });

  it('waits for an uploader that does not close until its deadline, and says so', async () => {
    const clock = new ManualClock();
    const uploader: SegmentUploader = {
      upload: async () => ({ status: 'accepted' }),
      close: () => new Promise(() => {}),
    };
    const { queue, of } = setUp({ uploader, clock });
    let isClosed = false;
    const closing = queue.close({ deadlineMs: 3_000 }).then(() => {
      isClosed = true;
    });
    await clock.advanceAsync(2_999);
    expect(isClosed).toBe(false);
    await clock.advanceAsync(1);
    await closing;
    expect(of('error')).toMatchObject([{ operation: 'closeUploader', cause: { name: 'TimeoutError' } }]);
  });

  it('is what await using does', async () => {
    const { uploader, queue } = setUp();
    {
      await using _queue = queue;
    }
    expect(uploader.closeCount).toBe(1);
  });
});

describe('options', () => {
  it.each([
    [{ concurrency: 0 }, 'concurrency must be a whole number >= 1, got 0'],
    [{ pollIntervalMs: 1.5 }, 'pollIntervalMs must be a whole number >= 1, got 1.5'],
    [{ maxBytesPerSecond: 0 }, 'maxBytesPerSecond must be a whole number >= 1, got 0'],
    [{ maxRetryAgeMs: -1 }, 'maxRetryAgeMs must be a whole number >= 0, got -1'],
    [{ closeDeadlineMs: Number.NaN }, 'closeDeadlineMs must be a whole number >= 0, got NaN'],
    [{ order: 'newest' as 'perWriter' }, "order must be 'oldestFirst' or 'perWriter', got newest"],
    [{ conditions: [true as unknown as () => true] }, 'conditions must be functions, got boolean'],
    [{ retry: { kind: 'never' } as never }, "retry must be a retry policy of kind 'none'"],
    [{ store: {} as never }, 'store must have a method list()'],
    [{ uploader: undefined as never }, 'uploader must have a method upload()'],
  ])('are checked when constructed: %j', (options, message) => {
    expect(() => setUp(options)).toThrow(message);
  });
});
