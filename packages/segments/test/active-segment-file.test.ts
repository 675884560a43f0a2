// Goal: the segment that is written holds whole batches alone, is durable when it says so, and appears sealed at one point.
import { createHash } from 'node:crypto';
import type { DiskOperation, SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { ActiveSegmentFile } from '../src/index.ts';
import { linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  metadataOf,
  namesIn,
  openSpool,
  operationsOn,
  pathOf,
  serializer,
  textOf,
  WRITER,
  writeSegment,
} from './scene.ts';

const OPEN = pathOf({}, 'ndjson.open');
const SEALED = pathOf({}, 'ndjson');
const frame = (...numbers: number[]) => ({ bytes: linesOf(...numbers), eventCount: numbers.length });
const text = (...numbers: number[]) => new TextDecoder().decode(linesOf(...numbers));
const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

describe('a segment that is written', () => {
  it('is locked from its creation, and says what it is', () => {
    const { disk, clock, spool } = createScene();
    clock.advance(7);
    const file = writeSegment(spool, { events: 0 });
    expect(disk.process().openFileSync(OPEN, 'readWrite').tryLock()).toBe(false);
    expect(file).toMatchObject({
      id: idOf(),
      createdAtMs: CREATED_MS,
      createdMonotonicMs: 7,
      firstSequence: 0,
      path: OPEN,
    });
    expect([file.end, file.synced]).toEqual([
      { sizeBytes: 0, eventCount: 0, frameCount: 0 },
      { sizeBytes: 0, eventCount: 0, frameCount: 0 },
    ]);
  });

  it('takes frames of any size, in order, small ones in one call to the file system', () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 0 });
    const sizes = [10, 64 * 1024, 1, 64 * 1024 + 1, 5, 64 * 1024, 64 * 1024, 64 * 1024, 64 * 1024, 300 * 1024, 2];
    const frames = sizes.map((size, index) => ({ bytes: new Uint8Array(size).fill(index + 1), eventCount: 1 }));
    let writes = 0;
    disk.onStep = ({ name }) => {
      writes += name === 'write' ? 1 : 0;
    };
    file.appendSync(frames);
    const expected = Buffer.concat(frames.map(({ bytes }) => bytes));
    expect(Buffer.compare(Buffer.from(disk.files().get(OPEN) ?? []), expected)).toBe(0);
    expect(writes).toBe(6);
    expect(file.end).toEqual({ sizeBytes: expected.length, eventCount: sizes.length, frameCount: sizes.length });
    writes = 0;
    file.appendSync(Array.from({ length: 1000 }, () => frame(1)));
    expect(writes).toBe(1);
    file.appendSync([]);
    expect(writes).toBe(1);
  });

  it.for(['none', 'part', 'all'] as const)(
    'takes a failed batch again at the same place, %s of it being there',
    async (landed) => {
      const { disk, spool } = createScene();
      const file = writeSegment(spool, { events: 1 });
      disk.failNext('write', 'ENOSPC', { landed });
      const end = file.end;
      expect(() => file.appendSync([frame(1, 2, 3)])).toThrow('ENOSPC');
      expect(file.end).toEqual(end);
      file.appendSync([frame(9)]);
      expect(textOf(disk, OPEN)).toBe(text(0, 9));
      await file.sync();
      expect(await file.seal({ reason: 'bytes' })).toMatchObject({
        eventCount: 2,
        bytes: 16,
        sha256: sha256(text(0, 9)),
      });
    },
  );

  it('does not write over a rest that it cannot cut off', () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    disk.failNext('write', 'EIO', { landed: 'all' });
    expect(() => file.appendSync([frame(1, 2)])).toThrow('EIO');
    disk.failNext('truncate', 'EIO');
    expect(() => file.appendSync([frame(3)])).toThrow('EIO');
    expect(textOf(disk, OPEN)).toBe(text(0, 1, 2));
    file.appendSync([frame(3)]);
    expect(textOf(disk, OPEN)).toBe(text(0, 3));
  });

  it('is durable where a sync says so, its name too, and the directory is synced once', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    expect(disk.persistedFiles().has(OPEN)).toBe(false);
    await file.sync();
    expect(new TextDecoder().decode(disk.persistedFiles().get(OPEN))).toBe(text(0, 1));
    expect(file.synced).toEqual(file.end);
    const steps: string[] = [];
    disk.onStep = ({ name }) => void steps.push(name);
    await file.sync();
    file.appendSync([frame(2)]);
    await file.sync();
    expect(steps).toEqual(['write', 'sync']);
    expect(file.synced.eventCount).toBe(3);
  });

  it('covers with a sync what was written before it, not what comes meanwhile', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    const gate = disk.hold('sync');
    const syncing = file.sync();
    await gate.reached();
    file.appendSync([frame(1)]);
    gate.release();
    await syncing;
    expect([file.synced.eventCount, file.end.eventCount]).toEqual([1, 2]);
  });

  it('of which a sync failed says so, and of its name too', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    disk.failNext('sync', 'EIO');
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    expect(file.synced.eventCount).toBe(0);
    const next = writeSegment(spool, { first: 1 });
    disk.failNext('syncDirectory', 'EIO');
    await expect(next.sync()).rejects.toMatchObject({ code: 'EIO' });
    await next.sync();
    expect(disk.persistedFiles().has(pathOf({ first: 1 }, 'ndjson.open'))).toBe(true);
  });

  it('can be rolled back to a mark, and goes on from there', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    const mark = file.end;
    file.rollBackTo(mark);
    file.appendSync([frame(2)]);
    await file.sync();
    file.rollBackTo(mark);
    expect([file.end, file.synced]).toEqual([mark, mark]);
    expect(textOf(disk, OPEN)).toBe(text(0, 1, 2));
    file.cutRemainsSync();
    expect(textOf(disk, OPEN)).toBe(text(0, 1));
    file.cutRemainsSync();
    file.appendSync([frame(7)]);
    await file.sync();
    const { sha256: digest } = await file.seal({ reason: 'bytes' });
    expect(textOf(disk, SEALED)).toBe(text(0, 1, 7));
    expect(digest).toBe(sha256(text(0, 1, 7)));
  });

  it('tells whether a power cut may bring back what was cut off, until a sync covers the cut', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    const { end } = file;
    expect(file.hasUnsyncedCut).toBe(false);
    file.appendSync([frame(1)]);
    await file.sync();
    file.rollBackTo(end);
    expect(file.hasUnsyncedCut).toBe(true);
    file.cutRemainsSync();
    expect(file.hasUnsyncedCut).toBe(true);
    await file.sync();
    expect(file.hasUnsyncedCut).toBe(false);
    for (const crashed of disk.snapshot().crashes()) expect(textOf(crashed, OPEN)).toBe(text(0));
  });

  it('keeps what is synced where the mark lies behind it', async () => {
    const { spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    await file.sync();
    const { synced } = file;
    file.appendSync([frame(1)]);
    const mark = file.end;
    file.appendSync([frame(2)]);
    file.rollBackTo(mark);
    expect([file.end, file.synced]).toEqual([mark, synced]);
  });

  it('is sealed without what was rolled back and not yet cut off', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    await file.sync();
    const { end } = file;
    file.appendSync([frame(1)]);
    file.rollBackTo(end);
    expect(await file.seal({ reason: 'bytes' })).toMatchObject({ eventCount: 1, sha256: sha256(text(0)) });
    expect(textOf(disk, SEALED)).toBe(text(0));
  });

  it('leaves nothing where it is discarded, and everything where it is abandoned', async () => {
    const { disk, spool } = createScene();
    await writeSegment(spool, { events: 0 }).discard();
    expect(namesIn(disk)).toEqual([]);
    await writeSegment(spool, { events: 1 }).abandon();
    expect(textOf(disk, OPEN)).toBe(text(0));
    expect(disk.openFileSync(OPEN, 'readWrite').tryLock()).toBe(true);
  });

  it.each(['discard', 'discardSync'] as const)('lets go of a file that %s cannot remove', async (discard) => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 0 });
    disk.failNext('remove', 'EIO');
    await expect((async () => file[discard]())()).rejects.toThrow('EIO');
    expect(disk.process().openFileSync(OPEN, 'readWrite').tryLock()).toBe(true);
  });

  it('finds the next free name where its own is taken', () => {
    const { disk, spool } = createScene();
    disk.placeFile(OPEN, '');
    const { format } = serializer;
    const options = { spool, format, writerId: WRITER, firstSequence: 0, createdAtMs: CREATED_MS, isAtomic: false };
    expect(new ActiveSegmentFile(options)).toMatchObject({
      id: idOf({ createdAtMs: CREATED_MS + 1 }),
      createdAtMs: CREATED_MS + 1,
    });
  });
});

