// Goal: a spool stays within its limits, nothing goes that need not, and each removal is named and counted.
import { SimulatedDisk } from '@relaykit/testing';
import type { Removal, RetentionPolicy, SpoolTotals } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import {
  DISK_FULL_REASON,
  type DroppedSegment,
  FileSegmentStore,
  FRESH_LISTING_MS,
  RETENTION_INTERVAL_MS,
  RetentionKeeper,
  type RetentionKeeperOptions,
  Spool,
} from '../src/index.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  ledgerOf,
  namesIn,
  numbersFrom,
  openSpool,
  operationsOn,
  pathOf,
  recover,
  type Scene,
  SPOOL,
  sealSegment,
  serializer,
  textOf,
  writeSegment,
} from './scene.ts';

const DAY_MS = 86_400_000;

function keepFiles(max: number): RetentionPolicy {
  return {
    select: ({ fileCount, oldestFirst }) => firstOf(oldestFirst(), fileCount - max, 'fileCount'),
  };
}

function keepAge(maxMs: number): RetentionPolicy {
  return {
    select: ({ oldestFirst }) =>
      [...oldestFirst()].filter(({ ageMs }) => ageMs > maxMs).map(({ id }) => ({ id, reason: 'age' })),
  };
}

function firstOf(segments: Iterable<{ id: string }>, count: number, reason: string): readonly Removal[] {
  const removals: Removal[] = [];
  for (const { id } of segments) {
    if (removals.length >= count) break;
    removals.push({ id, reason });
  }
  return removals;
}

interface Kept extends Scene {
  readonly keeper: RetentionKeeper;
  readonly dropped: DroppedSegment[];
  readonly warnings: [string, unknown][];
  readonly errors: [string, unknown][];
}

/** A keeper that has listed its spool. */
async function keep(
  scene: Scene,
  policy: RetentionPolicy,
  options: Partial<RetentionKeeperOptions> = {},
): Promise<Kept> {
  const dropped: DroppedSegment[] = [];
  const warnings: [string, unknown][] = [];
  const errors: [string, unknown][] = [];
  const silent = () => undefined;
  const logger = {
    debug: silent,
    info: silent,
    error: (text: string, facts?: unknown) => void errors.push([text, facts]),
    warn: (text: string, facts?: unknown) => void warnings.push([text, facts]),
  };
  const { disk, clock } = scene;
  const spool = Spool.openSync({ directory: SPOOL, fileSystem: disk, clock, logger });
  const keeper = new RetentionKeeper({
    spool,
    policy,
    whenFull: 'dropOldestUndelivered',
    writerId: 'zzzzzzzzzz',
    unsealed: () => ({ fileCount: 0, totalBytes: 0 }),
    onDropped: (segment) => dropped.push(segment),
    ...options,
  });
  keeper.start();
  await clock.advanceAsync(0);
  await clock.advanceAsync(0);
  return { ...scene, keeper, dropped, warnings, errors };
}

async function sealMany(scene: Scene, count: number): Promise<void> {
  for (const first of numbersFrom(0, count)) await sealSegment(scene.spool, { first, events: 1 });
}

const sealedIn = (disk: SimulatedDisk): readonly string[] => namesIn(disk).filter((name) => name.endsWith('.ndjson'));
const namesOf = (...firsts: readonly number[]): readonly string[] => firsts.map((first) => `${idOf({ first })}.ndjson`);

async function lease({ disk, clock }: Scene, first: number) {
  const attempt = await new FileSegmentStore(openSpool(disk.process(), clock), [serializer]).lease(idOf({ first }));
  if (attempt.status !== 'leased') throw new Error(`${first} is ${attempt.status}`);
  return attempt.lease;
}

