// Goal: a lock is on a file and not on its name, so whatever a rival does between our open and our lock, only one owner
// acts, and on the right file. Method: the rival acts in the step before our lock.
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { takeOwnership } from '../src/exclusive-file.ts';
import { FileSegmentStore } from '../src/index.ts';
import { createSegmentFileSync } from '../src/segment-creation.ts';
import { linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  leaveFile,
  ledgerOf,
  namesIn,
  openSpool,
  pathOf,
  recover,
  reportOf,
  rightBefore,
  SPOOL,
  sealSegment,
  serializer,
  textOf,
  WRITER,
} from './scene.ts';

const OPEN = pathOf({}, 'ndjson.open');
const SEALED = pathOf({}, 'ndjson');

describe('takeOwnership', () => {
  it.for(['open', 'lock'] as const)('is too late where a rival sealed the file before our %s', async (step) => {
    const disk = new SimulatedDisk();
    disk.placeFile(OPEN, 'x');
    const rival = disk.process('rival');
    const acted = rightBefore(
      disk,
      ({ name }) => name === step,
      () => rival.renameSync(OPEN, SEALED),
    );
    expect(await takeOwnership(disk, OPEN)).toEqual({ status: 'gone' });
    expect(acted()).toBe(true);
    // Nothing stays locked or open.
    expect(disk.openFileSync(SEALED, 'readWrite').tryLock()).toBe(true);
  });

  it('is too late where a rival removed the file before our lock', async () => {
    const disk = new SimulatedDisk();
    disk.placeFile(OPEN, 'x');
    const rival = disk.process('rival');
    rightBefore(
      disk,
      ({ name }) => name === 'lock',
      () => rival.removeSync(OPEN),
    );
    expect(await takeOwnership(disk, OPEN)).toEqual({ status: 'gone' });
  });

  it('is too late where a rival put another file in its place', async () => {
    const disk = new SimulatedDisk();
    disk.placeFile(OPEN, 'x');
    disk.placeFile('/spool/new', 'y');
    const rival = disk.process('rival');
    rightBefore(
      disk,
      ({ name }) => name === 'lock',
      () => rival.renameSync('/spool/new', OPEN),
    );
    expect(await takeOwnership(disk, OPEN)).toEqual({ status: 'gone' });
    expect(disk.openFileSync(OPEN, 'readWrite').tryLock()).toBe(true);
  });

  it('is busy where a rival holds the lock, and keeps nothing open', async () => {
    const disk = new SimulatedDisk();
    disk.placeFile(OPEN, 'x');
    const rival = disk.process('rival').openFileSync(OPEN, 'readWrite');
    rival.tryLock();
    const us = disk.process('us');
    expect(await takeOwnership(us, OPEN)).toEqual({ status: 'busy' });
    expect(us.openFileCount).toBe(0);
    rival.closeSync();
    expect(await takeOwnership(us, OPEN)).toMatchObject({ status: 'owned' });
  });

  it('passes other errors on, and keeps nothing open', async () => {
    const disk = new SimulatedDisk({ locks: 'unavailable' });
    disk.placeFile(OPEN, 'x');
    const us = disk.process('us');
    disk.failNext('open', 'EMFILE');
    await expect(takeOwnership(us, OPEN)).rejects.toMatchObject({ code: 'EMFILE' });
    await expect(takeOwnership(us, OPEN)).rejects.toMatchObject({ code: 'RELAY_LOCK_UNAVAILABLE' });
    expect(us.openFileCount).toBe(0);
  });
});

describe('recovery beside a rival', () => {
  const rivals = {
    'seals it': (scene: ReturnType<typeof createScene>) => scene.disk.process('rival').renameSync(OPEN, SEALED),
    'removes it': (scene: ReturnType<typeof createScene>) => scene.disk.process('rival').removeSync(OPEN),
    'moves it to quarantine': (scene: ReturnType<typeof createScene>) => {
      const rival = scene.disk.process('rival');
      rival.createDirectorySync(`${SPOOL}/quarantine`);
      rival.renameSync(OPEN, `${SPOOL}/quarantine/x`);
    },
  };
  it.for(Object.keys(rivals) as (keyof typeof rivals)[])(
    'that %s between its open and its lock touches nothing',
    async (what) => {
      const scene = createScene();
      leaveFile(scene.disk, `${new TextDecoder().decode(linesOf(0))}{"torn`);
      let after: ReadonlyMap<string, Uint8Array> | undefined;
      rightBefore(
        scene.disk,
        ({ name, path }) => name === 'lock' && path === OPEN,
        () => {
          rivals[what](scene);
          after = new Map([...scene.disk.files()].map(([path, bytes]) => [path, bytes.slice()]));
        },
      );
      expect(await recover(scene)).toEqual(reportOf({}));
      expect(new Map(scene.disk.files())).toEqual(after);
    },
  );
});

