// Goal: a segment that is encrypted anew stands once, whole and in its place among those of its writer, wherever the
// process or the power ends.
// Method: count the steps of a clean run, then repeat it once per step and seed, ending it there, and recover.
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import {
  accountForSpool,
  listSpoolFiles,
  type RekeyOutcome,
  readSpool,
  rekeySegment,
  type Spool,
} from '../src/index.ts';
import { LineSerializer } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  metadataOf,
  namesIn,
  openSpool,
  pathOf,
  recover,
  SPOOL,
  sealSegment,
} from './scene.ts';

const serializer = new LineSerializer({ reframes: true });
/** Reads nothing: no frame is under the current key. */
const currentOnly = new LineSerializer({ missingKeyId: 'old' });
const SECOND = { first: 3, createdAtMs: CREATED_MS + 50 };
const MOVED = { createdAtMs: CREATED_MS + 1 };

async function rekey(spool: Spool, id = idOf(), options = {}): Promise<RekeyOutcome['status']> {
  const file = (await listSpoolFiles(spool)).find(({ kind, segment }) => kind === 'sealed' && segment.id === id);
  if (!file) throw new Error(`no segment ${id}`);
  return (await rekeySegment(spool, file, serializer, { currentOnly, ...options })).status;
}

async function setUp(spool: Spool): Promise<void> {
  await sealSegment(spool, { events: 3 });
  await sealSegment(spool, { ...SECOND, events: 2 });
}

async function eventsOf(disk: SimulatedDisk): Promise<number[]> {
  const events: number[] = [];
  for await (const { event } of readSpool(SPOOL, { serializers: [serializer], fileSystem: disk })) events.push(event.n);
  return events;
}

describe('rekeySegment', () => {
  it('puts the events into a segment a millisecond later and removes the old one', async () => {
    const { disk, spool } = createScene();
    await setUp(spool);
    const before = metadataOf(disk);
    expect(await rekey(spool)).toBe('rekeyed');
    expect(namesIn(disk).filter((name) => !name.startsWith(idOf(SECOND)))).toEqual([
      `${idOf(MOVED)}.meta.json`,
      `${idOf(MOVED)}.ndjson`,
    ]);
    const { sealReason, exportReady, firstSequence, eventCount } = before;
    expect(metadataOf(disk, MOVED)).toMatchObject({ sealReason, exportReady, firstSequence, eventCount });
    expect(await eventsOf(disk)).toEqual([0, 1, 2, 3, 4]);
    expect(await accountForSpool(spool)).toMatchObject({ pending: 5, lost: 0, repeated: 0 });
  });

  it('keeps a segment held that was held', async () => {
    const { disk, spool } = createScene();
    await setUp(spool);
    const held = { ...metadataOf(disk), exportReady: false, heldReason: 'metadataLost' };
    disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify(held));
    expect(await rekey(spool)).toBe('rekeyed');
    expect(metadataOf(disk, MOVED)).toMatchObject({ exportReady: false, heldReason: 'metadataLost' });
  });

  it('keeps it held where the process ends on the way and the metadata is damaged', async () => {
    const scene = createScene();
    const { disk, spool } = scene;
    await setUp(spool);
    const held = { ...metadataOf(disk), exportReady: false, heldReason: 'holdExport' };
    disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify(held));
    const dying = disk.process('dying');
    const rename = dying.rename.bind(dying);
    dying.rename = async (from, to) => {
      await rename(from, to);
      if (from === pathOf({}, 'ndjson')) dying.kill();
    };
    await expect(rekey(openSpool(dying))).rejects.toThrow();
    disk.placeFile(pathOf({}, 'meta.json'), '{');
    await recover(scene);
    expect(await eventsOf(disk)).toEqual([0, 1, 2, 3, 4]);
    expect(metadataOf(disk)).toMatchObject({ exportReady: false, heldReason: 'holdExport' });
  });

  it('leaves alone what needs no new key, was tried, is damaged, or has no room behind it', async () => {
    const { disk, spool } = createScene();
    await setUp(spool);
    await sealSegment(spool, { first: 5, createdAtMs: SECOND.createdAtMs });
    disk.placeFile(pathOf({}, 'export.json'), '{"attempts":1,"firstFailureAtMs":0,"nextAttemptAtMs":0}\n');
    const names = namesIn(disk);
    expect(await rekey(spool)).toBe('tried');
    expect(await rekey(spool, idOf(SECOND))).toBe('order');
    expect(await rekey(spool, idOf(), { currentOnly: serializer })).toBe('current');
    const file = (await listSpoolFiles(spool)).find(({ kind }) => kind === 'sealed');
    if (!file) throw new Error('no segment');
    expect(await rekeySegment(spool, file, new LineSerializer(), { currentOnly })).toEqual({ status: 'plain' });
    disk.placeFile(pathOf({}, 'ndjson'), '{"n":0}\n{"n":1}\n{"n":9}\n');
    expect(await rekey(spool, idOf(), { includeTried: true })).toBe('damaged');
    expect(namesIn(disk)).toEqual(names);
  });

  it('takes a segment that was tried where it is asked to', async () => {
    const { disk, spool } = createScene();
    await setUp(spool);
    disk.placeFile(pathOf({}, 'export.json'), '{"attempts":1,"firstFailureAtMs":0,"nextAttemptAtMs":0}\n');
    expect(await rekey(spool, idOf(), { includeTried: true })).toBe('rekeyed');
    expect(namesIn(disk).some((name) => name.startsWith(idOf()))).toBe(false);
  });

  it('fails where a key is missing, with everything as it was', async () => {
    const { disk, spool } = createScene();
    await setUp(spool);
    const names = namesIn(disk);
    const [file] = await listSpoolFiles(spool);
    const [sealed = file] = (await listSpoolFiles(spool)).filter(({ kind }) => kind === 'sealed');
    if (!sealed) throw new Error('no segment');
    const without = new LineSerializer({ reframes: true, missingKeyId: 'gone' });
    await expect(rekeySegment(spool, sealed, without, { currentOnly })).rejects.toMatchObject({
      code: 'RELAY_KEY_MISSING',
      facts: { keyId: 'gone' },
    });
    expect(namesIn(disk)).toEqual(names);
  });

  it.each(['losePowerAtStep', 'killAtStep'] as const)('keeps each event once with %s at any step', async (end) => {
    const clean = createScene();
    await setUp(clean.spool);
    const first = clean.disk.stepsTaken + 1;
    await rekey(clean.spool);
    expect(clean.disk.stepsTaken - first).toBeGreaterThan(10);
    for (let step = first; step <= clean.disk.stepsTaken; step += 1) {
      for (let seed = 1; seed <= 8; seed += 1) {
        const disk = new SimulatedDisk({ [end]: step, seed });
        const scene = createScene(disk);
        await setUp(scene.spool);
        await rekey(scene.spool).catch(() => undefined);
        const where = `${end} ${step}, seed ${seed}`;
        disk.restart();
        const spool = openSpool(disk);
        await recover({ spool });
        expect(await eventsOf(disk), where).toEqual([0, 1, 2, 3, 4]);
        expect(await accountForSpool(spool), where).toMatchObject({
          pending: 5,
          lost: 0,
          repeated: 0,
          unsealedFiles: 0,
        });
        // Whatever was left of it does not stand in the way of another try.
        const id = namesIn(disk).includes(`${idOf()}.ndjson`) ? idOf() : idOf(MOVED);
        expect(await rekey(spool, id), where).toBe('rekeyed');
        expect(await eventsOf(disk), where).toEqual([0, 1, 2, 3, 4]);
      }
    }
  });
});
