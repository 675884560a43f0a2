// Goal: what is sealed as held stays until it is released or discarded as a whole, through every crash on the way.
import { describe, expect, it } from 'vitest';
import { releaseHeld } from '../src/held-segments.ts';
import { accountForSpool, FileSegmentStore, HELD_BY_WRITER, openSegmentStore } from '../src/index.ts';
import { gateAfter } from './gate.ts';
import { linesOf } from './line-serializer.ts';
import {
  createScene,
  leaveFile,
  ledgerOf,
  metadataOf,
  namesIn,
  numbersFrom,
  openSpool,
  pathOf,
  recover,
  SPOOL,
  sealSegment,
  serializer,
  whileTimePasses,
  writeSegment,
} from './scene.ts';

const held = { isHeld: true } as const;
const HELD = { exportReady: false, heldReason: HELD_BY_WRITER };

describe('a segment that is to be held', () => {
  it('says so by its name while it is written, so that recovery holds it, too', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0, 1), held);
    await recover(scene);
    expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 2, ...HELD });
  });

  it('is held where only its intact events are left', async () => {
    const scene = createScene();
    leaveFile(scene.disk, new TextEncoder().encode('{"n":0}\n{bad\n{"n":2}\n'), held);
    await recover(scene);
    const [salvaged] = namesIn(scene.disk).filter((name) => name.endsWith('.meta.json'));
    expect(JSON.parse(new TextDecoder().decode(scene.disk.files().get(`${SPOOL}/${salvaged}`)))).toMatchObject(HELD);
  });
});

describe('releaseHeld', () => {
  it('lets go of what was held for a consent, and of nothing else', async () => {
    const { disk, clock, spool } = createScene();
    await sealSegment(spool, { first: 0, events: 2, ...held });
    await sealSegment(spool, { first: 2, events: 3, ...held });
    disk.placeFile(pathOf({ first: 5 }, 'ndjson'), linesOf(5));
    const store = await openSegmentStore({ directory: SPOOL, fileSystem: disk, clock, serializers: [serializer] });
    expect(metadataOf(disk, { first: 5 })).toMatchObject({ heldReason: 'metadataLost' });

    expect(await store.releaseHeld()).toEqual({ segments: 2, events: 5, bytes: 40, inUse: 0 });
    for (const first of [0, 2]) {
      expect(metadataOf(disk, { first })).toMatchObject({ exportReady: true });
      expect(metadataOf(disk, { first })).not.toHaveProperty('heldReason');
    }
    expect(metadataOf(disk, { first: 5 })).toMatchObject({ exportReady: false, heldReason: 'metadataLost' });
    expect(await store.releaseHeld()).toEqual({ segments: 0, events: 0, bytes: 0, inUse: 0 });
    expect(await store.releaseHeld({ heldReason: 'metadataLost' })).toMatchObject({ segments: 1 });
    expect(await accountForSpool(spool)).toMatchObject({ pending: 6, lost: 0, repeated: 0 });
  });

  it('leaves to recovery what a quarantine was cut off at', async () => {
    const { disk, spool } = createScene();
    const { id } = await sealSegment(spool, held);
    const record = { kind: 'segment', id, outcome: 'quarantined', firstSequence: 0, eventCount: 1, bytes: 8, at: '' };
    disk.placeFile(`${SPOOL}/ledger.ndjson`, `${JSON.stringify(record)}\n`);
    expect(await releaseHeld(spool)).toMatchObject({ segments: 0 });
    expect(metadataOf(disk)).toMatchObject(HELD);
  });

  it('waits for who has a segment, and says what it could not wait for', async () => {
    const { clock, spool } = createScene();
    const { id } = await sealSegment(spool, held);
    const store = new FileSegmentStore(spool, [serializer]);
    const attempt = await store.lease(id);
    if (attempt.status !== 'leased') throw new Error('a sealed segment can be leased');
    const waiting = store.releaseHeld();
    await clock.advanceAsync(100);
    await attempt.lease.release();
    await clock.advanceAsync(100);
    expect(await waiting).toMatchObject({ segments: 1, inUse: 0 });

    const other = await sealSegment(spool, { first: 1, ...held });
    expect(await store.lease(other.id)).toMatchObject({ status: 'leased' });
    const inVain = store.releaseHeld();
    await clock.advanceAsync(11_000);
    expect(await inVain).toMatchObject({ segments: 0, inUse: 1 });
  });
});