describe('limits', () => {
  it('count what is sealed while a listing runs', async () => {
    const scene = createScene();
    await sealMany(scene, 1);
    writeSegment(scene.spool, { first: 5, writerId: 'bbbbbbbbbb' });
    const { disk, clock, keeper } = await keep(scene, keepFiles(10));
    const gate = disk.hold(({ name, path }) => name === 'stat' && path.endsWith('.open'));
    clock.advance(RETENTION_INTERVAL_MS);
    await gate.reached();
    keeper.noteSealed(await sealSegment(scene.spool, { first: 9, events: 1 }));
    gate.release();
    await keeper.close();
    expect(keeper.totals).toMatchObject({ fileCount: 2 });
  });

  it('are kept by dropping the oldest, each recorded and announced', async () => {
    const scene = createScene();
    await sealMany(scene, 5);
    const { disk, keeper, dropped, warnings } = await keep(scene, keepFiles(3));
    expect(sealedIn(disk)).toEqual(namesOf(2, 3, 4));
    const expected = [0, 1].map((first) => ({ id: idOf({ first }), eventCount: 1, bytes: 8, reason: 'fileCount' }));
    expect(dropped).toEqual(expected);
    expect(ledgerOf(disk)).toMatchObject(
      [0, 1].map((first) => ({
        id: idOf({ first }),
        outcome: 'dropped',
        reason: 'fileCount',
        firstSequence: first,
        eventCount: 1,
      })),
    );
    expect(warnings).toEqual(
      expected.map(({ id }) => ['segment dropped', { segment: id, events: 1, bytes: 8, reason: 'fileCount' }]),
    );
    await keeper.makeRoom();
    expect(sealedIn(disk)).toHaveLength(3);
    await keeper.close();
  });

  it('count the segment that is about to be begun, and what other writers have not sealed', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    writeSegment(scene.spool, { first: 3, writerId: 'bbbbbbbbbb', events: 2 });
    writeSegment(scene.spool, { first: 4, writerId: 'cccccccccc', isAtomic: true });
    writeSegment(scene.spool, { first: 5, writerId: 'zzzzzzzzzz' });
    const seen: SpoolTotals[] = [];
    const policy: RetentionPolicy = {
      select: ({ fileCount, totalBytes }) => {
        seen.push({ fileCount, totalBytes });
        return [];
      },
    };
    const { keeper } = await keep(scene, policy, { unsealed: () => ({ fileCount: 1, totalBytes: 8 }) });
    await keeper.makeRoom(1);
    expect(seen).toEqual([6, 7].map((fileCount) => ({ fileCount, totalBytes: 24 + 16 + 8 + 8 })));
    await keeper.close();
  });

  it('count what is not sealed yet', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    const seen: SpoolTotals[] = [];
    const policy: RetentionPolicy = {
      select: ({ fileCount, totalBytes }) => {
        seen.push({ fileCount, totalBytes });
        return [];
      },
    };
    const { keeper } = await keep(scene, policy, { unsealed: () => ({ fileCount: 2, totalBytes: 100 }) });
    await keeper.makeRoom();
    expect(seen.at(-1)).toEqual({ fileCount: 5, totalBytes: 124 });
    keeper.noteSealed(await sealSegment(scene.spool, { first: 3, events: 2 }));
    await keeper.makeRoom();
    expect(seen.at(-1)).toEqual({ fileCount: 6, totalBytes: 140 });
  });

  it('ignore a sealed segment with a name that is none', async () => {
    const scene = createScene();
    const { keeper, dropped } = await keep(scene, keepFiles(0));
    keeper.noteSealed({ ...(await sealSegment(scene.spool)), id: 'mine' });
    await keeper.makeRoom();
    expect(dropped).toEqual([]);
  });

  it('are not looked at before the spool was listed: writing does not wait for that', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    const spool = openSpool(scene.disk, scene.clock);
    const unsealed = () => ({ fileCount: 9, totalBytes: 9 });
    const keeper = new RetentionKeeper({
      spool,
      policy: keepFiles(1),
      writerId: 'zzzzzzzzzz',
      whenFull: 'dropOldestUndelivered',
      unsealed,
      onDropped: () => undefined,
    });
    const operations = operationsOn(scene.disk);
    await keeper.makeRoom();
    expect(operations).toEqual([]);
  });

  it('are the same after a restart', async () => {
    const scene = createScene();
    await sealMany(scene, 4);
    const first = await keep(scene, keepFiles(4));
    expect(first.dropped).toEqual([]);
    await first.keeper.close();
    scene.disk.kill();
    scene.disk.restart();
    const { dropped } = await keep(createScene(scene.disk, scene.clock), keepFiles(2));
    expect(dropped.map(({ id }) => id)).toEqual([idOf({ first: 0 }), idOf({ first: 1 })]);
  });

  it('say why a disk that does not tell its free space is judged without', async () => {
    const scene = createScene(new SimulatedDisk({ capacityBytes: 10_000 }));
    const seen: unknown[] = [];
    const policy: RetentionPolicy = {
      needsDiskUsage: true,
      select: (_, disk) => {
        seen.push(disk?.totalBytes);
        return [];
      },
    };
    const { keeper } = await keep(scene, policy);
    scene.disk.failNext('freeSpace', 'EIO');
    await keeper.makeRoom();
    expect(seen).toEqual([10_000, undefined]);
  });

  it('measure the disk only for who looks at it', async () => {
    const scene = createScene();
    const { keeper, disk } = await keep(scene, keepFiles(1));
    const operations = operationsOn(disk);
    await keeper.makeRoom();
    expect(operations).toEqual([]);
  });
});

