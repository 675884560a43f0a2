// Goal: what was delivered and is settled by others is let go of, and counts; what nobody recorded so far is kept.
// Method: the store on files over a simulated disk, with a settlement or a ledger that fails for a while.
import { DiskExportQueue, MAX_UNRECORDED_SEGMENTS } from '@relaykit/export-queue';
import { accountForSpool, openSegmentStore, RECOVERY_INTERVAL_MS, Spool } from '@relaykit/segments';
import { ManualClock, RecordingUploader, SimulatedDisk } from '@relaykit/testing';
import type { FileHandle, FileSystem } from '@relaykit/types';
import { expect, it } from 'vitest';
import { sealSegment } from './sealed-segments.ts';
import { watch, withLease } from './support.ts';

const directory = '/spool';

async function setUpSpool(segments: number) {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const spool = Spool.openSync({ directory, fileSystem: disk, clock });
  for (let first = 0; first < segments; first += 1) await sealSegment(spool, { first });
  return { disk, clock, spool };
}

it('is let go of where another process delivered it, too', async () => {
  const { disk, clock, spool } = await setUpSpool(MAX_UNRECORDED_SEGMENTS + 5);
  const store = await openSegmentStore({ directory, fileSystem: disk, clock });
  const failing = withLease(store, () => ({ settle: () => Promise.reject(new Error('no archive')) }));
  const uploader = new RecordingUploader();
  const queue = new DiskExportQueue({ store: failing, uploader, clock });
  const seen = watch(queue);
  expect(await queue.drain()).toMatchObject({
    endedBy: 'storage',
    delivered: 0,
    unrecorded: MAX_UNRECORDED_SEGMENTS,
  });
  expect(queue.status().unrecorded).toBe(MAX_UNRECORDED_SEGMENTS);

  const other = new DiskExportQueue({ store, uploader: new RecordingUploader(), clock });
  expect(await other.drain()).toMatchObject({ endedBy: 'completed' });
  await sealSegment(spool, { first: 1_000 });

  expect(await queue.drain()).toMatchObject({ delivered: MAX_UNRECORDED_SEGMENTS, remaining: 1 });
  expect(queue.counts().delivered).toBe(MAX_UNRECORDED_SEGMENTS);
  expect(seen.filter(({ type }) => type === 'uploaded')).toHaveLength(MAX_UNRECORDED_SEGMENTS);
  expect(queue.status().unrecorded).toBe(0);
  await queue.drain();
  expect(uploader.acceptedIds).toHaveLength(MAX_UNRECORDED_SEGMENTS + 1);
});

it('is kept while its removal waits for the ledger, and let go of once recovery has finished it', async () => {
  const { disk, clock } = await setUpSpool(3);
  let isBroken = false;
  const store = await openSegmentStore({
    directory,
    fileSystem: withLedger(disk, () => isBroken),
    clock,
  });
  const queue = new DiskExportQueue({ store, uploader: new RecordingUploader(), clock });
  const seen = watch(queue);
  isBroken = true;
  await queue.drain();
  expect(await queue.drain()).toMatchObject({ delivered: 0, remaining: 0 });
  expect(queue.status().unrecorded).toBe(3);
  expect(seen.filter(({ type }) => type === 'uploaded')).toEqual([]);

  isBroken = false;
  await clock.advanceAsync(RECOVERY_INTERVAL_MS);
  expect(await queue.drain()).toMatchObject({ delivered: 3, remaining: 0 });
  expect(queue.status().unrecorded).toBe(0);
  expect(seen.filter(({ type }) => type === 'uploaded')).toHaveLength(3);
  expect(await accountForSpool(store.spool)).toMatchObject({ pending: 0, delivered: 3, lost: 0, repeated: 0 });
});

/** The same disk, whose ledger cannot be synced while `isBroken` says so. */
function withLedger(disk: FileSystem, isBroken: () => boolean): FileSystem {
  const broken = (handle: FileHandle): FileHandle =>
    replaced(handle, 'syncData', () =>
      isBroken() ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : handle.syncData(),
    );
  const opening = (path: string, handle: FileHandle): FileHandle =>
    path.endsWith('ledger.ndjson') ? broken(handle) : handle;
  const opened = replaced(disk, 'openFileSync', (path, mode) => opening(path, disk.openFileSync(path, mode)));
  return replaced(opened, 'createFileSync', (path, ...rest) => opening(path, disk.createFileSync(path, ...rest)));
}

function replaced<T extends object, Name extends keyof T>(target: T, name: Name, value: T[Name]): T {
  return new Proxy(target, {
    get: (_target, asked) => {
      if (asked === name) return value;
      const own: unknown = Reflect.get(target, asked, target);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}