describe('discardHeld', () => {
  it('gives held segments up, each with a record', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { first: 0, events: 2, ...held });
    const ready = await sealSegment(spool, { first: 2 });
    const store = new FileSegmentStore(spool, [serializer]);
    expect(await store.discardHeld({ reason: 'noConsent' })).toEqual({ segments: 1, events: 2, bytes: 16, inUse: 0 });
    expect(ledgerOf(disk)).toMatchObject([{ outcome: 'dropped', reason: 'noConsent', eventCount: 2 }]);
    expect(namesIn(disk).filter((name) => name.endsWith('.ndjson'))).toEqual([`${ready.id}.ndjson`]);
    expect(await accountForSpool(spool)).toMatchObject({ pending: 1, dropped: { noConsent: 2 }, lost: 0, repeated: 0 });
    expect(await store.discardHeld()).toMatchObject({ segments: 0 });
  });
});

it('two decisions at once, of two processes: one has it all', async () => {
  const { disk, clock, spool } = createScene();
  for (const first of numbersFrom(0, 8)) await sealSegment(spool, { first, ...held });
  const gate = gateAfter(disk.process('other'), 'rename', '.gone');
  const discarded = new FileSegmentStore(openSpool(gate.fileSystem, clock), [serializer]).discardHeld();
  await gate.reached;
  const released = new FileSegmentStore(spool, [serializer]).releaseHeld();
  await clock.advanceAsync(100);
  gate.open();
  expect(await whileTimePasses(clock, discarded)).toMatchObject({ segments: 8, inUse: 0 });
  expect(await whileTimePasses(clock, released)).toMatchObject({ segments: 0, inUse: 0 });
});

it('a decision that another one keeps waiting says so', async () => {
  const { disk, clock, spool } = createScene();
  await sealSegment(spool, held);
  const holder = disk.process('holder').openFileSync(`${SPOOL}/spool.json`, 'readWrite');
  holder.tryLock();
  const decision = new FileSegmentStore(spool, [serializer]).discardHeld();
  const refused = expect(decision).rejects.toMatchObject({ code: 'RELAY_LOCK_BUSY' });
  await clock.advanceAsync(11_000);
  await refused;
  expect(metadataOf(disk)).toMatchObject(HELD);
});

describe.each(['releaseHeld', 'discardHeld'] as const)('%s', (decision) => {
  it('decides about what dead writers left, and counts what living ones have open', async () => {
    const { disk, clock, spool } = createScene();
    const store = await openSegmentStore({ directory: SPOOL, fileSystem: disk, clock, serializers: [serializer] });
    leaveFile(disk, linesOf(0, 1), held);
    const open = writeSegment(spool, { first: 2, events: 3, ...held });
    writeSegment(spool, { first: 5 });
    expect(await store[decision]()).toEqual({ segments: 1, events: 2, bytes: 16, inUse: 1 });
    await open.sync();
    await open.seal({ reason: 'close' });
    expect(metadataOf(disk, { first: 2 })).toMatchObject(HELD);
    expect(await store[decision]()).toEqual({ segments: 1, events: 3, bytes: 24, inUse: 0 });
  });

  it('counts what it cannot recover, without a word about what is held for another reason', async () => {
    const { disk, spool } = createScene();
    leaveFile(disk, linesOf(0, 1), held);
    const store = new FileSegmentStore(spool, []);
    expect(await store[decision]()).toMatchObject({ segments: 0, inUse: 1 });
    expect(await store[decision]({ heldReason: 'metadataLost' })).toMatchObject({ segments: 0, inUse: 0 });
  });

  it('is finished by calling it again after a crash at any step, with every event in one place', async () => {
    const { disk, clock, spool } = createScene();
    for (const first of [0, 1, 2]) await sealSegment(spool, { first, ...held });
    const snapshots: ReturnType<typeof disk.snapshot>[] = [];
    disk.onEveryStep((snapshot) => void snapshots.push(snapshot));
    await new FileSegmentStore(spool, [serializer])[decision]();
    snapshots.push(disk.snapshot());
    expect(snapshots.length).toBeGreaterThan(15);
    for (const [step, snapshot] of snapshots.entries()) {
      for (const after of [snapshot.kill(step), ...snapshot.crashes({ maxOutcomes: 16, seeds: 8, firstSeed: step })]) {
        const store = await openSegmentStore({ directory: SPOOL, fileSystem: after, clock, serializers: [serializer] });
        const before = await accountForSpool(store.spool);
        expect(before, `step ${step}`).toMatchObject({ lost: 0, repeated: 0 });
        await store[decision]();
        const isDiscarded = decision === 'discardHeld';
        expect(await accountForSpool(openSpool(after)), `step ${step}`).toMatchObject({
          pending: isDiscarded ? 0 : 3,
          dropped: isDiscarded ? { discarded: 3 } : {},
          lost: 0,
          repeated: 0,
        });
        for (const first of isDiscarded ? [] : [0, 1, 2]) {
          expect(metadataOf(after, { first }), `step ${step}`).toMatchObject({ exportReady: true });
        }
      }
    }
  });
});