describe('what somebody has in hand', () => {
  it('never goes; the next oldest does', async () => {
    const scene = createScene();
    await sealMany(scene, 4);
    const held = await lease(scene, 0);
    const { disk, keeper, dropped, clock } = await keep(scene, keepFiles(2));
    expect(sealedIn(disk)).toEqual(namesOf(0, 3));
    expect(dropped.map(({ id }) => id)).toEqual([idOf({ first: 1 }), idOf({ first: 2 })]);
    await held.release();
    keeper.noteSealed(await sealSegment(scene.spool, { first: 4 }));
    clock.advance(FRESH_LISTING_MS);
    await keeper.makeRoom();
    expect(sealedIn(disk)).toEqual(namesOf(3, 4));
  });

  it('never goes, though everything is', async () => {
    const scene = createScene();
    await sealMany(scene, 2);
    await lease(scene, 0);
    await lease(scene, 1);
    const { disk, keeper, dropped } = await keep(scene, keepFiles(0));
    await keeper.makeRoom();
    expect(await keeper.evictOldest()).toBe(false);
    expect(dropped).toEqual([]);
    expect(sealedIn(disk)).toHaveLength(2);
  });

  it.for(['directory', 'other', 'link'] as const)('harms nobody else where it is no segment but a %s', async (what) => {
    const scene = createScene();
    const path = pathOf({ first: 0, createdAtMs: CREATED_MS - 1 }, 'ndjson');
    if (what === 'directory') scene.disk.placeDirectory(path);
    else if (what === 'other') scene.disk.placeOther(path);
    else scene.disk.placeSymlink(path, '/elsewhere');
    await sealMany(scene, 3);
    const { disk, keeper, dropped, warnings } = await keep(scene, keepFiles(1));
    await keeper.makeRoom();
    expect(await keeper.evictOldest()).toBe(true);
    expect(dropped.map(({ id }) => id)).toEqual([0, 1, 2].map((first) => idOf({ first })));
    expect(disk.statSync(path)).toBeDefined();
    expect(warnings.filter(([text]) => text !== 'segment dropped')).toEqual([]);
  });

  it('harms nobody else where it cannot be opened', async () => {
    const scene = createScene();
    await sealMany(scene, 4);
    scene.disk.chmod(pathOf({ first: 0 }, 'ndjson'), 0);
    const { keeper, dropped, warnings } = await keep(scene, keepFiles(2));
    keeper.noteSealed(await sealSegment(scene.spool, { first: 4 }));
    await keeper.makeRoom();
    expect(dropped.map(({ id }) => id)).toEqual([1, 2, 3].map((first) => idOf({ first })));
    const stuck = warnings.filter(([text]) => text === 'a segment could not be removed');
    expect(stuck).toEqual([[expect.anything(), { segment: idOf(), error: expect.stringContaining('EACCES') }]]);
  });
});

