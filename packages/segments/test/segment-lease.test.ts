// Goal: a lease is the right to one segment; what became of it is recorded before the segment goes, and only once.
import { type SimulatedDisk, settle } from '@relaykit/testing';
import type { SegmentLease } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { accountForSpool, FileSegmentStore } from '../src/index.ts';
import { linesOf } from './line-serializer.ts';
import {
  createScene,
  idOf,
  ledgerOf,
  namesIn,
  openSpool,
  pathOf,
  recover,
  type Scene,
  SPOOL,
  sealSegment,
  serializer,
  textOf,
} from './scene.ts';

const id = idOf();
const ARCHIVE = '/archive/of mine';

async function leaseIn({ spool }: Pick<Scene, 'spool'>): Promise<SegmentLease> {
  const attempt = await new FileSegmentStore(spool, [serializer]).lease(id);
  if (attempt.status !== 'leased') throw new Error(`it is ${attempt.status}`);
  return attempt.lease;
}

describe('a lease', () => {
  it('offers the bytes that metadata speaks of, and no more', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    scene.disk.placeFile(pathOf({}, 'ndjson'), linesOf(0, 1, 2));
    const { content } = await leaseIn(scene);
    expect(content.sizeBytes).toBe(16);
    expect(new TextDecoder().decode(await content.read(0, 99))).toBe('{"n":0}\n{"n":1}\n');
  });

  it('of a file that is shorter than metadata says offers what is there', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    scene.disk.placeFile(pathOf({}, 'ndjson'), linesOf(0));
    expect((await leaseIn(scene)).content.sizeBytes).toBe(8);
  });

  it.for(['release', 'close'] as const)('ends behind the settlement that is under way: %s', async (end) => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    const store = new FileSegmentStore(scene.spool, [serializer]);
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') throw new Error(`it is ${attempt.status}`);
    const gate = scene.disk.hold('rename');
    const settling = attempt.lease.settle({ status: 'delivered' });
    await gate.reached();
    const ending = end === 'release' ? attempt.lease.release() : store.close();
    await settle();
    gate.release();
    await Promise.all([settling, ending]);
    expect(namesIn(scene.disk)).toEqual([]);
    expect(ledgerOf(scene.disk)).toMatchObject([{ id, outcome: 'delivered' }]);
  });

  it('ends though its settlement failed', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const lease = await leaseIn(scene);
    scene.disk.failNext('rename', 'EIO');
    const settling = lease.settle({ status: 'delivered' });
    await Promise.all([expect(settling).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' }), lease.release()]);
    expect(await leaseIn(scene)).toMatchObject({ segment: { id } });
  });

  it('ends once, and is nobody else until then', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const other = new FileSegmentStore(openSpool(scene.disk.process('other')), [serializer]);
    const lease = await leaseIn(scene);
    expect(await other.lease(id)).toEqual({ status: 'busy' });
    await lease.release();
    await lease.release();
    await expect(lease.settle({ status: 'delivered' })).rejects.toThrow(
      new TypeError(`lease of ${id} must not be settled after it has ended`),
    );
    const second = await other.lease(id);
    expect(second.status).toBe('leased');
    await other.close();
    expect(await other.lease(id)).toMatchObject({ status: 'leased' });
  });

  it('ends with its process', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const holder = scene.disk.process('holder');
    await leaseIn({ spool: openSpool(holder) });
    holder.kill();
    expect((await leaseIn(scene)).segment.id).toBe(id);
  });

  it.for([
    [
      { status: 'delivered', receipt: 'r-1' },
      { outcome: 'delivered', receipt: 'r-1' },
    ],
    [{ status: 'delivered' }, { outcome: 'delivered' }],
    [
      { status: 'dropped', reason: 'http 413' },
      { outcome: 'dropped', reason: 'http 413' },
    ],
  ] as const)('that is settled leaves a record and nothing else: %j', async ([outcome, expected]) => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 3 });
    const lease = await leaseIn(scene);
    await lease.writeState({ attempts: 1, firstFailureAtMs: 2, nextAttemptAtMs: 3 });
    expect(await lease.readState()).toEqual({ attempts: 1, firstFailureAtMs: 2, nextAttemptAtMs: 3 });
    await lease.settle(outcome);
    await lease.release();
    expect(namesIn(scene.disk)).toEqual([]);
    const facts = { kind: 'segment', id, firstSequence: 0, eventCount: 3, bytes: 24, at: '2026-01-01T00:00:00.000Z' };
    expect(ledgerOf(scene.disk)).toEqual([{ ...facts, ...expected }]);
  });

  it('that is quarantined moves the segment, with its metadata and without its state', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const lease = await leaseIn(scene);
    await lease.writeState({ attempts: 1, firstFailureAtMs: 2, nextAttemptAtMs: 3 });
    await lease.settle({ status: 'quarantined', reason: 'http 400' });
    expect(namesIn(scene.disk)).toEqual([`quarantine/${id}.meta.json`, `quarantine/${id}.ndjson`]);
    expect(textOf(scene.disk, `${SPOOL}/quarantine/${id}.ndjson`)).toBe('{"n":0}\n');
    expect(scene.disk.persistedFiles().has(`${SPOOL}/quarantine/${id}.ndjson`)).toBe(true);
    expect(await accountForSpool(scene.spool)).toMatchObject({ quarantined: 1, pending: 0 });
  });

  it('that cannot be settled says why, is held still, and can be settled again', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const lease = await leaseIn(scene);
    scene.disk.failNext(({ name, path }) => name === 'rename' && path === pathOf({}, 'ndjson'), 'EACCES');
    await expect(lease.settle({ status: 'delivered' })).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'remove', path: pathOf({}, 'ndjson'), systemCode: 'EACCES' },
    });
    scene.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('ledger.ndjson'), 'EIO');
    await expect(lease.settle({ status: 'delivered' })).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    expect(ledgerOf(scene.disk)).toEqual([]);
    await lease.settle({ status: 'delivered' });
    expect(namesIn(scene.disk)).toEqual([]);
    expect(ledgerOf(scene.disk)).toMatchObject([{ id, outcome: 'delivered', eventCount: 1 }]);
  });
});

