// Goal: the quarantine is bounded and inspectable; what leaves it is in one place and counted once, whatever step a
// crash comes at.
import type { DiskSnapshot, SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import {
  accountForSpool,
  FileSegmentStore,
  openSegmentStore,
  type QuarantineOptions,
  type SegmentStoreOptions,
  Spool,
} from '../src/index.ts';
import { linesOf } from './line-serializer.ts';
import {
  createScene,
  idOf,
  leaveFile,
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

function storeOf({ spool }: Pick<Scene, 'spool'>, quarantine?: QuarantineOptions): FileSegmentStore {
  return new FileSegmentStore(spool, [serializer], quarantine);
}

async function quarantine(store: FileSegmentStore, id: string, reason = 'rejected: HTTP 413'): Promise<void> {
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(`${id} is ${attempt.status}`);
  try {
    await attempt.lease.settle({ status: 'quarantined', reason });
  } finally {
    await attempt.lease.release();
  }
}

async function idsIn(store: FileSegmentStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  return ids;
}

const quarantinedNames = (disk: SimulatedDisk): string[] =>
  [...disk.files().keys()].filter((path) => path.startsWith(`${SPOOL}/quarantine/`)).sort();

describe('the list of the quarantine', () => {
  it('tells of each segment what it is, why it is there and since when', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool, { events: 2 });
    scene.clock.advance(5_000);
    await quarantine(store, id);
    leaveFile(scene.disk, 'no line of JSON\n', { first: 7 });
    await recover(scene);
    expect(await store.quarantine.list()).toEqual([
      {
        id,
        fileName: `${id}.ndjson`,
        bytes: 16,
        eventCount: 2,
        reason: 'rejected: HTTP 413',
        at: '2026-01-01T00:00:05.000Z',
        isWhole: true,
      },
      {
        id: idOf({ first: 7 }),
        fileName: `${idOf({ first: 7 })}.ndjson.open`,
        bytes: 16,
        eventCount: 0,
        reason: 'nothing in it is readable',
        at: '2026-01-01T00:00:05.000Z',
        isWhole: false,
      },
    ]);
    expect(await store.quarantine.usage()).toEqual({ segments: 2, bytes: 32 });
  });

  it('has what stands there though its record was lost, and nothing where there is no quarantine', async () => {
    const scene = createScene();
    expect(await storeOf(scene).quarantine.list()).toEqual([]);
    await quarantine(storeOf(scene), (await sealSegment(scene.spool, { events: 2 })).id);
    scene.disk.placeFile(`${SPOOL}/ledger.ndjson`, '');
    const store = storeOf({ spool: openSpool(scene.disk) });
    expect(await store.quarantine.list()).toMatchObject([{ eventCount: 2, reason: 'unknown', at: undefined }]);
  });
});