describe('a removal that fails half-way', () => {
  it('is finished before another goes', async () => {
    const scene = createScene();
    await sealMany(scene, 4);
    scene.disk.failNext(({ name, path }) => name === 'write' && path.endsWith('ledger.ndjson'), 'EIO');
    const { keeper, dropped, disk } = await keep(scene, keepFiles(2));
    expect(dropped).toEqual([]);
    expect(sealedIn(disk)).toEqual(namesOf(1, 2, 3));
    expect(namesIn(disk)).toContain(`${idOf()}.fileCount.gone`);
    await keeper.makeRoom();
    expect(dropped.map(({ id }) => id)).toEqual([idOf(), idOf({ first: 1 })]);
    expect(ledgerOf(disk).map(({ id }) => id)).toEqual([idOf(), idOf({ first: 1 })]);
    expect(sealedIn(disk)).toEqual(namesOf(2, 3));
  });

  it('holds up all others while its loss cannot be recorded, on a full disk too', async () => {
    const scene = createScene();
    await sealMany(scene, 9);
    const { keeper, dropped, disk, clock } = await keep(scene, keepFiles(9));
    disk.failNext(({ name, path }) => name === 'write' && path.endsWith('ledger.ndjson'), 'EIO', { times: Infinity });
    for (let turn = 0; turn < 3; turn += 1) expect(await keeper.evictOldest()).toBe(false);
    keeper.noteSealed(await sealSegment(scene.spool, { first: 9 }));
    clock.advance(FRESH_LISTING_MS);
    await keeper.makeRoom();
    expect(sealedIn(disk)).toEqual(namesOf(...numbersFrom(1, 9)));
    expect(dropped).toEqual([]);
    // Whoever recovers the spool finishes it as well.
    disk.clearFaults();
    expect(await recover(scene)).toMatchObject({ removalsFinished: 1 });
    expect(await keeper.evictOldest()).toBe(true);
    expect(dropped).toEqual([{ id: idOf(), eventCount: 1, bytes: 8, reason: DISK_FULL_REASON }]);
    expect(ledgerOf(disk)).toMatchObject([{ id: idOf(), outcome: 'dropped', reason: DISK_FULL_REASON }]);
  });

  it('is announced where recovery was faster, once', async () => {
    const scene = createScene();
    await sealMany(scene, 4);
    scene.disk.failNext(({ name, path }) => name === 'write' && path.endsWith('ledger.ndjson'), 'EIO');
    const { keeper, dropped } = await keep(scene, keepFiles(2));
    expect(await recover(scene)).toMatchObject({ removalsFinished: 1 });
    for (let look = 0; look < 3; look += 1) await keeper.makeRoom();
    expect(dropped.map(({ id }) => id)).toEqual([idOf(), idOf({ first: 1 })]);
    expect(ledgerOf(scene.disk)).toHaveLength(2);
  });

  it('is none where a policy names a segment twice', async () => {
    const scene = createScene();
    await sealMany(scene, 2);
    const twice: RetentionPolicy = {
      select: (...given) =>
        keepFiles(1)
          .select(...given)
          .flatMap((removal) => [removal, removal]),
    };
    expect((await keep(scene, twice)).dropped).toHaveLength(1);
  });
});