describe('a settlement that a power cut ends at any step', () => {
  it.for(['delivered', 'dropped', 'quarantined'] as const)('leaves the segment, or its record: %s', async (status) => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    const lease = await leaseIn(scene);
    const crashes: SimulatedDisk[] = [];
    scene.disk.onEveryStep((snapshot) => crashes.push(...snapshot.crashes({ maxOutcomes: 24, seeds: 24 })));
    await lease.settle(status === 'delivered' ? { status } : { status, reason: 'x' });
    crashes.push(...scene.disk.snapshot().crashes());
    const seen = new Set<string>();
    for (const crashed of crashes) {
      const again = createScene(crashed);
      const { problems } = await recover(again);
      expect(problems, crashed.describe()).toEqual([]);
      const { pending, delivered, dropped, quarantined, repeated, lost } = await accountForSpool(again.spool);
      const settled = status === 'dropped' ? (dropped['x'] ?? 0) : { delivered, quarantined }[status];
      expect([pending + settled, repeated, lost], crashed.describe()).toEqual([2, 0, 0]);
      seen.add(pending > 0 ? 'pending' : 'settled');
      const kept =
        status === 'quarantined' && pending === 0 ? [`quarantine/${id}.meta.json`, `quarantine/${id}.ndjson`] : [];
      if (pending === 0) expect(namesIn(crashed), crashed.describe()).toEqual(kept);
      else expect(textOf(crashed, pathOf({}, 'ndjson')), crashed.describe()).toBe('{"n":0}\n{"n":1}\n');
    }
    expect([...seen].sort()).toEqual(['pending', 'settled']);
  });
});

describe('the archive', () => {
  const options = { afterDelivery: { archiveDirectory: ARCHIVE } } as const;

  it('keeps a delivered segment and its metadata, durable before the segment goes', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    const metadata = textOf(scene.disk, pathOf({}, 'meta.json'));
    const lease = await leaseIn(scene);
    const broken: string[] = [];
    scene.disk.onEveryStep((snapshot) => {
      for (const crashed of snapshot.crashes({ maxOutcomes: 24, seeds: 24 })) {
        const files = crashed.files();
        const isThere = (files.get(pathOf({}, 'ndjson'))?.byteLength ?? 0) > 0;
        const isArchived =
          files.get(`${ARCHIVE}/${id}.ndjson`)?.byteLength === 16 && files.has(`${ARCHIVE}/${id}.meta.json`);
        const isGone = [...files].some(([path, bytes]) => path.endsWith('.gone') && bytes.byteLength > 0);
        if (!isThere && !isArchived && !isGone) broken.push(crashed.describe());
      }
    });
    await lease.settle({ status: 'delivered' }, options);
    expect(broken).toEqual([]);
    expect(textOf(scene.disk, `${ARCHIVE}/${id}.ndjson`)).toBe('{"n":0}\n{"n":1}\n');
    expect(textOf(scene.disk, `${ARCHIVE}/${id}.meta.json`)).toBe(metadata);
    expect(namesIn(scene.disk).filter((name) => !name.includes('of mine'))).toEqual([]);
    expect(scene.disk.statSync(ARCHIVE)?.mode).toBe(0o700);
  });

  it('takes what an earlier attempt left, and takes nothing that was not delivered', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.placeFile(`${ARCHIVE}/${id}.ndjson.tmp`, 'a longer rest of an attempt');
    scene.disk.placeFile(`${ARCHIVE}/${id}.ndjson`, 'of an attempt before that');
    await (await leaseIn(scene)).settle({ status: 'delivered' }, options);
    expect(textOf(scene.disk, `${ARCHIVE}/${id}.ndjson`)).toBe('{"n":0}\n');
    const second = createScene();
    await sealSegment(second.spool);
    await (await leaseIn(second)).settle({ status: 'dropped', reason: 'x' }, options);
    expect(second.disk.statSync('/archive')).toBeUndefined();
  });

  it('that fails keeps the segment', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const lease = await leaseIn(scene);
    scene.disk.failNext(({ name, path }) => name === 'write' && path.startsWith(ARCHIVE), 'ENOSPC');
    await expect(lease.settle({ status: 'delivered' }, options)).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect(ledgerOf(scene.disk)).toEqual([]);
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe('{"n":0}\n');
    await lease.settle({ status: 'delivered' }, options);
    expect(ledgerOf(scene.disk)).toHaveLength(1);
  });

  it('that is not safe is refused', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.placeDirectory(ARCHIVE, { mode: 0o777 });
    const lease = await leaseIn(scene);
    await expect(lease.settle({ status: 'delivered' }, options)).rejects.toMatchObject({ code: 'RELAY_SPOOL_UNSAFE' });
    expect(scene.disk.files().has(pathOf({}, 'ndjson'))).toBe(true);
  });
});
