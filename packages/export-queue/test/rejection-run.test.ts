// Goal: a wrong address does not empty the spool, however often the process that meets it is started anew.
// Method: the store on files over a simulated disk, a new store and a new queue for each run, as a job has them.
import { DiskExportQueue, REJECTIONS_BEFORE_BLOCK } from '@relaykit/export-queue';
import { accountForSpool, openSegmentStore, type QuarantineOptions, Spool } from '@relaykit/segments';
import { InMemorySegmentStore, ManualClock, RecordingUploader, SimulatedDisk } from '@relaykit/testing';
import type { UploadResult } from '@relaykit/types';
import { expect, it } from 'vitest';
import { sealSegment } from './sealed-segments.ts';
import { addSegments, setUp } from './support.ts';

const directory = '/spool';
const rejected = (): UploadResult => ({ status: 'rejected', cause: new Error('400') });
const accepted = (): UploadResult => ({ status: 'accepted' });

async function setUpJob(segments: number, quarantine: QuarantineOptions = {}) {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const spool = Spool.openSync({ directory, fileSystem: disk, clock });
  for (let first = 0; first < segments; first += 1) await sealSegment(spool, { first });
  const open = () => openSegmentStore({ directory, fileSystem: disk, clock, quarantine });
  const run = async (answer: () => UploadResult) => {
    const store = await open();
    const uploader = new RecordingUploader();
    uploader.otherwise(answer);
    const queue = new DiskExportQueue({ store, uploader, clock });
    const report = await queue.drain();
    await queue.close();
    await store.close();
    return report;
  };
  return { open, run };
}

it.each<QuarantineOptions>([{}, { maxSegments: 3, whenFull: 'dropOldest' }])(
  'goes on where the process before ended, with %j',
  async (quarantine) => {
    const { open, run } = await setUpJob(40, quarantine);
    const waiting = 40 - (REJECTIONS_BEFORE_BLOCK - 1);
    expect(await run(rejected)).toMatchObject({ endedBy: 'blocked', blockedKind: 'rejections', remaining: waiting });
    for (let n = 0; n < 3; n += 1) {
      expect(await run(rejected)).toMatchObject({ endedBy: 'blocked', quarantined: 0, remaining: waiting });
    }
    expect(await run(accepted)).toMatchObject({ endedBy: 'completed', delivered: waiting });
    expect(await accountForSpool((await open()).spool)).toMatchObject({ pending: 0, delivered: waiting, lost: 0 });
  },
);

it('ends where somebody discards or puts back what was refused', async () => {
  const { open, run } = await setUpJob(20);
  await run(rejected);
  const store = await open();
  const [first, ...others] = await store.quarantine.list();
  await store.quarantine.requeue(first?.id ?? '');
  for (const { id } of others) await store.quarantine.discard(id);
  await store.close();
  expect(await run(rejected)).toMatchObject({ quarantined: REJECTIONS_BEFORE_BLOCK - 1 });
});

it('ends with an acceptance in an earlier process, and with resume()', async () => {
  const store = new InMemorySegmentStore();
  await addSegments(store, 9 + 1 + 9);
  const before = setUp({ store });
  before.uploader.script(...Array.from({ length: 9 }, rejected), { status: 'accepted' });
  before.uploader.otherwise(rejected);
  expect(await before.queue.drain()).toMatchObject({ endedBy: 'completed', quarantined: 18, delivered: 1 });

  await addSegments(store, 4);
  const after = setUp({ store });
  after.queue.resume();
  after.uploader.otherwise(rejected);
  expect(await after.queue.drain()).toMatchObject({ endedBy: 'completed', quarantined: 4 });
});
