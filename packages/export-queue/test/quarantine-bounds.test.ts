// Goal: a full quarantine stops the queue, says so, and loses nothing; once there is room the queue goes on.
// Method: the store on files over a simulated disk; a receiver that refuses every other segment for good.
import { DEFAULT_POLL_INTERVAL_MS, DiskExportQueue } from '@relaykit/export-queue';
import { accountForSpool, openSegmentStore, type QuarantineOptions, Spool } from '@relaykit/segments';
import { ManualClock, RecordingUploader, SimulatedDisk } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { sealSegment } from './sealed-segments.ts';
import { advanceAtRest, until, watch } from './support.ts';

const directory = '/spool';

async function setUpSpool(segments: number, quarantine: QuarantineOptions) {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const spool = Spool.openSync({ directory, fileSystem: disk, clock });
  for (let first = 0; first < segments; first += 1) await sealSegment(spool, { first });
  const store = await openSegmentStore({ directory, fileSystem: disk, clock, quarantine });
  const uploader = new RecordingUploader();
  uploader.otherwise(({ info }) =>
    info.firstSequence % 2 === 0 ? { status: 'rejected', cause: new Error('no') } : { status: 'accepted' },
  );
  const queue = new DiskExportQueue({ store, uploader, clock });
  return { store, uploader, queue, clock, seen: watch(queue) };
}

it('blocks the queue where it is full, until there is room again', async () => {
  const { store, queue, seen, uploader } = await setUpSpool(8, { maxSegments: 2 });
  const report = await queue.drain();
  const expected = { endedBy: 'blocked', blockedKind: 'quarantineFull', delivered: 2, quarantined: 2, remaining: 4 };
  expect(report).toMatchObject(expected);
  expect(report.blocked).toMatch(/^Cannot put another segment into \/spool\/quarantine, which holds 2 segments/u);
  const blocked = seen.filter(({ type }) => type === 'blocked').map(({ event }) => event);
  expect(blocked).toMatchObject([{ kind: 'quarantineFull', cause: { code: 'RELAY_QUARANTINE_FULL' } }]);
  expect(await accountForSpool(store.spool)).toMatchObject({ pending: 4, delivered: 2, quarantined: 2, lost: 0 });

  const [first, second] = await store.quarantine.list();
  await store.quarantine.discard(first?.id ?? '');
  await store.quarantine.requeue(second?.id ?? '');
  uploader.otherwise(() => ({ status: 'accepted' }));
  queue.resume();
  expect(await queue.drain()).toMatchObject({ endedBy: 'completed', delivered: 5, remaining: 0 });
  const keysOfSecond = uploader.uploads.filter(({ segmentId }) => segmentId === second?.id);
  expect(keysOfSecond.map(({ idempotencyKey }) => idempotencyKey)).toEqual([second?.id, second?.id]);
  expect(await accountForSpool(store.spool)).toMatchObject({
    pending: 0,
    delivered: 7,
    quarantined: 0,
    dropped: { discarded: 1 },
    lost: 0,
    repeated: 0,
  });
});

it('goes on by itself once another process has made room', async () => {
  const { store, queue, clock } = await setUpSpool(6, { maxSegments: 2 });
  queue.start();
  await until(() => queue.status().blocked !== undefined && clock.pendingTimers.length > 0);
  await clock.advanceAsync(DEFAULT_POLL_INTERVAL_MS);
  expect(queue.status().blocked).toBeDefined();

  const [first] = await store.quarantine.list();
  await store.quarantine.discard(first?.id ?? '');
  await advanceAtRest(clock, queue, 2 * DEFAULT_POLL_INTERVAL_MS);
  expect(queue.status().blocked).toBeUndefined();
  expect(await accountForSpool(store.spool)).toMatchObject({ pending: 0, delivered: 3, quarantined: 2 });
  await queue.close();
});

it('drops the oldest and goes on where it is told to', async () => {
  const { store, queue } = await setUpSpool(8, { maxSegments: 2, whenFull: 'dropOldest' });
  expect(await queue.drain()).toMatchObject({ endedBy: 'completed', delivered: 4, quarantined: 4, remaining: 0 });
  expect(await accountForSpool(store.spool)).toMatchObject({
    delivered: 4,
    quarantined: 2,
    dropped: { quarantineFull: 2 },
    lost: 0,
    repeated: 0,
  });
});