describe('sealing', () => {
  it('commits metadata, gives the final name, and lets go', async () => {
    const { disk, clock, spool } = createScene();
    const file = writeSegment(spool, { events: 2, isHeld: true });
    expect(file.path).toBe(pathOf({}, 'ndjson.held'));
    await file.sync();
    clock.advance(1500);
    const held = { exportReady: false, heldReason: 'holdExport', keyId: 'k1' };
    const metadata = await file.seal({ reason: 'age', keyId: 'k1' });
    expect(metadata).toEqual({
      formatVersion: 1,
      id: idOf(),
      spoolId: spool.spoolId,
      writerId: WRITER,
      firstSequence: 0,
      eventCount: 2,
      bytes: 16,
      sha256: sha256(text(0, 1)),
      format: serializer.format,
      createdAt: '2026-01-01T00:00:00.000Z',
      sealedAt: '2026-01-01T00:00:01.500Z',
      sealReason: 'age',
      ...held,
    });
    expect(metadataOf(disk)).toEqual(metadata);
    expect(namesIn(disk)).toEqual([`${idOf()}.meta.json`, `${idOf()}.ndjson`]);
    expect(disk.openFileSync(SEALED, 'readWrite').tryLock()).toBe(true);
  });

  it.for([false, true])(
    'never shows a final name without its data and metadata, cut off anywhere; atomic: %s',
    async (isAtomic) => {
      const { disk, spool } = createScene();
      const file = writeSegment(spool, { events: 2, isAtomic });
      const broken: string[] = [];
      disk.onEveryStep((snapshot) => {
        for (const crashed of snapshot.crashes({ maxOutcomes: 64, seeds: 64 })) {
          const files = crashed.files();
          if (files.has(SEALED) && !(textIs(files, SEALED, text(0, 1)) && files.has(pathOf({}, 'meta.json')))) {
            broken.push(crashed.describe());
          }
        }
      });
      await file.sync();
      await file.seal({ reason: 'flush' });
      expect(broken).toEqual([]);
      for (const crashed of disk.snapshot().crashes()) expect(textIs(crashed.files(), SEALED, text(0, 1))).toBe(true);
    },
  );

  it.for([
    ['write', '.tmp'],
    ['sync', '.tmp'],
    ['rename', '.tmp'],
    ['rename', '.open'],
  ] as const)('goes on where it failed: %s of %s', async ([step, suffix]) => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    await file.sync();
    disk.failNext(({ name, path }) => name === step && path.endsWith(suffix), 'EIO');
    await expect(file.seal({ reason: 'bytes' })).rejects.toMatchObject({ code: 'EIO' });
    expect(disk.process().openFileSync(OPEN, 'readWrite').tryLock()).toBe(false);
    const renamed = operationsOn(disk);
    const metadata = await file.seal({ reason: 'another' });
    // Committed metadata is not touched again.
    expect(renamed.some(({ path }) => path.endsWith('.tmp'))).toBe(suffix === '.tmp');
    expect(metadata).toMatchObject({ sealReason: 'bytes', sha256: sha256(text(0, 1)) });
    expect(metadataOf(disk)).toEqual(metadata);
    expect(textOf(disk, SEALED)).toBe(text(0, 1));
  });

  it('goes on where the last directory sync failed', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    await file.sync();
    disk.onStep = ({ name, to }) => {
      if (name === 'rename' && to === SEALED) disk.failNext('syncDirectory', 'EIO');
    };
    await expect(file.seal({ reason: 'bytes' })).rejects.toMatchObject({ code: 'EIO' });
    await file.seal({ reason: 'bytes' });
    expect(disk.persistedFiles().has(SEALED)).toBe(true);
  });

  it('can be done before it returns, with the same result', () => {
    const { disk, clock, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    clock.advance(1);
    const metadata = file.sealSync({ reason: 'close', keyId: 'k1' });
    expect(metadata).toMatchObject({
      eventCount: 2,
      bytes: 16,
      sha256: sha256(text(0, 1)),
      sealReason: 'close',
      keyId: 'k1',
    });
    expect(metadataOf(disk)).toEqual(metadata);
    expect(new TextDecoder().decode(disk.persistedFiles().get(SEALED))).toBe(text(0, 1));
    expect(disk.openFileSync(SEALED, 'readWrite').tryLock()).toBe(true);
  });

  it('before it returns makes the name of the file durable ahead of its metadata', () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 1 });
    const operations = operationsOn(disk);
    file.sealSync({ reason: 'close' });
    const names = operations.map(({ name, path }) => `${name} ${path.split('.').slice(1).join('.')}`);
    expect(names.indexOf('syncDirectory ')).toBeGreaterThanOrEqual(0);
    expect(names.indexOf('syncDirectory ')).toBeLessThan(names.indexOf('create meta.json.tmp'));
  });

  it.for(['sync', 'write', 'rename'] as const)(
    'before it returns leaves the file to a later seal where its %s fails',
    async (step) => {
      const { disk, spool } = createScene();
      const file = writeSegment(spool, { events: 2 });
      disk.failNext(step, 'EIO');
      expect(() => file.sealSync({ reason: 'close' })).toThrow('EIO');
      if (step === 'sync') return;
      await file.sync();
      expect(await file.seal({ reason: 'close' })).toMatchObject({ sha256: sha256(text(0, 1)) });
      expect(textOf(disk, SEALED)).toBe(text(0, 1));
    },
  );
});

