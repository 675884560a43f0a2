// Goal: a sealed segment that rotted gives what is whole in it to a segment of its own and goes to quarantine as it is;
// one that is intact is not touched; and nothing whole is lost wherever the power fails.
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import {
  accountForSpool,
  DAMAGED_SOURCE,
  HELD_BY_WRITER,
  listSpoolFiles,
  Quarantine,
  readSpool,
  releaseDamaged,
  repairSealed,
  type SealedRepair,
  type Spool,
} from '../src/index.ts';
import { LineSerializer } from './line-serializer.ts';
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
  SPOOL,
  sealSegment,
  serializer,
  textOf,
} from './scene.ts';

const SALVAGED = { createdAtMs: CREATED_MS + 1 };
const ROTTEN = '{"n":0}\n{"n":1\u0000\n{"n":2}\n';

async function sealedFile(spool: Spool, id = idOf()) {
  const file = (await listSpoolFiles(spool)).find(({ kind, segment }) => kind === 'sealed' && segment.id === id);
  if (!file) throw new Error(`no segment ${id}`);
  return file;
}

async function repair(spool: Spool, serializers = [serializer]): Promise<SealedRepair> {
  return repairSealed(spool, await sealedFile(spool), serializers);
}

async function eventsOf(disk: SimulatedDisk): Promise<number[]> {
  const events: number[] = [];
  for await (const { event } of readSpool(SPOOL, { serializers: [serializer], fileSystem: disk })) events.push(event.n);
  return events;
}

