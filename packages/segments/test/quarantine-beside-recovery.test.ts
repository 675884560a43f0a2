// Goal: a segment keeps its metadata whoever recovers the spool while it goes into quarantine and comes back.
import { SimulatedDisk } from '@relaykit/testing';
import type { FileSystem } from '@relaykit/types';
import { expect, it } from 'vitest';
import { accountForSpool, FileSegmentStore, recoverSpool, Spool } from '../src/index.ts';
import { gateAfter } from './gate.ts';
import { SPOOL, sealSegment, serializer } from './scene.ts';

function spoolOf(fileSystem: FileSystem): Spool {
  return Spool.openSync({ directory: SPOOL, fileSystem });
}

async function quarantine(spool: Spool, id: string): Promise<void> {
  const attempt = await new FileSegmentStore(spool, []).lease(id);
  if (attempt.status !== 'leased') throw new Error(attempt.status);
  await attempt.lease.settle({ status: 'quarantined', reason: 'rejected' });
}

it('metadata on its way to quarantine is left to whoever moves it', async () => {
  const disk = new SimulatedDisk();
  const mover = gateAfter(disk.process('mover'), 'rename', '.ndjson');
  const recoverer = gateAfter(disk.process('recoverer'), 'syncDirectory', '/quarantine');
  const requeuer = spoolOf(disk.process('requeuer'));
  const { id } = await sealSegment(requeuer, { events: 3 });

  const moved = quarantine(spoolOf(mover.fileSystem), id);
  await mover.reached;
  const recovered = recoverSpool(spoolOf(recoverer.fileSystem), [serializer]);
  await Promise.race([recoverer.reached, recovered]);
  mover.open();
  await moved;
  expect(await new FileSegmentStore(requeuer, []).quarantine.requeue(id)).toEqual({ status: 'requeued' });
  recoverer.open();
  await recovered;

  expect(await accountForSpool(requeuer)).toMatchObject({ pending: 3, quarantined: 0, lost: 0, repeated: 0 });
  expect(await new FileSegmentStore(requeuer, []).lease(id)).toMatchObject({ status: 'leased' });
});

it('a segment comes back only when recovery has brought its metadata after it', async () => {
  const disk = new SimulatedDisk();
  const mover = spoolOf(disk.process('mover'));
  const { id } = await sealSegment(mover, { events: 3 });
  await quarantine(mover, id);
  // As a mover leaves it that dies between the two.
  disk.renameSync(`${SPOOL}/quarantine/${id}.meta.json`, `${SPOOL}/${id}.meta.json`);

  const recoverer = gateAfter(disk.process('recoverer'), 'syncDirectory', '/quarantine');
  const recovered = recoverSpool(spoolOf(recoverer.fileSystem), [serializer]);
  await recoverer.reached;
  const requeuer = spoolOf(disk.process('requeuer'));
  const store = new FileSegmentStore(requeuer, []);
  expect(await store.quarantine.requeue(id)).toEqual({ status: 'busy' });
  recoverer.open();
  await recovered;
  expect(await store.quarantine.requeue(id)).toEqual({ status: 'requeued' });
  expect(await accountForSpool(requeuer)).toMatchObject({ pending: 3, quarantined: 0, lost: 0, repeated: 0 });
});
