// Goal: a segment whose sync failed ends where the last good sync ended, and what was acknowledged behind that stands
// elsewhere, once, or is counted as lost; whatever fails or is cut off on the way.
import type { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { type ActiveSegmentFile, accountForSpool, UnsyncedMove } from '../src/index.ts';
import { LAST_NAMEABLE_MS } from '../src/segment-id.ts';
import { LineSerializer, linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  ledgerOf,
  metadataOf,
  namesIn,
  openSpool,
  pathOf,
  recover,
  type Scene,
  serializer,
  textOf,
  writeSegment,
} from './scene.ts';

const text = (...numbers: number[]) => new TextDecoder().decode(linesOf(...numbers));
const TAIL = { first: 2, createdAtMs: CREATED_MS + 1 };

/** Two events synced, two more written, and the sync of those failed with everything still readable. */
async function failedSync({ disk, spool }: Scene, synced = 2): Promise<ActiveSegmentFile> {
  const file = writeSegment(spool, { events: synced });
  await file.sync();
  file.appendSync([{ bytes: linesOf(2, 3), eventCount: 2 }]);
  disk.failNext('sync', 'EIO', { landed: 'none' });
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
  return file;
}

/** What the kernel shows of the file from then on. */
function showBehindSync(disk: SimulatedDisk, file: ActiveSegmentFile, content: string): void {
  const handle = file.handle;
  handle.truncateSync(16);
  handle.writeSync(new TextEncoder().encode(content), 16);
  expect(disk.files().has(file.path)).toBe(true);
}

describe('UnsyncedMove', () => {
  it('moves what is readable behind the last sync into a segment of its own', async () => {
    const scene = createScene();
    const file = await failedSync(scene);
    showBehindSync(scene.disk, file, text(2, 3));
    const move = new UnsyncedMove(scene.spool, file, serializer);
    expect([move.segment, move.isCommitted, move.tail]).toEqual([file, false, undefined]);
    await move.commit();
    const { stepsTaken } = scene.disk;
    await move.commit();
    expect(scene.disk.stepsTaken).toBe(stepsTaken);
    expect(move).toMatchObject({ isCommitted: true, lostEvents: 0, tail: { id: idOf(TAIL), eventCount: 2 } });
    expect(await move.finish()).toMatchObject({ id: idOf(), eventCount: 2, bytes: 16, continuedIn: idOf(TAIL) });
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
    expect(textOf(scene.disk, pathOf(TAIL, 'ndjson'))).toBe(text(2, 3));
    expect(metadataOf(scene.disk)).toMatchObject({ sealReason: 'failure', exportReady: true, continuedIn: idOf(TAIL) });
    expect(metadataOf(scene.disk, TAIL)).toMatchObject({ sealReason: 'failure', firstSequence: 2, eventCount: 2 });
    expect(namesIn(scene.disk)).toHaveLength(4);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 4, lost: 0, repeated: 0 });
    // Released, and never synced again.
    expect(scene.disk.openFileSync(pathOf({}, 'ndjson'), 'readWrite').tryLock()).toBe(true);
  });

  it.for([
    ['is missing', { missingKeyId: 'k1' }, 'is missing'],
    ['has other bytes', { boundTo: 'another spool' }, 'opens none of its frames'],
  ] as const)('touches nothing while its key %s', async ([, keys, reason]) => {
    const scene = createScene();
    const file = await failedSync(scene);
    showBehindSync(scene.disk, file, text(2, 3));
    const before = namesIn(scene.disk);
    const move = new UnsyncedMove(scene.spool, file, new LineSerializer(keys));
    await expect(move.commit()).rejects.toMatchObject({
      code: 'RELAY_KEY_MISSING',
      facts: { keyId: 'k1' },
      message: expect.stringContaining(`the key k1 ${reason}`),
    });
    expect([namesIn(scene.disk), textOf(scene.disk, file.path)]).toEqual([before, text(0, 1, 2, 3)]);
    // The right key is back.
    const again = new UnsyncedMove(scene.spool, file, serializer);
    await again.commit();
    expect(again).toMatchObject({ lostEvents: 0, tail: { eventCount: 2 } });
  });

  it('moves to another name at the last moment that a name can tell, too', async () => {
    const scene = createScene();
    const last = { createdAtMs: LAST_NAMEABLE_MS };
    const file = writeSegment(scene.spool, { ...last, events: 2 });
    await file.sync();
    file.appendSync([{ bytes: linesOf(2, 3), eventCount: 2 }]);
    const move = new UnsyncedMove(scene.spool, file, serializer);
    await move.commit();
    await move.finish();
    const tail = { first: 2, createdAtMs: LAST_NAMEABLE_MS - 1 };
    expect(metadataOf(scene.disk, last)).toMatchObject({ eventCount: 2, exportReady: true, continuedIn: idOf(tail) });
    expect(metadataOf(scene.disk, tail)).toMatchObject({ eventCount: 2, exportReady: true });
    expect([textOf(scene.disk, pathOf(last, 'ndjson')), textOf(scene.disk, pathOf(tail, 'ndjson'))]).toEqual([
      text(0, 1),
      text(2, 3),
    ]);
  });

  it('never syncs the old file again', async () => {
    const scene = createScene();
    const file = await failedSync(scene);
    showBehindSync(scene.disk, file, text(2, 3));
    const synced: string[] = [];
    scene.disk.onStep = ({ name, path }) => {
      if (name === 'sync') synced.push(path);
    };
    const move = new UnsyncedMove(scene.spool, file, serializer);
    await move.commit();
    await move.finish();
    expect(synced).not.toContain(pathOf({}, 'ndjson.open'));
    expect(synced).toContain(pathOf(TAIL, 'ndjson.salvage'));
  });

  it('tells the scan where it begins', async () => {
    const scene = createScene();
    const file = await failedSync(scene);
    serializer.scans.length = 0;
    await new UnsyncedMove(scene.spool, file, serializer).commit();
    const context = { spoolId: scene.spool.spoolId, segmentId: idOf(), isSealed: false, firstFrameIndex: 1 };
    expect(serializer.scans).toEqual([context]);
  });

  it.for([
    ['all of it', '\0'.repeat(16), 2, undefined],
    ['a part', `${text(2)}\0\0\0\0\0\0\0\n`, 1, 1],
    ['the front', `\0\0\0\0\0\0\0\n${text(3)}`, 1, 1],
  ] as const)('counts what does not read back: %s', async ([, content, lost, kept]) => {
    const scene = createScene();
    const file = await failedSync(scene);
    showBehindSync(scene.disk, file, content);
    const move = new UnsyncedMove(scene.spool, file, serializer);
    await move.commit();
    expect([move.lostEvents, move.tail?.eventCount]).toEqual([lost, kept]);
    const metadata = await move.finish();
    expect(metadata?.continuedIn).toBe(kept === undefined ? undefined : idOf(TAIL));
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
  });

  it('leaves no file where nothing was ever synced and everything moved', async () => {
    const scene = createScene();
    const file = writeSegment(scene.spool, { events: 2 });
    scene.disk.failNext('sync', 'EIO', { landed: 'none' });
    await expect(file.sync()).rejects.toThrow('EIO');
    file.handle.writeSync(linesOf(0, 1), 0);
    const move = new UnsyncedMove(scene.spool, file, serializer);
    await move.commit();
    expect(await move.finish()).toBeUndefined();
    const tail = { createdAtMs: CREATED_MS + 1 };
    expect(namesIn(scene.disk)).toEqual([`${idOf(tail)}.meta.json`, `${idOf(tail)}.ndjson`]);
    expect(textOf(scene.disk, pathOf(tail, 'ndjson'))).toBe(text(0, 1));
    expect(await recover(scene)).toMatchObject({ segmentsMissing: 0, segmentsRecovered: 0, problems: [] });
    expect(ledgerOf(scene.disk)).toEqual([]);
  });

  it('reads nothing where nothing stands behind the last sync', async () => {
    const scene = createScene();
    const file = writeSegment(scene.spool, { events: 2 });
    await file.sync();
    const move = new UnsyncedMove(scene.spool, file, serializer);
    serializer.scans.length = 0;
    await move.commit();
    expect(serializer.scans).toEqual([]);
    expect(await move.finish()).toMatchObject({ eventCount: 2 });
    expect(namesIn(scene.disk)).toEqual([`${idOf()}.meta.json`, `${idOf()}.ndjson`]);
  });

  it('must be committed before it is finished', async () => {
    const scene = createScene();
    const move = new UnsyncedMove(scene.spool, writeSegment(scene.spool), serializer);
    await expect(move.finish()).rejects.toThrow('commit must come first');
  });

  it.for(['create', 'write', 'sync', 'rename', 'syncDirectory', 'truncate', 'read', 'remove', 'close'] as const)(
    'goes on after each %s that fails',
    async (step) => {
      for (let skipped = 0; skipped < 12; skipped += 1) {
        const scene = createScene();
        const file = await failedSync(scene);
        showBehindSync(scene.disk, file, text(2, 3));
        let left = skipped;
        scene.disk.failNext(({ name }) => {
          if (name !== step) return false;
          left -= 1;
          return left < 0;
        }, 'EIO');
        const move = new UnsyncedMove(scene.spool, file, serializer);
        await move.commit().catch(() => move.commit());
        await move.finish().catch(() => move.finish());
        expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
        expect(textOf(scene.disk, pathOf(TAIL, 'ndjson'))).toBe(text(2, 3));
        expect(namesIn(scene.disk)).toHaveLength(4);
      }
    },
  );

  it.for([2, 0])('keeps each event once, cut off at any step, with %i events synced before', async (synced) => {
    const scene = createScene();
    const file = writeSegment(scene.spool, { events: synced });
    if (synced > 0) await file.sync();
    file.appendSync([{ bytes: linesOf(synced, synced + 1), eventCount: 2 }]);
    scene.disk.failNext('sync', 'EIO', { landed: 'none' });
    await expect(file.sync()).rejects.toThrow('EIO');
    file.handle.truncateSync(synced * 8);
    file.handle.writeSync(linesOf(synced, synced + 1), synced * 8);

    const crashes: [SimulatedDisk, boolean][] = [];
    let isCommitted = false;
    scene.disk.onEveryStep((snapshot) => {
      for (const crashed of snapshot.crashes({ maxOutcomes: 24, seeds: 24 })) crashes.push([crashed, isCommitted]);
    });
    const move = new UnsyncedMove(scene.spool, file, serializer);
    await move.commit();
    isCommitted = true;
    await move.finish();
    expect(crashes.length).toBeGreaterThan(100);
    for (const [crashed, wasCommitted] of crashes) {
      const again = { ...scene, disk: crashed, spool: openSpool(crashed, scene.clock) };
      const { problems, segmentsMissing } = await recover(again);
      expect([problems, segmentsMissing], crashed.describe()).toEqual([[], 0]);
      const { pending, repeated, dropped, quarantined } = await accountForSpool(again.spool);
      expect([repeated, dropped, quarantined], crashed.describe()).toEqual([0, {}, 0]);
      expect(pending, crashed.describe()).toBeGreaterThanOrEqual(wasCommitted ? synced + 2 : synced);
    }
  });

  it('keeps each event, cut off at any step after a commit that failed', async () => {
    const scene = createScene();
    const file = await failedSync(scene);
    showBehindSync(scene.disk, file, text(2, 3));
    // The metadata is in place; only whether its name is durable is not known.
    let isNamed = false;
    scene.disk.onStep = ({ name, to }) => {
      if (name === 'rename' && to === pathOf({}, 'meta.json')) isNamed = true;
    };
    scene.disk.failNext(({ name }) => name === 'syncDirectory' && isNamed, 'EIO');
    const move = new UnsyncedMove(scene.spool, file, serializer);
    await expect(move.commit()).rejects.toMatchObject({ code: 'EIO' });
    expect(move.isCommitted).toBe(false);
    scene.disk.onStep = undefined;
    const killed: SimulatedDisk[] = [];
    scene.disk.onEveryStep((snapshot) => killed.push(snapshot.kill(1)));
    scene.disk.failNext('create', 'ENOSPC');
    await expect(move.commit()).rejects.toMatchObject({ code: 'ENOSPC' });
    await move.commit();
    await move.finish();
    for (const disk of killed) {
      const again = { ...scene, disk, spool: openSpool(disk, scene.clock) };
      await recover(again);
      expect(await accountForSpool(again.spool)).toMatchObject({ pending: 4, lost: 0, repeated: 0 });
    }
    expect(textOf(scene.disk, pathOf(TAIL, 'ndjson'))).toBe(text(2, 3));
  });
});