describe('repairSealed', () => {
  it('does not touch what is intact', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    const names = namesIn(disk);
    expect(await repair(spool)).toEqual({ status: 'intact', isMetadataRebuilt: false });
    expect(namesIn(disk)).toEqual(names);
  });

  it.each([
    ['a damaged line', ROTTEN, [0, 2]],
    ['a cut', '{"n":0}\n{"n":1}\n{"n"', [0, 1]],
    ['a changed digit', '{"n":0}\n{"n":7}\n{"n":2}\n', [0, 7, 2]],
  ])('moves what is whole behind %s, held, and keeps the original', async (_, content, kept) => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), content);
    expect(await repair(spool)).toMatchObject({ status: 'repaired', salvaged: { eventCount: kept.length } });
    expect(await eventsOf(disk)).toEqual(kept);
    expect(metadataOf(disk, SALVAGED)).toMatchObject({
      sealReason: 'salvaged',
      supersedes: idOf(),
      exportReady: false,
      heldReason: DAMAGED_SOURCE,
    });
    expect(textOf(disk, `${SPOOL}/quarantine/${idOf()}.ndjson`)).toBe(content);
    expect(ledgerOf(disk)).toMatchObject([{ id: idOf(), outcome: 'quarantined', reason: 'damaged', eventCount: 0 }]);
    expect(await accountForSpool(spool)).toMatchObject({
      pending: kept.length,
      quarantined: 0,
      lost: 3 - kept.length,
      repeated: 0,
    });
  });

  it.each([
    ['rotted as a whole', 'rot'],
    ['cut to nothing', ''],
  ])('counts the events of a segment that was %s as lost', async (_, content) => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), content);
    await repair(spool);
    expect(ledgerOf(disk)).toMatchObject([{ outcome: 'quarantined', eventCount: 0, claimedEvents: 3 }]);
    expect(await accountForSpool(spool)).toMatchObject({ pending: 0, quarantined: 0, lost: 3 });
  });

  it('counts them as lost still once the segment is discarded', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), 'rot');
    await repair(spool);
    await new Quarantine(spool).discard(idOf());
    expect(await accountForSpool(openSpool(disk))).toMatchObject({ pending: 0, dropped: {}, lost: 3 });
  });

  it.each([2, 9])(
    'does not believe metadata that says %i events of three that are as they were sealed',
    async (eventCount) => {
      const { disk, spool } = createScene();
      await sealSegment(spool, { events: 3 });
      disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadataOf(disk), eventCount }));
      expect(await repair(spool)).toMatchObject({ status: 'repaired', salvaged: { eventCount: 3 } });
      expect(ledgerOf(disk)).toMatchObject([{ eventCount: 0, claimedEvents: 3 }]);
      expect(await accountForSpool(spool)).toMatchObject({ pending: 3, lost: 0, repeated: 0 });
    },
  );

  it.each([
    ['less, and all is as it was sealed', 8, '{"n":0}\n{"n":1}\n{"n":2}\n', [0, 1, 2]],
    ['more, and all is as it was sealed', 25, '{"n":0}\n{"n":1}\n{"n":2}\n', [0, 1, 2]],
    ['less, and a line is damaged', 8, ROTTEN, [0, 2]],
  ])('does not believe metadata that says %s, about where the segment ends', async (_, bytes, content, kept) => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadataOf(disk), bytes }));
    disk.placeFile(pathOf({}, 'ndjson'), content);
    expect(await repair(spool)).toMatchObject({ status: 'repaired', salvaged: { eventCount: kept.length } });
    expect(await eventsOf(disk)).toEqual(kept);
    expect(await accountForSpool(spool)).toMatchObject({ pending: kept.length, lost: 3 - kept.length, repeated: 0 });
  });

  it('takes up what an export put aside with all of its events, and counts what is lost of them', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), ROTTEN);
    const handle = disk.openFileSync(pathOf({}, 'ndjson'), 'readWrite');
    const quarantine = new Quarantine(spool);
    const fileName = `${idOf()}.ndjson`;
    await quarantine.add({ metadata: metadataOf(disk), fileName, handle }, 'damaged: its SHA-256 differs');
    await handle.close();
    expect(await accountForSpool(spool)).toMatchObject({ quarantined: 3, lost: 0 });
    expect(await quarantine.requeue(idOf())).toEqual({ status: 'requeued' });
    await repair(spool);
    expect(await accountForSpool(openSpool(disk))).toMatchObject({ pending: 2, quarantined: 0, lost: 1 });
  });

  it('lets what frames vouch for go', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), ROTTEN);
    const vouching = new LineSerializer();
    Object.assign(vouching.format, { contentEncoding: 'gzip' });
    await repair(spool, [vouching]);
    expect(metadataOf(disk, SALVAGED)).toMatchObject({ exportReady: true });
  });

  it('leaves a file that nobody puts back beside its events', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), ROTTEN);
    await repair(spool);
    const quarantine = new Quarantine(spool);
    expect(await quarantine.list()).toMatchObject([{ id: idOf(), eventCount: 0, isWhole: false }]);
    expect(await quarantine.requeue(idOf())).toEqual({
      status: 'refused',
      reason: 'it is damaged, and what is whole in it is in a segment of its own',
    });
    expect(await eventsOf(disk)).toEqual([0, 2]);
    expect(await accountForSpool(spool)).toMatchObject({ pending: 2, quarantined: 0, repeated: 0 });
  });

  it('sends a segment without anything whole to quarantine', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), 'rot');
    expect(await repair(spool)).toEqual({ status: 'repaired', salvaged: undefined });
    expect(namesIn(disk).every((name) => name.startsWith('quarantine/'))).toBe(true);
  });

  it('sends one that never was known to hold an event there once', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), 'rot');
    disk.placeFile(pathOf({}, 'meta.json'), '{');
    expect(await repair(spool)).toEqual({ status: 'repaired', salvaged: undefined });
    const quarantine = new Quarantine(spool);
    expect(await quarantine.list()).toMatchObject([{ id: idOf(), eventCount: 0, isWhole: false }]);
    expect(await quarantine.requeue(idOf())).toMatchObject({ status: 'refused' });
  });

  it('rebuilds damaged metadata, and leaves what it cannot read', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'meta.json'), '{');
    expect(await repair(spool, [])).toEqual({ status: 'waiting' });
    expect(await repair(spool, [new LineSerializer({ missingKeyId: 'k' })])).toEqual({ status: 'waiting' });
    expect(await repair(spool)).toEqual({ status: 'intact', isMetadataRebuilt: true });
    expect(metadataOf(disk)).toMatchObject({ exportReady: false, heldReason: 'metadataLost', eventCount: 3 });
  });

  it('leaves a segment alone that somebody else has', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(pathOf({}, 'ndjson'), 'rot');
    const other = disk.process().openFileSync(pathOf({}, 'ndjson'), 'readWrite');
    expect(other.tryLock()).toBe(true);
    expect(await repair(spool)).toEqual({ status: 'busy' });
  });

  it('keeps what is whole, once, when the power fails at any step', async () => {
    const clean = createScene();
    await sealSegment(clean.spool, { events: 3 });
    clean.disk.placeFile(pathOf({}, 'ndjson'), ROTTEN);
    const first = clean.disk.stepsTaken + 1;
    await repair(clean.spool);
    expect(clean.disk.stepsTaken - first).toBeGreaterThan(10);
    for (let step = first; step <= clean.disk.stepsTaken; step += 1) {
      for (let seed = 1; seed <= 8; seed += 1) {
        const disk = new SimulatedDisk({ losePowerAtStep: step, seed });
        const scene = createScene(disk);
        await sealSegment(scene.spool, { events: 3 });
        disk.placeFile(pathOf({}, 'ndjson'), ROTTEN);
        await repair(scene.spool).catch(() => undefined);
        disk.restart();
        const spool = openSpool(disk);
        await recover({ spool });
        if (namesIn(disk).includes(`${idOf()}.ndjson`)) await repair(spool);
        expect(await eventsOf(disk), `step ${step}, seed ${seed}`).toEqual([0, 2]);
        expect(namesIn(disk), `step ${step}, seed ${seed}`).toContain(`quarantine/${idOf()}.ndjson`);
        const accounts = await accountForSpool(spool);
        expect(accounts, `step ${step}, seed ${seed}`).toMatchObject({
          pending: 2,
          quarantined: 0,
          lost: 1,
          repeated: 0,
        });
      }
    }
  });
});

describe('releaseDamaged', () => {
  it('lets a held segment go, once', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    const before = metadataOf(disk);
    expect(await releaseDamaged(spool, await sealedFile(spool))).toBe(false);
    disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...before, exportReady: false, heldReason: 'why' }));
    expect(await releaseDamaged(spool, await sealedFile(spool))).toBe(true);
    expect(metadataOf(disk)).toEqual(before);
  });

  it('leaves to its consent what waits for one', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool);
    const held = JSON.stringify({ ...metadataOf(disk), exportReady: false, heldReason: HELD_BY_WRITER });
    disk.placeFile(pathOf({}, 'meta.json'), held);
    expect(await releaseDamaged(spool, await sealedFile(spool))).toBe(false);
    expect(metadataOf(disk)).toMatchObject({ exportReady: false });
  });

  it('keeps a repaired segment for the consent that it waited for', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { events: 3 });
    const held = JSON.stringify({ ...metadataOf(disk), exportReady: false, heldReason: HELD_BY_WRITER });
    disk.placeFile(pathOf({}, 'meta.json'), held);
    disk.placeFile(pathOf({}, 'ndjson'), ROTTEN);
    await repair(spool);
    expect(metadataOf(disk, SALVAGED)).toMatchObject({ exportReady: false, heldReason: HELD_BY_WRITER });
  });
});
