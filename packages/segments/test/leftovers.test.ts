// Goal: what belongs to nobody any more goes, and nothing that somebody may still be at.
import { describe, expect, it } from 'vitest';
import { linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  leaveFile,
  namesIn,
  openSpool,
  operationsOn,
  pathOf,
  recover,
  reportOf,
  rightBefore,
  SPOOL,
  sealSegment,
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