describe('a new segment file', () => {
  const segment = {
    writerId: WRITER,
    firstSequence: 0,
    createdAtMs: CREATED_MS,
    fileExtension: 'ndjson',
    isAtomic: false,
  };
  const next = { createdAtMs: CREATED_MS + 1 };

  it('takes the next name where its own is taken', () => {
    const { disk, spool } = createScene();
    disk.placeFile(OPEN, 'theirs');
    const created = createSegmentFileSync(spool, segment);
    expect(created).toMatchObject({ id: idOf(next), createdAtMs: CREATED_MS + 1 });
    expect(textOf(disk, OPEN)).toBe('theirs');
  });

  it('is left to a rival who found it empty and locked it first', () => {
    const disk = new SimulatedDisk();
    const main = disk.process('writer');
    const spool = openSpool(main);
    const rival = disk.process('rival');
    let handle: ReturnType<typeof rival.openFileSync> | undefined;
    rightBefore(
      disk,
      ({ name, process }) => name === 'lock' && process === 'writer',
      () => {
        handle = rival.openFileSync(OPEN, 'readWrite');
        handle.tryLock();
      },
    );
    expect(createSegmentFileSync(spool, segment).id).toBe(idOf(next));
    expect(main.openFileCount).toBe(1);
    expect(handle?.statSync().linkCount).toBe(1);
    handle?.closeSync();
  });

  it('is another one where a rival removed it before our lock', () => {
    const { disk, spool } = createScene();
    const rival = disk.process('rival');
    rightBefore(
      disk,
      ({ name }) => name === 'lock',
      () => rival.removeSync(OPEN),
    );
    const { id, handle } = createSegmentFileSync(spool, segment);
    expect(id).toBe(idOf(next));
    expect(namesIn(disk)).toEqual([`${idOf(next)}.ndjson.open`]);
    expect(openSpool(rival).fileSystem.openFileSync(pathOf(next, 'ndjson.open'), 'readWrite').tryLock()).toBe(false);
    handle.closeSync();
  });

  it('survives a whole recovery by a rival between create and lock', async () => {
    const { disk, clock, spool } = createScene();
    const rival = { spool: openSpool(disk.process('rival'), clock) };
    let recovery: Promise<unknown> = Promise.resolve();
    rightBefore(
      disk,
      ({ name }) => name === 'lock',
      () => {
        recovery = recover(rival);
      },
    );
    const { id, handle } = createSegmentFileSync(spool, segment);
    await recovery;
    expect(disk.statSync(`${SPOOL}/${id}.ndjson.open`)?.inode).toBe(handle.statSync().inode);
    expect(handle.statSync().linkCount).toBe(1);
  });

  it('gives up where every name is taken', () => {
    const { disk, spool } = createScene();
    for (let turn = 0; turn <= 100; turn += 1)
      disk.placeFile(pathOf({ createdAtMs: CREATED_MS + turn }, 'ndjson.open'), '');
    expect(() => createSegmentFileSync(spool, segment)).toThrow('EEXIST');
  });

  it('gives up where every file is taken away at once, and leaves none', () => {
    const { disk, spool } = createScene();
    const rival = disk.process('rival');
    disk.onStep = ({ name, path, process }) => {
      if (name === 'lock' && process === 'main') rival.removeSync(path);
    };
    expect(() => createSegmentFileSync(spool, segment)).toThrow(`every new file in ${SPOOL} is taken away at once`);
    expect(namesIn(disk)).toEqual([]);
  });

  it('passes other errors on, and leaves no file behind where there are no locks', () => {
    const { disk, spool } = createScene();
    disk.failNext('create', 'EACCES');
    expect(() => createSegmentFileSync(spool, segment)).toThrow('EACCES');
    const without = new SimulatedDisk({ locks: 'unavailable' });
    for (const [path, bytes] of disk.files()) without.placeFile(path, bytes);
    expect(() => createSegmentFileSync(openSpool(without), segment)).toThrow("locks: 'unavailable'");
    expect(namesIn(without)).toEqual([]);
  });
});

describe('a lease', () => {
  it('is gone where the segment was settled between our open and our lock', async () => {
    const { disk, clock, spool } = createScene();
    const { id } = await sealSegment(spool);
    const rival = openSpool(disk.process('rival'), clock);
    rightBefore(
      disk,
      ({ name, process, path }) => name === 'lock' && process === 'main' && path === SEALED,
      () => rival.fileSystem.renameSync(SEALED, pathOf({}, 'delivered.gone')),
    );
    expect(await new FileSegmentStore(spool, [serializer]).lease(id)).toEqual({ status: 'gone' });
    expect(ledgerOf(disk)).toEqual([]);
  });
});