describe('the bounds of the quarantine', () => {
  it.each<QuarantineOptions>([{ maxSegments: 2 }, { maxBytes: 20 }])(
    '%j: full, it takes nothing more',
    async (bounds) => {
      const scene = createScene();
      const store = storeOf(scene, bounds);
      for (const first of [0, 1]) await quarantine(store, (await sealSegment(scene.spool, { first })).id);
      const { id } = await sealSegment(scene.spool, { first: 2 });
      const limits = { maxSegments: 1_000, maxBytes: 128 * 1024 * 1024, ...bounds };
      await expect(quarantine(store, id)).rejects.toMatchObject({
        code: 'RELAY_QUARANTINE_FULL',
        facts: { path: `${SPOOL}/quarantine`, segments: 2, bytes: 16, ...limits },
      });
      expect(await idsIn(store)).toEqual([id]);
      expect(ledgerOf(scene.disk)).toHaveLength(2);
      expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 1, quarantined: 2, lost: 0, repeated: 0 });
    },
  );

  it('drops the oldest where it is told to, each with a record', async () => {
    const scene = createScene();
    const store = storeOf(scene, { maxBytes: 24, whenFull: 'dropOldest' });
    const first = [0, 1, 2, 3];
    for (const number of first) await quarantine(store, (await sealSegment(scene.spool, { first: number })).id);
    expect((await store.quarantine.list()).map(({ id }) => id)).toEqual([1, 2, 3].map((n) => idOf({ first: n })));
    await quarantine(store, (await sealSegment(scene.spool, { first: 4, events: 2 })).id);
    expect((await store.quarantine.list()).map(({ id }) => id)).toEqual([3, 4].map((n) => idOf({ first: n })));
    expect(await accountForSpool(scene.spool)).toEqual({
      pending: 0,
      delivered: 0,
      quarantined: 3,
      dropped: { quarantineFull: 3 },
      lost: 0,
      repeated: 0,
      unsealedFiles: 0,
    });
  });

  it('take one segment of any size into an empty quarantine', async () => {
    const scene = createScene();
    const store = storeOf(scene, { maxBytes: 0 });
    await quarantine(store, (await sealSegment(scene.spool)).id);
    expect(await store.quarantine.usage()).toEqual({ segments: 1, bytes: 8 });
  });

  it('never stand in the way of recovery, and count what it put there', async () => {
    const scene = createScene();
    const store = storeOf(scene, { maxSegments: 1 });
    for (const first of [0, 1]) leaveFile(scene.disk, 'not a line\n', { first });
    expect(await store.recover()).toMatchObject({ filesQuarantined: 2, problems: [] });
    const { id } = await sealSegment(scene.spool, { first: 2 });
    await expect(quarantine(store, id)).rejects.toMatchObject({ facts: { segments: 2, maxSegments: 1 } });
  });

  it.each([
    [{ maxBytes: -1 }, 'quarantine.maxBytes must be a whole number >= 0, got -1'],
    [{ maxSegments: 0 }, 'quarantine.maxSegments must be a whole number >= 1, got 0'],
    [{ whenFull: 'drop' }, `quarantine.whenFull must be 'block' or 'dropOldest', got "drop"`],
  ])('refuses %j', async (options, message) => {
    const store = { directory: SPOOL, quarantine: options } as SegmentStoreOptions;
    await expect(openSegmentStore({ ...store, fileSystem: createScene().disk })).rejects.toThrow(message);
  });
});