describe('what is gone already', () => {
  it('is found out before anything is given up', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    const { disk, keeper, dropped, clock } = await keep(scene, keepFiles(3));
    for (const first of [0, 1]) await (await lease(scene, first)).settle({ status: 'delivered' });
    clock.advance(FRESH_LISTING_MS);
    for (const first of [3, 4]) keeper.noteSealed(await sealSegment(scene.spool, { first }));
    await keeper.makeRoom();
    expect(dropped).toEqual([]);
    expect(sealedIn(disk)).toEqual(namesOf(2, 3, 4));
  });

  it('is not counted where it goes just now', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    const { keeper, dropped, disk } = await keep(scene, keepFiles(3));
    await (await lease(scene, 0)).settle({ status: 'delivered' });
    keeper.noteSealed(await sealSegment(scene.spool, { first: 3 }));
    // The last listing is recent, so the sums still count the delivered one; its file tells.
    await keeper.makeRoom();
    expect(dropped).toEqual([]);
    expect(ledgerOf(disk)).toHaveLength(1);
  });

  it('is left to recovery where the ledger has it and the file is there', async () => {
    const scene = createScene();
    await sealMany(scene, 2);
    const facts = { id: idOf(), firstSequence: 0, eventCount: 1, bytes: 8, at: '2026-01-01T00:00:00.000Z' } as const;
    await scene.spool.ledger.record({ kind: 'segment', outcome: 'quarantined', reason: 'x', ...facts });
    const { dropped, disk } = await keep(scene, keepFiles(1));
    expect(dropped).toEqual([]);
    expect(sealedIn(disk)).toHaveLength(2);
    expect(ledgerOf(disk)).toHaveLength(1);
  });

  it('makes no trouble where it goes while it is looked for', async () => {
    const scene = createScene();
    await sealMany(scene, 2);
    const rival = scene.disk.process('rival');
    scene.disk.onStep = ({ name, path, isSync }) => {
      if (name === 'stat' && !isSync && path === pathOf({ first: 1 }, 'ndjson')) rival.removeSync(path);
    };
    const { dropped } = await keep(scene, keepFiles(0));
    expect(dropped.map(({ id }) => id)).toEqual([idOf({ first: 0 })]);
  });
});

describe('a segment without metadata', () => {
  it('goes with what is known of it', async () => {
    const scene = createScene();
    await sealMany(scene, 1);
    scene.disk.placeFile(pathOf({}, 'meta.json'), '');
    const { dropped, disk } = await keep(scene, keepFiles(0));
    expect(dropped).toEqual([{ id: idOf(), eventCount: 0, bytes: 8, reason: 'fileCount' }]);
    expect(ledgerOf(disk)).toMatchObject([{ eventCount: 0, bytes: 8 }]);
    expect(namesIn(disk)).toEqual([]);
  });
});

describe("whenFull: 'refuseNew'", () => {
  const refuse = { whenFull: 'refuseNew', unsealed: () => ({ fileCount: 1, totalBytes: 0 }) } as const;

  it('says that the spool is full, drops nothing, and resumes by itself', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    const { keeper, dropped, clock } = await keep(scene, keepFiles(3), refuse);
    await expect(keeper.makeRoom()).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FULL',
      message: `Cannot write to ${SPOOL}: the spool has reached its limits; deliver what waits, or raise the limits.`,
      facts: { path: SPOOL, operation: 'create', attempts: 1, systemCode: 'RELAY_RETENTION' },
    });
    expect(await keeper.evictOldest()).toBe(false);
    await (await lease(scene, 1)).settle({ status: 'delivered' });
    clock.advance(FRESH_LISTING_MS);
    await keeper.makeRoom();
    expect(dropped).toEqual([]);
  });

  it('still lets segments go for their age', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    scene.clock.advance(DAY_MS);
    await sealSegment(scene.spool, { first: 3, createdAtMs: CREATED_MS + DAY_MS });
    const both: RetentionPolicy = {
      select: (spool, disk, now) => [
        ...keepAge(DAY_MS / 2).select(spool, disk, now),
        ...keepFiles(1).select(spool, disk, now),
      ],
    };
    const { keeper, dropped } = await keep(scene, both, refuse);
    expect(dropped.map(({ reason }) => reason)).toEqual(['age', 'age', 'age']);
    await expect(keeper.makeRoom()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect(dropped).toHaveLength(3);
  });
});

