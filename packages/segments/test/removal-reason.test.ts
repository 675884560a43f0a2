// Goal: a segment that was dropped is never taken for delivered, whatever word the policy had for it.
import { SimulatedDisk } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { ActiveSegmentFile, openSegmentStore } from '../src/index.ts';
import { JsonLines } from './json-lines.ts';

it.for(['delivered', 'deli-vered'])('is dropped for %s, though a crash comes before its record', async (reason) => {
  const disk = new SimulatedDisk();
  const store = await openSegmentStore({ directory: '/spool', fileSystem: disk });
  const place = { writerId: 'k3f9q2m4xa', firstSequence: 0, createdAtMs: Date.UTC(2026, 10, 23), isAtomic: false };
  const segment = new ActiveSegmentFile({ spool: store.spool, format: new JsonLines().format, ...place });
  segment.appendSync([{ bytes: new TextEncoder().encode('{"n":1}\n'), eventCount: 1 }]);
  await segment.sync();
  const { id } = await segment.seal({ reason: 'bytes' });
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error('not leased');
  disk.failNext('truncate', 'EIO');
  await expect(attempt.lease.settle({ status: 'dropped', reason })).rejects.toMatchObject({
    code: 'RELAY_STORAGE_FAILED',
  });
  disk.kill();
  disk.restart();
  const again = await openSegmentStore({ directory: '/spool', fileSystem: disk });
  expect(await again.spool.ledger.find(id)).toMatchObject({ outcome: 'dropped', reason: 'other', eventCount: 1 });
});

it('refuses to archive into the spool itself, and keeps the segment', async () => {
  const disk = new SimulatedDisk();
  const store = await openSegmentStore({ directory: '/spool', fileSystem: disk });
  const place = { writerId: 'k3f9q2m4xa', firstSequence: 0, createdAtMs: Date.UTC(2026, 10, 23), isAtomic: false };
  const segment = new ActiveSegmentFile({ spool: store.spool, format: new JsonLines().format, ...place });
  segment.appendSync([{ bytes: new TextEncoder().encode('{"n":1}\n'), eventCount: 1 }]);
  await segment.sync();
  const { id } = await segment.seal({ reason: 'bytes' });
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error('not leased');
  const afterDelivery = { archiveDirectory: '/spool/' };
  await expect(attempt.lease.settle({ status: 'delivered' }, { afterDelivery })).rejects.toThrow(
    'archiveDirectory must not be a spool or the quarantine of one, got /spool/',
  );
  await attempt.lease.release();
  expect((await store.lease(id)).status).toBe('leased');
});