describe('an atomic segment', () => {
  it('bears a name that counts for nothing, until it is exposed', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2, isAtomic: true });
    expect([file.fileName, file.isExposed]).toEqual([`${idOf()}.ndjson.atomic`, false]);
    file.exposeSync();
    expect([file.fileName, file.isExposed]).toEqual([`${idOf()}.ndjson.open`, true]);
    file.exposeSync();
    expect(namesIn(disk)).toEqual([`${idOf()}.ndjson.open`]);
    await file.sync();
    await file.seal({ reason: 'flush' });
    expect(textOf(disk, SEALED)).toBe(text(0, 1));
  });

  it('keeps its old name where that fails, and is exposed by the next try', () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { isAtomic: true });
    disk.failNext('rename', 'EIO');
    expect(() => file.exposeSync()).toThrow('EIO');
    expect([file.path, file.isExposed]).toEqual([pathOf({}, 'ndjson.atomic'), false]);
    file.exposeSync();
    expect(file.path).toBe(OPEN);
  });

  it('is sealed all the same where it is exposed while its seal is under way', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2, isAtomic: true });
    await file.sync();
    const gate = disk.hold(({ name, to }) => name === 'rename' && to === SEALED);
    const sealing = file.seal({ reason: 'flush' });
    await gate.reached();
    file.exposeSync();
    gate.release();
    await sealing;
    expect(namesIn(disk)).toEqual([`${idOf()}.meta.json`, `${idOf()}.ndjson`]);
  });

  it('is not exposed where it is sealed already', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { isAtomic: true });
    await file.sync();
    const gate = disk.hold(({ name }) => name === 'close');
    const sealing = file.seal({ reason: 'flush' });
    await gate.reached();
    file.exposeSync();
    gate.release();
    await sealing;
    expect(namesIn(disk)).toEqual([`${idOf()}.meta.json`, `${idOf()}.ndjson`]);
  });

  it.for([
    ['nothing', undefined],
    ['metadata', ({ name, to }: { name: string; to: string | undefined }) => name === 'rename' && to === SEALED],
    ['everything but its last sync', 'afterRename'],
  ] as const)('can be taken back with %s of its seal done: it never was', async ([, failure]) => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2, isAtomic: true });
    await file.sync();
    if (failure === 'afterRename') {
      disk.onStep = ({ name, to }) => {
        if (name === 'rename' && to === SEALED) disk.failNext('syncDirectory', 'EIO');
      };
    } else disk.failNext(failure ?? 'write', 'EIO');
    await expect(file.seal({ reason: 'flush' })).rejects.toMatchObject({ code: 'EIO' });
    disk.onStep = undefined;

    const kept: string[] = [];
    disk.onEveryStep((snapshot) => {
      // Once it counts for nothing it never comes back, and it never stands sealed without its metadata.
      for (const crashed of snapshot.crashes({ maxOutcomes: 32, seeds: 32 })) {
        const files = crashed.files();
        if (files.has(SEALED) && !files.has(pathOf({}, 'meta.json'))) kept.push(crashed.describe());
      }
    });
    disk.failNext('remove', 'EIO');
    expect(() => file.undoSync()).toThrow('EIO');
    file.undoSync();
    expect(kept).toEqual([]);
    expect(namesIn(disk)).toEqual([]);
    for (const crashed of disk.snapshot().crashes()) expect(namesIn(crashed)).toEqual([]);
    expect(openSpool(disk.process()).spoolId).toBe(spool.spoolId);
  });
});