describe('age', () => {
  it('passes though no event arrives', async () => {
    const scene = createScene();
    await sealMany(scene, 2);
    const { dropped, clock, keeper } = await keep(scene, keepAge(3 * RETENTION_INTERVAL_MS));
    await clock.advanceAsync(3 * RETENTION_INTERVAL_MS);
    expect(dropped).toEqual([]);
    await clock.advanceAsync(RETENTION_INTERVAL_MS);
    expect(dropped.map(({ reason }) => reason)).toEqual(['age', 'age']);
    await keeper.close();
    expect(clock.pendingTimers).toEqual([]);
  });

  it('counts from the creation, over restarts', async () => {
    const scene = createScene();
    await sealMany(scene, 1);
    scene.clock.advance(DAY_MS);
    expect((await keep(scene, keepAge(DAY_MS + 1))).dropped).toEqual([]);
    expect((await keep(scene, keepAge(DAY_MS - 1))).dropped).toHaveLength(1);
  });

  it.for([30 * DAY_MS, -30 * DAY_MS])('is not what a wall clock says that leaps by %i ms', async (leapMs) => {
    const scene = createScene();
    await sealMany(scene, 2);
    const { keeper, dropped, clock, disk } = await keep(scene, keepAge(DAY_MS));
    const before = await sealSegment(scene.spool, { first: 2 });
    clock.leapWallClock(leapMs);
    // Begun before the leap and sealed after it; by this writer, and by another.
    keeper.noteSealed(before);
    await sealSegment(openSpool(disk.process('other'), clock), { first: 3 });
    await clock.advanceAsync(RETENTION_INTERVAL_MS);
    await keeper.makeRoom();
    expect(dropped).toEqual([]);
    await clock.advanceAsync(DAY_MS + RETENTION_INTERVAL_MS);
    expect(dropped).toHaveLength(4);
  });

  it('is never less than none: a name from the future', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { createdAtMs: CREATED_MS + DAY_MS });
    const ages: number[] = [];
    const policy: RetentionPolicy = {
      select: ({ oldestFirst }) => {
        for (const { ageMs } of oldestFirst()) ages.push(ageMs);
        return [];
      },
    };
    const { clock } = await keep(scene, policy);
    await clock.advanceAsync(RETENTION_INTERVAL_MS);
    expect(ages).toEqual([0, RETENTION_INTERVAL_MS]);
  });
});