describe('requeue', () => {
  it('lets a segment wait again under its id, without its earlier failures', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool, { events: 2 });
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') throw new Error(attempt.status);
    await attempt.lease.writeState({ attempts: 9, firstFailureAtMs: 1, nextAttemptAtMs: 2 });
    await attempt.lease.release();
    await quarantine(store, id);
    expect(await store.quarantine.requeue(id)).toEqual({ status: 'requeued' });
    expect(await store.quarantine.list()).toEqual([]);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 2, quarantined: 0, lost: 0, repeated: 0 });

    const again = await storeOf({ spool: openSpool(scene.disk) }).lease(id);
    if (again.status !== 'leased') throw new Error(again.status);
    expect(await again.lease.readState()).toBeUndefined();
    await again.lease.settle({ status: 'delivered' });
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 0, delivered: 2, lost: 0, repeated: 0 });
    expect(ledgerOf(scene.disk).map(({ kind, outcome }) => outcome ?? kind)).toEqual([
      'quarantined',
      'requeued',
      'delivered',
    ]);
  });

  it('may be done again after another quarantine', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool);
    for (let turn = 0; turn < 3; turn += 1) {
      await quarantine(store, id);
      expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 0, quarantined: 1 });
      expect(await store.quarantine.requeue(id)).toEqual({ status: 'requeued' });
      await recover(scene);
      expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 1, quarantined: 0 });
    }
  });

  it('refuses what cannot be delivered, and says why', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    leaveFile(scene.disk, 'not a line\n', { first: 3 });
    await recover(scene);
    expect(await store.quarantine.requeue(idOf({ first: 3 }))).toEqual({
      status: 'refused',
      reason: 'it was damaged before it was sealed',
    });
    const { id } = await sealSegment(scene.spool);
    await quarantine(store, id);
    await scene.disk.remove(`${SPOOL}/quarantine/${id}.meta.json`);
    expect(await store.quarantine.requeue(id)).toEqual({
      status: 'refused',
      reason: 'its metadata is missing or damaged',
    });
    expect(await store.quarantine.requeue(idOf({ first: 9 }))).toEqual({ status: 'gone' });
    expect(await store.quarantine.list()).toHaveLength(2);
  });

  it('takes a segment whose record is lost only where it is as it was sealed', async () => {
    const scene = createScene();
    const { disk } = scene;
    const store = storeOf(scene);
    const whole = await sealSegment(scene.spool, { events: 2 });
    const damaged = await sealSegment(scene.spool, { first: 2, events: 2 });
    for (const { id } of [whole, damaged]) await quarantine(store, id);
    const path = `${SPOOL}/quarantine/${damaged.id}.ndjson`;
    const handle = disk.openFileSync(path, 'readWrite');
    handle.writeSync(new TextEncoder().encode('x'), 3);
    handle.closeSync();
    await disk.remove(`${SPOOL}/ledger.ndjson`);

    const again = storeOf({ spool: openSpool(disk) });
    expect(await again.quarantine.list()).toMatchObject([
      { id: whole.id, reason: 'unknown', isWhole: true },
      { id: damaged.id, reason: 'unknown', isWhole: false },
    ]);
    expect(await again.quarantine.requeue(damaged.id)).toEqual({
      status: 'refused',
      reason: 'it is damaged, and its record is lost: a repair may have moved its events',
    });
    expect(await again.quarantine.requeue(whole.id)).toEqual({ status: 'requeued' });
  });

  it('leaves a segment in quarantine where the disk takes no record', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool);
    await quarantine(store, id);
    scene.disk.failNext(({ name, path }) => name === 'sync' && path === `${SPOOL}/ledger.ndjson`, 'EIO');
    await expect(store.quarantine.requeue(id)).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    expect(await store.lease(id)).toEqual({ status: 'gone' });
    await recover(scene);
    expect(await store.quarantine.list()).toMatchObject([{ id, reason: 'rejected: HTTP 413' }]);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 0, quarantined: 1, lost: 0, repeated: 0 });
  });

  it('of a process that was killed before its sync is durable before anybody relies on it', async () => {
    const scene = createScene();
    const { disk } = scene;
    const { id } = await sealSegment(scene.spool);
    await quarantine(storeOf(scene), id);
    // As a process leaves it that was killed between its write and its sync.
    const dead = disk.process('dead');
    for (const name of [`${id}.ndjson`, `${id}.meta.json`]) {
      dead.renameSync(`${SPOOL}/quarantine/${name}`, `${SPOOL}/${name}`);
    }
    const ledger = dead.openFileSync(`${SPOOL}/ledger.ndjson`, 'readWrite');
    const line = `${JSON.stringify({ kind: 'requeued', id, at: '' })}\n`;
    ledger.writeSync(new TextEncoder().encode(line), ledger.statSync().sizeBytes);
    dead.kill();

    expect(await storeOf({ spool: openSpool(disk) }).lease(id)).toMatchObject({ status: 'leased' });
    const durable = new TextDecoder().decode(disk.persistedFiles().get(`${SPOOL}/ledger.ndjson`));
    expect(durable).toContain('"requeued"');
  });

  it('is done by one of two processes', async () => {
    const scene = createScene();
    const { id } = await sealSegment(scene.spool);
    await quarantine(storeOf(scene), id);
    const rivals = ['first', 'second'].map((name) => storeOf({ spool: openSpool(scene.disk.process(name)) }));
    const outcomes = await Promise.all(rivals.map((store) => store.quarantine.requeue(id)));
    expect(outcomes.filter(({ status }) => status === 'requeued')).toHaveLength(1);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 1, quarantined: 0, repeated: 0 });
  });
});

describe('discard', () => {
  it('removes a segment for good, and its record says so from then on', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool, { events: 3 });
    await quarantine(store, id);
    expect(await store.quarantine.discard(id, { reason: 'tooLarge' })).toEqual({ status: 'discarded' });
    expect(quarantinedNames(scene.disk)).toEqual([]);
    expect(await accountForSpool(scene.spool)).toMatchObject({ quarantined: 0, dropped: { tooLarge: 3 }, repeated: 0 });
    expect(await accountForSpool(openSpool(scene.disk))).toMatchObject({ dropped: { tooLarge: 3 } });
    expect(await store.quarantine.discard(id)).toEqual({ status: 'gone' });
  });

  it('does without free space', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool);
    await quarantine(store, id);
    scene.disk.failNext('write', 'ENOSPC');
    await expect(store.quarantine.discard(id)).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect(await recover(scene)).toMatchObject({ removalsFinished: 1, problems: [] });
    expect(quarantinedNames(scene.disk)).toEqual([]);
    expect(await accountForSpool(scene.spool)).toMatchObject({ quarantined: 0, dropped: { discarded: 1 } });
  });

  it('leaves a segment to whoever has it', async () => {
    const scene = createScene();
    const store = storeOf(scene);
    const { id } = await sealSegment(scene.spool);
    await quarantine(store, id);
    const other = scene.disk.process('other').openFileSync(`${SPOOL}/quarantine/${id}.ndjson`, 'readWrite');
    expect(other.tryLock()).toBe(true);
    expect(await store.quarantine.discard(id)).toEqual({ status: 'busy' });
    expect(await store.quarantine.requeue(id)).toEqual({ status: 'busy' });
  });
});

