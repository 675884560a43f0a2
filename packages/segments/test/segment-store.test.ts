// Goal: the store on files keeps the contract of a segment store, on the real disk and on the simulated one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedDisk } from '@relaykit/testing';
import { describeSegmentStore } from '@relaykit/testing/conformance';
import type { FileSystem, SegmentName, SegmentStore } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { ActiveSegmentFile, FileSegmentStore, openSegmentStore, RECOVERY_INTERVAL_MS, Spool } from '../src/index.ts';
import { LineSerializer, linesOf } from './line-serializer.ts';
import {
  createScene,
  idOf,
  leaveFile,
  namesIn,
  openSpool,
  operationsOn,
  pathOf,
  SPOOL,
  sealSegment,
  serializer,
  textOf,
} from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const format = { name: 'jsonl', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' };

async function addSegment(store: SegmentStore, bytes: Uint8Array): Promise<string> {
  const { spool } = store as FileSegmentStore;
  newest += 1;
  const segment = new ActiveSegmentFile({
    spool,
    format,
    writerId: 'k3f9q2m4xa',
    firstSequence: newest,
    createdAtMs: Date.UTC(2026, 10, 23) + newest,
    isAtomic: false,
  });
  segment.appendSync([{ bytes, eventCount: 1 }]);
  await segment.sync();
  return (await segment.seal({ reason: 'bytes' })).id;
}
let newest = 0;

const directories = new Map<SegmentStore, string>();
describeSegmentStore(
  'FileSegmentStore on the real disk',
  {
    create: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
      const store = await openSegmentStore({ directory });
      directories.set(store, directory);
      return store;
    },
    addSegment,
    dispose: (store) => rmSync(directories.get(store) ?? '', { recursive: true, force: true }),
  },
  { describe, it },
);

describeSegmentStore(
  'FileSegmentStore on the simulated disk',
  {
    create: () => openSegmentStore({ directory: '/spool', fileSystem: new SimulatedDisk() as FileSystem }),
    addSegment,
  },
  { describe, it },
);