describe('a full disk', () => {
  it('gives the oldest up with no byte free', async () => {
    const scene = createScene();
    for (const first of numbersFrom(0, 3)) await sealSegment(scene.spool, { first: first * 1000, events: 500 });
    const { disk, keeper, dropped } = await keep(scene, keepFiles(99));
    disk.capacityBytes = disk.usedBytes;
    expect(await keeper.evictOldest()).toBe(true);
    expect(dropped).toMatchObject([{ id: idOf(), eventCount: 500, reason: DISK_FULL_REASON }]);
    expect(sealedIn(disk)).toEqual(namesOf(1000, 2000));
    expect(ledgerOf(disk)).toMatchObject([{ id: idOf(), outcome: 'dropped', reason: 'diskFull', eventCount: 500 }]);
    expect(await keeper.evictOldest()).toBe(true);
    expect(await keeper.evictOldest()).toBe(true);
    expect(await keeper.evictOldest()).toBe(false);
    expect(dropped).toHaveLength(3);
  });

  it('is told by the error of whoever could not write, and makes no room for another', async () => {
    const scene = createScene();
    await sealMany(scene, 1);
    const { keeper, dropped, disk } = await keep(scene, keepFiles(99));
    const failure = (code: string) => Object.assign(new Error(code), { code });
    expect(await keeper.makeRoomFor(failure('EIO'))).toBe(false);
    disk.failNext('list', 'EIO');
    expect(await keeper.makeRoomFor(failure('ENOSPC'))).toBe(false);
    expect(dropped).toEqual([]);
    expect(await keeper.makeRoomFor(failure('ENOSPC'))).toBe(true);
    expect(dropped).toMatchObject([{ reason: DISK_FULL_REASON }]);
    expect(await keeper.makeRoomFor(failure('EDQUOT'))).toBe(false);
  });

  it('gives up as many as its own record needs room', async () => {
    const scene = createScene();
    for (const first of numbersFrom(0, 60)) await sealSegment(scene.spool, { first });
    const { disk, keeper, dropped } = await keep(scene, keepFiles(99));
    // Metadata goes after the record, so that eight bytes a segment are all there is.
    disk.capacityBytes = disk.usedBytes;
    expect(await keeper.evictOldest()).toBe(true);
    expect(sealedIn(disk).length).toBeGreaterThan(20);
    disk.capacityBytes = Infinity;
    expect(await keeper.evictOldest()).toBe(true);
    expect(dropped).toHaveLength(60 - sealedIn(disk).length);
    expect(ledgerOf(disk)).toHaveLength(dropped.length);
    expect(new Set(dropped.map(({ id }) => id)).size).toBe(dropped.length);
  });

  it('gives up no more than that where somebody else takes the room', async () => {
    const scene = createScene();
    for (const first of numbersFrom(0, 40)) await sealSegment(scene.spool, { first: first * 1_000, events: 1_000 });
    const { disk, keeper, dropped } = await keep(scene, keepFiles(99));
    disk.failNext(({ name, path }) => name === 'write' && path.endsWith('ledger.ndjson'), 'ENOSPC', {
      times: Infinity,
    });
    for (let turn = 0; turn < 3; turn += 1) expect(await keeper.evictOldest()).toBe(false);
    expect(sealedIn(disk).length).toBeGreaterThan(25);
    expect(dropped).toEqual([]);
  });

  it.for([
    ['cannot be opened', 'open', 'ledger.ndjson', 'EACCES'],
    ['cannot be locked', 'open', 'ledger.lock', 'EMFILE'],
  ] as const)('costs no segment while the ledger %s', async ([, name, file, code]) => {
    const scene = createScene();
    await sealMany(scene, 9);
    const { keeper, dropped, disk, warnings } = await keep(scene, keepFiles(9));
    disk.failNext((operation) => operation.name === name && operation.path.endsWith(file), code, { times: Infinity });
    expect(await keeper.evictOldest()).toBe(false);
    expect(await keeper.evictOldest()).toBe(false);
    expect(sealedIn(disk)).toHaveLength(9);
    expect(textOf(disk, pathOf({}, 'ndjson'))).not.toBe('');
    expect(dropped).toEqual([]);
    expect(warnings).toMatchObject([['a segment could not be removed', { segment: idOf() }]]);
  });

  it('without a free inode has a ledger from better days', async () => {
    const scene = createScene();
    await sealMany(scene, 3);
    const { keeper, dropped, disk } = await keep(scene, keepFiles(9));
    disk.maxFiles = disk.files().size + 1;
    expect(await keeper.evictOldest()).toBe(true);
    expect(dropped).toMatchObject([{ id: idOf(), reason: DISK_FULL_REASON }]);
  });

  it('lists anew first, so that it gives up only what is there', async () => {
    const scene = createScene();
    await sealMany(scene, 1);
    const { keeper, dropped } = await keep(scene, keepFiles(99));
    await (await lease(scene, 0)).settle({ status: 'delivered' });
    await sealSegment(scene.spool, { first: 1 });
    expect(await keeper.evictOldest()).toBe(true);
    expect(dropped.map(({ id }) => id)).toEqual([idOf({ first: 1 })]);
  });
});