const steps: Readonly<Record<string, (store: FileSegmentStore, id: string) => Promise<unknown>>> = {
  quarantine: (store, id) => quarantine(store, id),
  requeue: (store, id) => store.quarantine.requeue(id),
  discard: (store, id) => store.quarantine.discard(id),
};

describe.each(Object.keys(steps))('a crash at any step of %s', (name) => {
  it('leaves the segment whole in one place, and counted there', async () => {
    const scene = createScene();
    const { disk, clock } = scene;
    const { id } = await sealSegment(scene.spool, { events: 2 });
    await sealSegment(scene.spool, { first: 2 });
    const store = storeOf(scene);
    if (name !== 'quarantine') await quarantine(store, id);
    const snapshots: DiskSnapshot[] = [];
    disk.onEveryStep((snapshot) => void snapshots.push(snapshot));
    await steps[name]?.(store, id);
    snapshots.push(disk.snapshot());
    expect(snapshots.length).toBeGreaterThan(5);
    const seen = new Set<string>();
    for (const [step, snapshot] of snapshots.entries()) {
      const isDone = step === snapshots.length - 1;
      for (const after of [snapshot.kill(step), ...snapshot.crashes({ maxOutcomes: 64, seeds: 40, firstSeed: step })]) {
        const recovered = await openSegmentStore({
          directory: SPOOL,
          fileSystem: after,
          clock,
          serializers: [serializer],
        });
        const found = await accountForSpool(recovered.spool);
        expect(found, `step ${step}`).toMatchObject({ lost: 0, repeated: 0 });
        const isPending = (await idsIn(recovered)).includes(id);
        const isQuarantined = (await recovered.quarantine.list()).some((entry) => entry.id === id);
        const place = isPending ? 'pending' : isQuarantined ? 'quarantined' : 'dropped';
        seen.add(place);
        expect(found, `step ${step}`).toMatchObject({
          pending: isPending ? 3 : 1,
          quarantined: place === 'quarantined' ? 2 : 0,
          dropped: place === 'dropped' ? { discarded: 2 } : {},
        });
        if (place === 'pending') expect(textOf(after, pathOf({}, 'ndjson'))).toBe('{"n":0}\n{"n":1}\n');
        if (place === 'quarantined') {
          expect(new TextDecoder().decode(after.files().get(`${SPOOL}/quarantine/${id}.ndjson`))).toBe(
            new TextDecoder().decode(linesOf(0, 1)),
          );
          expect(await recovered.quarantine.list()).toMatchObject([{ isWhole: true }]);
        }
        if (isDone) expect(place).toBe({ quarantine: 'quarantined', requeue: 'pending', discard: 'dropped' }[name]);
        const before = namesIn(after);
        await recover({ spool: openSpool(after) });
        expect(namesIn(after), `step ${step}`).toEqual(before);
      }
    }
    expect(seen.size).toBe(2);
  });
});

describe('a quarantine that is no directory of ours', () => {
  it.for([
    ['a link', 'symbolicLink'],
    ['a file', 'notADirectory'],
    ['writable by others', 'writableByOthers'],
  ] as const)('takes no event out of the spool where it is %s', async ([what, rule]) => {
    const scene = createScene();
    const path = `${SPOOL}/quarantine`;
    scene.disk.placeDirectory('/elsewhere');
    if (what === 'a link') scene.disk.placeSymlink(path, '/elsewhere');
    else if (what === 'a file') scene.disk.placeFile(path, 'x');
    else scene.disk.placeDirectory(path, { mode: 0o777 });
    const left = leaveFile(scene.disk, 'nothing readable');
    const { problems, filesQuarantined } = await recover(scene);
    expect(filesQuarantined).toBe(0);
    expect(problems.map(({ reason }) => reason)).toEqual([
      expect.stringContaining(rule),
      expect.stringContaining(rule),
    ]);
    expect(textOf(scene.disk, left)).toBe('nothing readable');
    expect(ledgerOf(scene.disk)).toEqual([]);
    if (what !== 'a file') {
      const trusting = Spool.openSync({ directory: SPOOL, fileSystem: scene.disk, allowUnsafeDirectory: true });
      expect(await recover({ spool: trusting })).toMatchObject({ filesQuarantined: 1, problems: [] });
    }
  });
});
