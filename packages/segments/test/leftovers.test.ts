// Goal: what belongs to nobody any more goes, and nothing that somebody may still be at.
import { describe, expect, it } from 'vitest';
import { accountForSpool, FileSegmentStore } from '../src/index.ts';
import { prepareSalvage } from '../src/salvage.ts';
import { linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  leaveFile,
  metadataOf,
  namesIn,
  openSpool,
  operationsOn,
  pathOf,
  recover,
  reportOf,
  rightBefore,
  SPOOL,
  sealSegment,
  serializer,
  writeSegment,
} from './scene.ts';

const id = idOf();
const SALVAGE = { createdAtMs: CREATED_MS + 1 };

describe('leftovers', () => {
  it('of segments that are gone are removed: temporary files, export state, a salvage with its metadata', async () => {
    const scene = createScene();
    for (const suffix of ['meta.json.tmp', 'export.json.tmp', 'export.json'])
      scene.disk.placeFile(pathOf({}, suffix), 'x');
    scene.disk.placeFile(pathOf({ first: 7 }, 'ndjson.salvage'), linesOf(7));
    scene.disk.placeFile(pathOf({ first: 7 }, 'meta.json'), '{}');
    expect(await recover(scene)).toEqual(reportOf({ newestSegmentAtMs: CREATED_MS + 7 }));
    expect(namesIn(scene.disk)).toEqual([]);
  });

  it('beside a segment that nobody holds: temporary files go, its state stays', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    for (const suffix of ['meta.json.tmp', 'export.json.tmp', 'export.json'])
      scene.disk.placeFile(pathOf({}, suffix), 'x');
    await recover(scene);
    expect(namesIn(scene.disk)).toEqual([`${id}.export.json`, `${id}.meta.json`, `${id}.ndjson`]);
  });

  it('of a move that was begun behind the listing of a recovery go, once its file is sealed', async () => {
    const scene = createScene();
    const dead = openSpool(scene.disk.process('dead'), scene.clock);
    const file = writeSegment(dead, { events: 2 });
    const handOver = async (): Promise<void> => {
      const source = { id, handle: file.handle, serializer, fromBytes: 0, fromFrameIndex: 0, toBytes: 16 };
      const range = { positionBytes: 8, lengthBytes: 8, eventCount: 1, firstFrameIndex: 1, frameCount: 1 };
      await prepareSalvage(
        dead,
        { ...source, ranges: [range], firstSequence: 1 },
        { sealReason: 'failure', exportReady: true },
      );
      await file.abandon();
    };
    const recoverer = scene.disk.process('recoverer');
    const list = recoverer.list.bind(recoverer);
    let listings = 0;
    recoverer.list = async (directory) => {
      const names = await list(directory);
      listings += 1;
      if (listings === 1) await handOver();
      return names;
    };
    await recover({ spool: openSpool(recoverer, scene.clock) });
    const tail = { first: 1, createdAtMs: CREATED_MS + 1 };
    expect(namesIn(scene.disk)).toContain(`${idOf(tail)}.ndjson.salvage`);
    expect(await recover(scene)).toMatchObject({ problems: [] });
    expect(namesIn(scene.disk)).toEqual([`${id}.meta.json`, `${id}.ndjson`]);
    expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 2 });
  });

  it('are none where the sealed segment goes on in the salvage: that is published', async () => {
    const scene = createScene();
    const tail = { first: 1, createdAtMs: CREATED_MS + 1 };
    const metadata = await sealSegment(scene.spool);
    await sealSegment(scene.spool, tail);
    scene.disk.renameSync(pathOf(tail, 'ndjson'), pathOf(tail, 'ndjson.salvage'));
    scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
    expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 1, problems: [] });
    expect(namesIn(scene.disk)).toContain(`${idOf(tail)}.ndjson`);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 2, lost: 0, repeated: 0 });
  });

  it.for(['there', 'delivered'] as const)(
    'are a salvage whose segment is %s: it is never published twice',
    async (state) => {
      const scene = createScene();
      const tail = { first: 1, createdAtMs: CREATED_MS + 1 };
      const metadata = await sealSegment(scene.spool);
      scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
      await sealSegment(scene.spool, tail);
      scene.disk.placeFile(pathOf(tail, 'ndjson.salvage'), linesOf(1));
      if (state === 'delivered') {
        const attempt = await new FileSegmentStore(scene.spool, [serializer]).lease(idOf(tail));
        if (attempt.status === 'leased') await attempt.lease.settle({ status: 'delivered' });
      }
      expect(await recover(scene)).toMatchObject({ segmentsRecovered: 0, problems: [] });
      expect(namesIn(scene.disk).filter((name) => name.endsWith('.salvage'))).toEqual([]);
      const delivered = state === 'delivered' ? 1 : 0;
      expect(await accountForSpool(scene.spool)).toMatchObject({
        pending: 2 - delivered,
        delivered,
        lost: 0,
        repeated: 0,
      });
    },
  );

  it('of somebody who is alive stay', async () => {
    const scene = createScene();
    const alive = openSpool(scene.disk.process('alive'), scene.clock);
    const file = writeSegment(alive, { events: 1 });
    scene.disk.placeFile(pathOf({}, 'meta.json.tmp'), 'half');
    scene.disk.placeFile(pathOf(SALVAGE, 'ndjson.salvage'), linesOf(0));
    scene.disk.placeFile(pathOf(SALVAGE, 'meta.json'), 'x');
    scene.disk.placeFile(pathOf(SALVAGE, 'meta.json.tmp'), 'x');
    const before = namesIn(scene.disk);
    expect(await recover(scene)).toMatchObject({ filesInUse: 1, problems: [] });
    expect(namesIn(scene.disk)).toEqual(before);
    await file.abandon();
    await recover(scene);
    expect(namesIn(scene.disk)).toEqual([`${id}.meta.json`, `${id}.ndjson`]);
  });

  it('are left to the next recovery where their segment goes just now', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.placeFile(pathOf({}, 'export.json.tmp'), 'x');
    const rival = scene.disk.process('rival');
    scene.disk.onStep = ({ name, path, process }) => {
      if (name === 'lock' && process === 'main' && path === pathOf({}, 'ndjson')) rival.removeSync(path);
    };
    await recover(scene);
    expect(namesIn(scene.disk)).toContain(`${id}.export.json.tmp`);
  });

  it('are none where a salvage is published just now: its metadata stays', async () => {
    const scene = createScene();
    const metadata = await sealSegment(scene.spool, SALVAGE);
    scene.disk.renameSync(pathOf(SALVAGE, 'ndjson'), pathOf(SALVAGE, 'ndjson.salvage'));
    const writer = scene.disk.process('writer');
    rightBefore(
      scene.disk,
      ({ name, path }) => name === 'stat' && path === pathOf(SALVAGE, 'ndjson.salvage'),
      () => writer.renameSync(pathOf(SALVAGE, 'ndjson.salvage'), pathOf(SALVAGE, 'ndjson')),
    );
    await recover(scene);
    expect(namesIn(scene.disk)).toEqual([`${metadata.id}.meta.json`, `${metadata.id}.ndjson`]);
  });

  it('that cannot be removed are named, and harm nobody else', async () => {
    const scene = createScene();
    scene.disk.placeFile(pathOf({}, 'export.json.tmp'), 'x');
    scene.disk.placeFile(pathOf({ first: 1 }, 'export.json.tmp'), 'x');
    scene.disk.failNext('remove', 'EACCES');
    const { problems } = await recover(scene);
    expect(problems).toEqual([{ fileName: `${id}.export.json.tmp`, reason: expect.stringContaining('EACCES') }]);
    expect(namesIn(scene.disk)).toEqual([`${id}.export.json.tmp`]);
  });

  it('are looked for only where there is a name like theirs', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    const operations = operationsOn(scene.disk);
    await recover(scene);
    expect(operations.filter(({ name, path }) => name === 'list' && path === SPOOL)).toHaveLength(1);
  });
});