describe("a policy's mistake", () => {
  const mistakes: readonly (readonly [what: string, select: () => unknown, error: string])[] = [
    [
      'throws',
      () => {
        throw new Error('no idea');
      },
      'no idea',
    ],
    [
      'throws no error',
      () => {
        // biome-ignore lint/style/useThrowOnlyError: a policy of somebody else may.
        throw 'no idea';
      },
      'no idea',
    ],
    ['returns nothing', () => undefined, 'must return an array'],
    ['returns ids alone', () => [idOf()], 'must return an array'],
    ['returns null in it', () => [null], 'must return an array'],
    ['gives no reason', () => [{ id: idOf() }], 'must return an array'],
  ];

  it.for(mistakes)('costs no event and no write, where it %s', async ([, select, error]) => {
    const scene = createScene();
    await sealMany(scene, 2);
    const { keeper, dropped, warnings, errors, disk } = await keep(scene, { select } as unknown as RetentionPolicy);
    await keeper.makeRoom();
    const entry = ['the retention policy failed; nothing is given up by it', { error: expect.stringContaining(error) }];
    expect(errors).toEqual([entry, entry]);
    expect([dropped, warnings]).toEqual([[], []]);
    expect(sealedIn(disk)).toHaveLength(2);
  });
});

describe('a check that fails', () => {
  it('is made again, and the writer hears of its own', async () => {
    const scene = createScene();
    await sealMany(scene, 2);
    scene.disk.failNext('list', 'EIO');
    const { keeper, dropped, clock, warnings, disk } = await keep(scene, keepFiles(1));
    expect(warnings).toEqual([
      ['the limits of the spool could not be checked', { error: expect.stringContaining('Cannot list') }],
    ]);
    await clock.advanceAsync(RETENTION_INTERVAL_MS);
    expect(dropped).toHaveLength(1);
    keeper.noteSealed(await sealSegment(scene.spool, { first: 2 }));
    clock.advance(FRESH_LISTING_MS);
    disk.failNext('list', 'EIO');
    await expect(keeper.makeRoom()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    await keeper.makeRoom();
    expect(dropped).toHaveLength(2);
  });

  it('gives nothing up any more once it was closed', async () => {
    const scene = createScene();
    await sealMany(scene, 9);
    const gate = scene.disk.hold(({ name, to }) => name === 'rename' && to?.endsWith('.gone') === true);
    const { keeper, disk, dropped } = await keep(scene, keepFiles(2));
    await gate.reached();
    let isClosed = false;
    const closing = keeper.close().then(() => {
      isClosed = true;
    });
    await scene.clock.advanceAsync(0);
    expect(isClosed).toBe(false);
    gate.release();
    await closing;
    expect(dropped).toHaveLength(1);
    await keeper.makeRoom(1);
    expect(await keeper.evictOldest()).toBe(false);
    await scene.clock.advanceAsync(RETENTION_INTERVAL_MS);
    expect(sealedIn(disk)).toHaveLength(8);
  });

  it('while it closes begins no other', async () => {
    const scene = createScene();
    const { keeper, clock } = await keep(scene, keepFiles(1));
    const gate = scene.disk.hold('list');
    await clock.advanceAsync(RETENTION_INTERVAL_MS);
    await gate.reached();
    const closing = keeper.close();
    gate.release();
    await closing;
    await clock.advanceAsync(0);
    expect(clock.pendingTimers).toEqual([]);
  });
});

describe('the cost of a check', () => {
  it.for([10, 2000])('does not grow with the spool: %i segments', async (count) => {
    const scene = createScene();
    for (const first of numbersFrom(0, count)) scene.disk.placeFile(pathOf({ first }, 'ndjson'), 'x');
    const { disk, keeper, clock, dropped } = await keep(scene, keepFiles(count));
    const operations = operationsOn(disk);
    await keeper.makeRoom();
    expect(operations).toEqual([]);
    // One too many: a listing, and what one removal takes.
    keeper.noteSealed(await sealSegment(scene.spool, { first: count }));
    clock.advance(FRESH_LISTING_MS);
    operations.length = 0;
    await keeper.makeRoom();
    expect(dropped).toHaveLength(1);
    expect(operations.filter(({ name }) => name === 'list')).toHaveLength(1);
    expect(operations.length).toBeLessThan(40);
  });
});