describe('FileSegmentStore', () => {
  it('recovers what dead writers left, when it is opened and while it is listed', async () => {
    const { disk, clock } = createScene();
    leaveFile(disk, linesOf(0));
    const store = await openSegmentStore({ directory: SPOOL, fileSystem: disk, clock, serializers: [serializer] });
    const ids = async (): Promise<readonly string[]> => (await listed(store)).map(({ id }) => id);
    expect(await ids()).toEqual([idOf()]);
    leaveFile(disk, linesOf(1), { first: 1 });
    expect(await ids()).toEqual([idOf()]);
    clock.advance(RECOVERY_INTERVAL_MS);
    expect(await ids()).toEqual([idOf(), idOf({ first: 1 })]);
  });

  it('without serializers leaves unfinished files alone', async () => {
    const { disk, clock } = createScene();
    leaveFile(disk, linesOf(0));
    const store = await openSegmentStore({ directory: SPOOL, fileSystem: disk, clock });
    expect(await listed(store)).toEqual([]);
    expect(namesIn(disk)).toEqual([`${idOf()}.ndjson.open`]);
  });

  it('opens no file to list', async () => {
    const { disk, spool } = createScene();
    for (const first of [2, 0, 1]) await sealSegment(spool, { first });
    const store = new FileSegmentStore(spool, []);
    const operations = operationsOn(disk);
    const names = await listed(store);
    expect(names.map(({ firstSequence }) => firstSequence)).toEqual([0, 1, 2]);
    expect(operations.map(({ name }) => name)).toEqual(['list']);
  });

  it('finds a segment by its id alone, listed or not, and none by a path', async () => {
    const { spool } = createScene();
    await sealSegment(spool);
    const store = new FileSegmentStore(spool, []);
    expect(await store.info(idOf())).toMatchObject({ id: idOf(), metadata: { eventCount: 1 } });
    for (const id of ['', '../spool', `${idOf()}.ndjson`, idOf({ first: 9 })]) {
      expect(await store.info(id)).toBeUndefined();
      expect(await store.lease(id)).toEqual({ status: 'gone' });
    }
  });

  it('has nothing where something that is no file bears the name of a segment', async () => {
    const { disk, spool } = createScene();
    disk.placeDirectory(pathOf({ first: 0 }, 'ndjson'));
    disk.placeOther(pathOf({ first: 1 }, 'ndjson'));
    disk.placeSymlink(pathOf({ first: 2 }, 'ndjson'), '/elsewhere');
    const store = new FileSegmentStore(spool, [serializer]);
    for (const first of [0, 1, 2]) {
      expect(await store.lease(idOf({ first }))).toEqual({ status: 'gone' });
      expect(await store.info(idOf({ first }))).toBeUndefined();
    }
  });

  it('knows what has gone since it listed', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    const store = new FileSegmentStore(spool, []);
    await listed(store);
    expect(await store.info(idOf())).toBeDefined();
    disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'age.gone'));
    expect(await store.info(idOf())).toBeUndefined();
    // Its record is still to come.
    expect(await store.lease(idOf())).toEqual({ status: 'busy' });
    await disk.remove(pathOf({}, 'age.gone'));
    expect(await store.lease(idOf())).toEqual({ status: 'gone' });
  });

  it('holds a segment that the ledger has for gone, though its file is there', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    const facts = { id: idOf(), firstSequence: 0, eventCount: 1, bytes: 8, at: '2026-01-01T00:00:00.000Z' } as const;
    await spool.ledger.record({ kind: 'segment', outcome: 'quarantined', reason: 'x', ...facts });
    const store = new FileSegmentStore(spool, [serializer]);
    expect(await store.info(idOf())).toBeUndefined();
    expect(await store.lease(idOf())).toEqual({ status: 'gone' });
    expect(disk.openFileSync(pathOf({}, 'ndjson'), 'readWrite').tryLock()).toBe(true);
  });

  it.for(['', '{"formatVersion":1', '{}'])(
    'builds damaged metadata anew with the lease, and holds it back: %j',
    async (damaged) => {
      const { disk, spool } = createScene();
      await sealSegment(spool, { events: 2 });
      disk.placeFile(pathOf({}, 'meta.json'), damaged);
      const store = new FileSegmentStore(spool, [serializer]);
      expect(await store.info(idOf())).toBeUndefined();
      const attempt = await store.lease(idOf());
      expect(attempt).toMatchObject({
        status: 'leased',
        lease: { segment: { metadata: { eventCount: 2, exportReady: false, heldReason: 'metadataLost' } } },
      });
      await store.close();
    },
  );

  it('lets nobody have a segment that nobody can describe', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    disk.placeFile(pathOf({}, 'meta.json'), '');
    const reader = disk.process('reader');
    expect(await new FileSegmentStore(openSpool(reader), []).lease(idOf())).toEqual({ status: 'busy' });
    const missing = new LineSerializer({ missingKeyId: 'k1' });
    expect(await new FileSegmentStore(openSpool(reader), [missing]).lease(idOf())).toEqual({ status: 'busy' });
    expect(reader.openFileCount).toBe(0);
    expect(textOf(disk, pathOf({}, 'meta.json'))).toBe('');
  });

  it.for([
    ['info', 'read', 'meta.json', 'read', 'meta.json'],
    ['lease', 'open', 'ndjson', 'open', 'ndjson'],
    ['lease', 'read', 'meta.json', 'open', 'ndjson'],
  ] as const)('names what failed: %s, by a failed %s of .%s', async ([method, step, suffix, operation, named]) => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    const store = new FileSegmentStore(spool, [serializer]);
    await listed(store);
    disk.failNext(({ name, path }) => name === step && path === pathOf({}, suffix), 'EIO');
    await expect(store[method](idOf())).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation, path: pathOf({}, named), systemCode: 'EIO' },
    });
    expect(await store.lease(idOf())).toMatchObject({ status: 'leased' });
  });
});

describe("ownership: 'singleProcess'", () => {
  it('keeps the parts of one process apart where there are no kernel locks', async () => {
    const directory = temporaryDirectory();
    const spool = Spool.openSync({ directory, ownership: 'singleProcess' });
    await sealSegment(spool);
    const [one, two] = [new FileSegmentStore(spool, []), new FileSegmentStore(spool, [])];
    expect((await one.lease(idOf())).status).toBe('leased');
    expect(await two.lease(idOf())).toEqual({ status: 'busy' });
    await one.close();
    expect((await two.lease(idOf())).status).toBe('leased');
    await two.close();
  });

  it('is for the file system that nobody passed', () => {
    const fileSystem = createScene().disk;
    expect(() => Spool.openSync({ directory: SPOOL, fileSystem, ownership: 'singleProcess' })).toThrow(
      new TypeError('ownership must not stand beside fileSystem; give it to nodeFileSystem instead'),
    );
  });
});

async function listed(store: SegmentStore): Promise<readonly SegmentName[]> {
  const names: SegmentName[] = [];
  for await (const name of store.list()) names.push(name);
  return names;
}
