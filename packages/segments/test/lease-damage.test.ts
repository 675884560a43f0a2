// Goal: a lease tells the truth about a segment whose files are not what they were, and can be settled again.
import { SimulatedDisk } from '@relaykit/testing';
import type { SegmentLease } from '@relaykit/types';
import { expect, it } from 'vitest';
import { ActiveSegmentFile, type FileSegmentStore, Ledger, openSegmentStore, systemClock } from '../src/index.ts';
import { JsonLines } from './json-lines.ts';

const LINE = new TextEncoder().encode('{"n":1}\n');

async function storeWithSegment(disk: SimulatedDisk): Promise<{ store: FileSegmentStore; id: string }> {
  const serializers = [new JsonLines()];
  const store = await openSegmentStore({ directory: '/spool', fileSystem: disk, serializers });
  const { format } = serializers[0] ?? new JsonLines();
  const place = { writerId: 'k3f9q2m4xa', firstSequence: 0, createdAtMs: Date.UTC(2026, 10, 23), isAtomic: false };
  const segment = new ActiveSegmentFile({ spool: store.spool, format, ...place });
  segment.appendSync([
    { bytes: LINE, eventCount: 1 },
    { bytes: LINE, eventCount: 1 },
  ]);
  await segment.sync();
  const { id } = await segment.seal({ reason: 'bytes' });
  return { store, id };
}

async function leaseOf(store: FileSegmentStore, id: string): Promise<SegmentLease> {
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(`expected a lease, got ${attempt.status}`);
  return attempt.lease;
}

it.for(['', '{"formatVersion":1', '[]'])(
  'rebuilds metadata that is damaged (%j), and holds the segment',
  async (text) => {
    const disk = new SimulatedDisk();
    const { store, id } = await storeWithSegment(disk);
    disk.placeFile(`/spool/${id}.meta.json`, text);
    const { segment } = await leaseOf(store, id);
    expect(segment.metadata).toMatchObject({
      eventCount: 2,
      bytes: 16,
      exportReady: false,
      heldReason: 'metadataLost',
    });
  },
);

it('leaves a segment whose metadata is damaged and whose format is not known to somebody else', async () => {
  const disk = new SimulatedDisk();
  const { id } = await storeWithSegment(disk);
  disk.placeFile(`/spool/${id}.meta.json`, '');
  const store = await openSegmentStore({ directory: '/spool', fileSystem: disk });
  expect(await store.lease(id)).toEqual({ status: 'busy' });
});

it('gives no more than the file holds, and no more than the metadata says', async () => {
  const disk = new SimulatedDisk();
  const { store, id } = await storeWithSegment(disk);
  const path = `/spool/${id}.ndjson`;
  disk.placeFile(path, LINE);
  const short = await leaseOf(store, id);
  expect(short.content.sizeBytes).toBe(LINE.byteLength);
  await short.release();
  disk.placeFile(path, new Uint8Array(1000));
  expect((await leaseOf(store, id)).content.sizeBytes).toBe(2 * LINE.byteLength);
});

it('lets go of the lock when the lease cannot be given', async () => {
  const disk = new SimulatedDisk();
  const { store, id } = await storeWithSegment(disk);
  disk.failNext(({ name, path }) => name === 'open' && path.endsWith('.meta.json'), 'EIO');
  await expect(store.lease(id)).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
  expect((await store.lease(id)).status).toBe('leased');
});

it('settles again after a settle that failed half-way', async () => {
  const disk = new SimulatedDisk();
  const { store, id } = await storeWithSegment(disk);
  const lease = await leaseOf(store, id);
  disk.failNext(({ name, path }) => name === 'write' && path.endsWith('ledger.ndjson'), 'EIO');
  await expect(lease.settle({ status: 'delivered', receipt: 'r-1' })).rejects.toMatchObject({
    code: 'RELAY_STORAGE_FAILED',
  });
  await lease.settle({ status: 'delivered', receipt: 'r-1' });
  expect(await store.spool.ledger.find(id)).toMatchObject({ outcome: 'delivered', receipt: 'r-1' });
  expect([...disk.files().keys()].filter((path) => path.includes(id))).toEqual([]);
});

it('reads another ledger anew though it has the inode of the one read before', async () => {
  const disk = new SimulatedDisk();
  disk.placeDirectory('/spool');
  const ledger = new Ledger({ directory: '/spool', fileSystem: disk, clock: systemClock() });
  const record = (id: string, eventCount: number) =>
    ({ kind: 'segment', id, outcome: 'delivered', firstSequence: 0, eventCount, bytes: 1, at: '' }) as const;
  await ledger.record(record('a', 1));
  const handle = await disk.openFile('/spool/ledger.ndjson', 'readWrite');
  await handle.truncate(0);
  handle.writeSync(
    new TextEncoder().encode(`${JSON.stringify(record('b', 2))}\n${JSON.stringify(record('c', 3))}\n`),
    0,
  );
  await handle.close();
  expect(await ledger.find('a')).toBeUndefined();
  expect(await ledger.find('b')).toMatchObject({ eventCount: 2 });
});