function textIs(files: ReturnType<SimulatedDisk['files']>, path: string, expected: string): boolean {
  return new TextDecoder().decode(files.get(path)) === expected;
}

describe('two syncs at once', () => {
  const isAsyncSync = ({ name, isSync }: DiskOperation): boolean => name === 'sync' && !isSync;

  it('prove nothing where the one that began first fails', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    const gate = disk.hold(isAsyncSync, { when: 'after' });
    disk.failNext(isAsyncSync, 'EIO', { landed: 'none' });
    const first = file.sync();
    await gate.reached();
    // The kernel has told its error to the first, and says to this one that all is well.
    file.syncDataSync();
    expect([file.synced.sizeBytes, file.isRefused]).toEqual([0, false]);
    gate.release();
    await expect(first).rejects.toMatchObject({ code: 'EIO' });
    expect([file.synced.sizeBytes, file.isRefused]).toEqual([0, true]);
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    expect(() => file.syncDataSync()).toThrow('EIO');
  });

  it('prove nothing where the one that ends first fails', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    const gate = disk.hold(isAsyncSync);
    disk.failNext(({ name, isSync }) => name === 'sync' && isSync, 'EIO', { landed: 'none' });
    const first = file.sync();
    await gate.reached();
    expect(() => file.syncDataSync()).toThrow('EIO');
    gate.release();
    await expect(first).rejects.toMatchObject({ code: 'EIO' });
    expect([file.synced.sizeBytes, file.isRefused]).toEqual([0, true]);
  });

  it('leave the name of the file to be synced again', async () => {
    const { disk, spool } = createScene();
    const file = writeSegment(spool, { events: 2 });
    disk.failNext('syncDirectory', 'EIO');
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    expect([file.synced.eventCount, file.isRefused]).toEqual([2, false]);
    await file.sync();
  });
});
