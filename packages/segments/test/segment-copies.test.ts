// Goal: what somebody made of a segment beside it is not ours: never delivered, read, counted, changed or removed.
// Method: a copy is placed beside a segment in every state; the segment goes its way, and the copy stays as it was.
import type { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { accountForSpool, FileSegmentStore, readSpool } from '../src/index.ts';
import { LineSerializer, linesOf, type Numbered } from './line-serializer.ts';
import {
  createScene,
  idOf,
  leaveFile,
  ledgerOf,
  metadataOf,
  namesIn,
  openSpool,
  pathOf,
  type Scene,
  SPOOL,
  sealSegment,
  serializer,
  textOf,
  writeSegment,
} from './scene.ts';

const id = idOf();
/** Formats that are known here: a copy may look like one of them. */
const serializers = [serializer, new LineSerializer({ fileExtension: 'ndjson.gz' })];
const COPY = '{"n":9}\n';

function storeOf({ spool }: Scene): FileSegmentStore {
  return new FileSegmentStore(spool, serializers);
}

async function read(disk: SimulatedDisk): Promise<readonly number[]> {
  const numbers: number[] = [];
  for await (const { event } of readSpool<Numbered>(SPOOL, { serializers, fileSystem: disk })) numbers.push(event.n);
  return numbers;
}

async function listed(store: FileSegmentStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const segment of store.list()) found.push(`${segment.id}.${segment.fileExtension}`);
  return found;
}

describe.for(['ndjson.gz', 'aaa', 'txt'])('a copy named .%s', (extension) => {
  const copy = pathOf({}, extension);

  it('beside a sealed segment is not delivered in its place', async () => {
    const scene = createScene();
    const metadata = await sealSegment(scene.spool, { events: 3 });
    scene.disk.placeFile(copy, COPY);
    const store = storeOf(scene);
    expect(await store.recover()).toMatchObject({ filesScanned: 0, filesWaiting: 0, problems: [] });
    expect(await listed(store)).toEqual([`${id}.ndjson`]);
    expect(await store.info(id)).toMatchObject({ fileExtension: 'ndjson', metadata });
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 3, repeated: 0 });
    expect(await read(scene.disk)).toEqual([0, 1, 2]);

    const attempt = await storeOf(scene).lease(id);
    if (attempt.status !== 'leased') throw new Error(`the segment is ${attempt.status}`);
    expect(await attempt.lease.content.read(0, 100)).toEqual(linesOf(0, 1, 2));
    await attempt.lease.settle({ status: 'delivered' });

    expect(await store.recover()).toMatchObject({ removalsFinished: 0, metadataRebuilt: 0, problems: [] });
    expect(await store.lease(id)).toEqual({ status: 'gone' });
    expect(namesIn(scene.disk)).toEqual([`${id}.${extension}`]);
    expect(textOf(scene.disk, copy)).toBe(COPY);
    expect(await read(scene.disk)).toEqual([]);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 0, delivered: 3, lost: 0, repeated: 0 });
  });

  it('stays where it is when the segment goes to quarantine, however often that is cut off', async () => {
    const { disk, spool, clock } = createScene();
    await sealSegment(spool, { events: 3 });
    disk.placeFile(copy, COPY);
    const attempt = await storeOf({ disk, spool, clock }).lease(id);
    if (attempt.status !== 'leased') throw new Error(`the segment is ${attempt.status}`);
    const crashes: SimulatedDisk[] = [];
    disk.onStep = () => void crashes.push(disk.snapshot().kill(1));
    await attempt.lease.settle({ status: 'quarantined', reason: 'http 413' });
    for (const dead of [...crashes, disk]) {
      dead.onStep = undefined;
      const store = new FileSegmentStore(openSpool(dead.process('next'), clock), serializers);
      await store.recover();
      await store.recover();
      expect(textOf(dead, copy)).toBe(COPY);
      expect([...dead.files().keys()]).not.toContain(`${SPOOL}/quarantine/${id}.${extension}`);
      const isQuarantined = ledgerOf(dead).length > 0;
      expect(dead.files().has(`${SPOOL}/quarantine/${id}.ndjson`)).toBe(isQuarantined);
    }
  });

  it('beside a file that is being written does not describe it', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0, 1, 2));
    scene.disk.placeFile(copy, COPY);
    expect(await read(scene.disk)).toEqual([0, 1, 2]);
    const store = storeOf(scene);
    expect(await store.recover()).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 3, metadataRebuilt: 0 });
    expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 3, format: { fileExtension: 'ndjson' } });
    expect(await listed(store)).toEqual([`${id}.ndjson`]);
    expect(textOf(scene.disk, copy)).toBe(COPY);
  });

  it('that took the place of a deleted segment is none', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 3 });
    scene.disk.placeFile(copy, COPY);
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    const store = storeOf(scene);
    expect(await store.info(id)).toBeUndefined();
    expect(await store.lease(id)).toEqual({ status: 'gone' });
    expect(await read(scene.disk)).toEqual([]);
    expect(await accountForSpool(scene.spool)).toMatchObject({ pending: 0 });
    expect(textOf(scene.disk, copy)).toBe(COPY);
  });
});

it('metadata of another file does not cut an unfinished one', async () => {
  const scene = createScene();
  await sealSegment(scene.spool, { events: 1, fileExtension: 'ndjson.gz' });
  scene.disk.removeSync(pathOf({}, 'ndjson.gz'));
  leaveFile(scene.disk, linesOf(0, 1, 2));
  expect(await storeOf(scene).recover()).toMatchObject({ filesWaiting: 1, segmentsRecovered: 0 });
  expect(textOf(scene.disk, pathOf({}, 'ndjson.open'))).toBe('{"n":0}\n{"n":1}\n{"n":2}\n');
});

it('two sealed files of one id that nothing describes are one segment', async () => {
  const scene = createScene();
  await sealSegment(scene.spool, { events: 3 });
  scene.disk.placeFile(pathOf({}, 'ndjson.gz'), COPY);
  scene.disk.removeSync(pathOf({}, 'meta.json'));
  const store = storeOf(scene);
  expect(await listed(store)).toEqual([`${id}.ndjson`]);
  expect(await store.recover()).toMatchObject({ metadataRebuilt: 1, problems: [] });
  expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 3, format: { fileExtension: 'ndjson' } });
});

it('a living writer seals its file beside a copy of it', async () => {
  const scene = createScene();
  const file = writeSegment(scene.spool, { events: 2 });
  scene.disk.placeFile(pathOf({}, 'ndjson.gz'), COPY);
  await storeOf(scene).recover();
  await file.sync();
  expect(await file.seal({ reason: 'bytes' })).toMatchObject({ eventCount: 2 });
  expect(await read(scene.disk)).toEqual([0, 1]);
});
