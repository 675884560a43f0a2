// Goal: one run brings any spool in order, a second one finds nothing to do, and neither reads what is sealed.
import { join } from 'node:path';
import { SimulatedDisk, settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { FileSegmentStore, type RecoveryReport, recoverSpool } from '../src/index.ts';
import { LineSerializer, linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  leaveFile,
  ledgerOf,
  metadataOf,
  namesIn,
  numbersFrom,
  openSpool,
  operationsOn,
  pathOf,
  recover,
  reportOf,
  rightBefore,
  SPOOL,
  sealSegment,
  serializer,
  textOf,
  whileTimePasses,
  writeSegment,
} from './scene.ts';

const id = idOf();

describe('recoverSpool', () => {
  it('finds nothing to do in an empty spool', async () => {
    expect(await recover(createScene())).toEqual(reportOf({ newestSegmentAtMs: 0 }));
  });

  it('reports how long it took, on the monotonic clock', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    rightBefore(
      scene.disk,
      ({ name }) => name === 'rename',
      () => scene.clock.advance(250),
    );
    expect((await recover(scene)).durationMs).toBe(250);
  });

  it('says where the directory cannot be listed', async () => {
    const scene = createScene();
    scene.disk.failNext('list', 'EIO');
    await expect(recover(scene)).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'list', path: SPOOL, systemCode: 'EIO' },
    });
  });

  it('lets one file that cannot be dealt with harm nobody else, and tries it again', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    leaveFile(scene.disk, linesOf(1), { first: 1 });
    scene.disk.failNext(({ name, to }) => name === 'rename' && to === pathOf({}, 'ndjson'), 'EACCES');
    expect(await recover(scene)).toEqual(
      reportOf({
        filesScanned: 2,
        segmentsRecovered: 1,
        eventsSalvaged: 1,
        newestSegmentAtMs: CREATED_MS + 1,
        problems: [{ fileName: `${id}.ndjson.open`, reason: expect.stringContaining('EACCES') }],
      }),
    );
    expect(await recover(scene)).toEqual(
      reportOf({ segmentsRecovered: 1, eventsSalvaged: 1, newestSegmentAtMs: CREATED_MS + 1 }),
    );
  });

  it('names what is thrown where it is no error', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    const broken = new LineSerializer();
    Object.defineProperty(broken, 'format', {
      get: () => {
        // biome-ignore lint/style/useThrowOnlyError: a serializer of somebody else may.
        throw 'no format';
      },
    });
    const { problems } = await recoverSpool(scene.spool, [broken]);
    expect(problems).toEqual([{ fileName: `${id}.ndjson.open`, reason: 'no format' }]);
  });

  it('says where kernel locks do not work, and touches nothing', async () => {
    const disk = new SimulatedDisk();
    createScene(disk);
    const without = new SimulatedDisk({ locks: 'unavailable' });
    for (const [path, bytes] of disk.files()) without.placeFile(path, bytes);
    const scene = createScene(without);
    leaveFile(without, linesOf(0));
    const before = without.files();
    const report = await recover(scene).catch((error: unknown) => error);
    expect(report).toMatchObject({ code: 'RELAY_LOCK_UNAVAILABLE' });
    expect(without.files()).toEqual(before);
  });

  it('reads no byte of what is sealed, and one listing is all that a quiet spool costs', async () => {
    const scene = createScene();
    for (const first of numbersFrom(0, 50)) await sealSegment(scene.spool, { first });
    leaveFile(scene.disk, linesOf(50, 51), { first: 50 });
    const operations = operationsOn(scene.disk);
    await recover(scene);
    const touched = operations.filter(({ path }) => path !== SPOOL && !path.startsWith(pathOf({ first: 50 }, '')));
    // Whether there is a quarantine is asked once.
    const besides = touched.filter(({ path }) => !path.includes('ledger') && path !== `${SPOOL}/quarantine`);
    expect(besides).toEqual([]);

    operations.length = 0;
    await recover(scene);
    // However many segments there are: the ledger, the rest of its folding, and the quarantine are asked for once.
    expect(operations.map(({ name }) => name).sort()).toEqual(['list', 'stat', 'stat', 'stat']);
  });
});

describe('a second recovery', () => {
  it('finds everything in order, whatever the first one found', async () => {
    const scene = createScene();
    const { disk } = scene;
    leaveFile(disk, linesOf(0));
    leaveFile(disk, `x\n{"n":2}\n`, { first: 1 });
    leaveFile(disk, 'bad', { first: 10 });
    leaveFile(disk, linesOf(20), { first: 20, isAtomic: true });
    leaveFile(disk, '', { first: 30 });
    for (const first of [40, 50, 60]) await sealSegment(scene.spool, { first });
    disk.removeSync(pathOf({ first: 40 }, 'meta.json'));
    disk.removeSync(pathOf({ first: 50 }, 'ndjson'));
    disk.renameSync(pathOf({ first: 60 }, 'ndjson'), pathOf({ first: 60 }, 'age.gone'));
    const first = await recover(scene);
    expect(first).toEqual(
      reportOf({
        filesScanned: 4,
        segmentsRecovered: 2,
        eventsSalvaged: 2,
        framesSkipped: 1,
        filesQuarantined: 2,
        metadataRebuilt: 1,
        segmentsMissing: 1,
        removalsFinished: 1,
        newestSegmentAtMs: CREATED_MS + 60,
      }),
    );
    const files = new Map([...disk.files()].map(([path, bytes]) => [path, bytes.slice()]));
    const second = await recover(scene);
    expect(second).toEqual(reportOf({ newestSegmentAtMs: CREATED_MS + 40 }));
    expect(new Map(disk.files())).toEqual(files);
  });
});

describe('two recoveries at once', () => {
  it.for([1, 2, 3, 4, 5, 6, 7, 8])('recover each file once, seed %i', async (seed) => {
    const disk = new SimulatedDisk({ seed });
    const { clock } = createScene(disk);
    for (const first of numbersFrom(0, 8)) leaveFile(disk, linesOf(first), { first });
    leaveFile(disk, 'x\n{"n":8}\n', { first: 8 });
    leaveFile(disk, 'bad', { first: 9 });
    const both = ['one', 'two'].map((name) => recover({ spool: openSpool(disk.process(name), clock) }));
    const reports = await whileTimePasses(clock, Promise.all(both));
    const sum = (key: 'segmentsRecovered' | 'eventsSalvaged' | 'filesQuarantined' | 'filesScanned') =>
      reports.reduce((total, report: RecoveryReport) => total + report[key], 0);
    expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
    expect([sum('segmentsRecovered'), sum('eventsSalvaged'), sum('filesQuarantined')]).toEqual([9, 9, 2]);
    expect(sum('filesScanned')).toBe(10);
    for (const first of numbersFrom(0, 8)) expect(metadataOf(disk, { first }).eventCount).toBe(1);
    expect(
      namesIn(disk).filter((name) => /\.(open|salvage|tmp)$/.test(name) && !name.startsWith('quarantine')),
    ).toEqual([]);
    expect(ledgerOf(disk)).toHaveLength(2);
  });
});

describe('a sealed segment without metadata', () => {
  it('gets it back from a scan, and is held', async () => {
    const scene = createScene();
    const original = await sealSegment(scene.spool, { events: 3 });
    scene.disk.removeSync(pathOf({}, 'meta.json'));
    scene.clock.advance(5000);
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, metadataRebuilt: 1 }));
    expect(metadataOf(scene.disk)).toEqual({
      ...original,
      sealedAt: '2026-01-01T00:00:05.000Z',
      sealReason: 'recovered',
      exportReady: false,
      heldReason: 'metadataLost',
    });
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(scene.disk.process().openFileSync(pathOf({}, 'ndjson'), 'readWrite').tryLock()).toBe(true);
  });

  it('counts what is whole, and keeps its bytes as they are', async () => {
    const scene = createScene();
    scene.disk.placeFile(pathOf({}, 'ndjson'), '{"n":0}\nbad\n{"n":2}\n{"n"');
    await recover(scene);
    expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 2, bytes: 24 });
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe('{"n":0}\nbad\n{"n":2}\n{"n"');
  });

  it('waits where its format is not known here', async () => {
    const { disk, spool } = createScene();
    await sealSegment(spool, { fileExtension: 'ndjson.gz' });
    disk.removeSync(pathOf({}, 'meta.json'));
    expect(await recoverSpool(spool, [serializer])).toEqual(
      reportOf({
        filesWaiting: 1,
        problems: [{ fileName: `${id}.ndjson.gz`, reason: 'left without metadata: no serializer for .ndjson.gz' }],
      }),
    );
    expect(namesIn(disk)).toEqual([`${id}.ndjson.gz`]);
  });

  it('is left to whoever holds it', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.removeSync(pathOf({}, 'meta.json'));
    const holder = scene.disk.process('holder').openFileSync(pathOf({}, 'ndjson'), 'readWrite');
    expect(holder.tryLock()).toBe(true);
    expect(await recover(scene)).toEqual(reportOf({}));
    holder.closeSync();
    expect(await recover(scene)).toMatchObject({ metadataRebuilt: 1 });
  });
});

describe('metadata without its segment', () => {
  it('is accounted for: somebody deleted the file', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { first: 3, events: 2 });
    scene.disk.removeSync(pathOf({ first: 3 }, 'ndjson'));
    scene.disk.placeFile(pathOf({ first: 3 }, 'export.json'), '{}');
    expect(await recover(scene)).toEqual(reportOf({ segmentsMissing: 1, newestSegmentAtMs: CREATED_MS + 3 }));
    expect(ledgerOf(scene.disk)).toEqual([
      {
        kind: 'segment',
        id: idOf({ first: 3 }),
        outcome: 'dropped',
        reason: 'missing',
        firstSequence: 3,
        eventCount: 2,
        bytes: 16,
        at: '2026-01-01T00:00:00.000Z',
      },
    ]);
    expect(namesIn(scene.disk)).toEqual([]);
  });

  it('of an emptied file goes after the file, which may still come back', async () => {
    // What was in the file stands in another segment by now; whoever removed it died before that was durable.
    const scene = createScene();
    const { disk } = scene;
    const metadata = { ...writeSegment(scene.spool, { events: 0 }).describe('failure'), sha256: '0'.repeat(64) };
    disk.placeFile(pathOf({}, 'ndjson.open'), linesOf(0));
    disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify(metadata));
    disk.removeSync(pathOf({}, 'ndjson.open'));
    const states: SimulatedDisk[] = [];
    const stop = disk.onEveryStep((snapshot) => states.push(...snapshot.crashes({ maxOutcomes: 64 })));
    expect(await recover(scene)).toEqual(reportOf({}));
    stop();
    expect(states.length).toBeGreaterThan(4);
    for (const state of [disk, ...states]) {
      await recover({ spool: openSpool(state) });
      expect(namesIn(state), state.describe()).toEqual([]);
    }
  });

  it('goes without a record where the ledger has one', async () => {
    const scene = createScene();
    const { firstSequence, eventCount, bytes } = await sealSegment(scene.spool);
    const at = '2026-01-01T00:00:00.000Z';
    await scene.spool.ledger.record({
      kind: 'segment',
      id,
      outcome: 'delivered',
      firstSequence,
      eventCount,
      bytes,
      at,
    });
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(namesIn(scene.disk)).toEqual([]);
    expect(ledgerOf(scene.disk)).toHaveLength(1);
  });

  it('that cannot be read stays: there is nothing to look for', async () => {
    const scene = createScene();
    scene.disk.placeFile(pathOf({}, 'meta.json'), '');
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(namesIn(scene.disk)).toEqual([`${id}.meta.json`]);
    expect(ledgerOf(scene.disk)).toEqual([]);
  });

  it.for(['ndjson.open', 'ndjson.atomic', 'ndjson', 'ndjson.salvage'])(
    'is not missing where the listing only came too early for .%s',
    async (suffix) => {
      const scene = createScene();
      await sealSegment(scene.spool);
      scene.disk.removeSync(pathOf({}, 'ndjson'));
      rightBefore(
        scene.disk,
        ({ name, path }) => name === 'open' && path === pathOf({}, 'meta.json'),
        () => scene.disk.placeFile(pathOf({}, suffix), linesOf(0)),
      );
      expect(await recover(scene)).toMatchObject({ segmentsMissing: 0, problems: [] });
      expect(ledgerOf(scene.disk)).toEqual([]);
    },
  );

  it('is not missing where one or two listings fell into its renames, on its way out', async () => {
    for (const blindListings of [1, 2]) {
      const scene = createScene();
      await sealSegment(scene.spool);
      const exporter = openSpool(scene.disk.process('exporter'), scene.clock);
      const attempt = await new FileSegmentStore(exporter, [serializer]).lease(id);
      if (attempt.status !== 'leased') throw new Error(`the segment is ${attempt.status}`);
      // Renamed, and not recorded yet.
      const gate = scene.disk.hold(({ process, name }) => process === 'exporter' && name === 'syncDirectory');
      const settling = attempt.lease.settle({ status: 'delivered', receipt: 'r-1' });
      await settle();
      const other = scene.disk.process('other');
      const list = other.list.bind(other);
      let listings = 0;
      other.list = async (directory) => {
        const names = await list(directory);
        listings += 1;
        return listings > blindListings ? names : names.filter((name) => !/\.(ndjson|gone)$/.test(name));
      };
      const report = await recoverSpool(openSpool(other, scene.clock), [serializer]);
      expect(report).toMatchObject({ segmentsMissing: 0, problems: [] });
      gate.release();
      await settling;
      expect(ledgerOf(scene.disk)).toMatchObject([{ id, outcome: 'delivered', receipt: 'r-1' }]);
    }
  });

  it('is not missing where it was settled while recovery looked', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    const at = '2026-01-01T00:00:00.000Z';
    const record = { kind: 'segment', id, outcome: 'delivered', firstSequence: 0, eventCount: 1, bytes: 8, at };
    rightBefore(
      scene.disk,
      ({ name, path }) => name === 'stat' && path === pathOf({}, 'ndjson'),
      () => scene.disk.placeFile(join(SPOOL, 'ledger.ndjson'), `${JSON.stringify(record)}\n`),
    );
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(ledgerOf(scene.disk)).toEqual([record]);
    expect(namesIn(scene.disk)).toEqual([]);
  });

  it('is not missing where its removal was finished while recovery looked', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    rightBefore(
      scene.disk,
      ({ name, path }) => name === 'stat' && path === pathOf({}, 'ndjson'),
      () => scene.disk.removeSync(pathOf({}, 'meta.json')),
    );
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(ledgerOf(scene.disk)).toEqual([]);
  });
});

describe('a removal that a crash cut off', () => {
  it.for([
    ['delivered.gone', { outcome: 'delivered' }],
    ['totalBytes.gone', { outcome: 'dropped', reason: 'totalBytes' }],
  ] as const)('is finished: .%s', async ([suffix, expected]) => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    scene.disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, suffix));
    scene.disk.placeFile(pathOf({}, 'export.json'), '{}');
    expect(await recover(scene)).toEqual(reportOf({ removalsFinished: 1 }));
    const facts = { kind: 'segment', id, firstSequence: 0, eventCount: 2, bytes: 16 };
    expect(ledgerOf(scene.disk)).toEqual([{ ...facts, ...expected, at: '2026-01-01T00:00:00.000Z' }]);
    expect(namesIn(scene.disk)).toEqual([]);
  });

  it('leaves the record that was made before', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'age.gone'));
    scene.disk.failNext(({ name, path }) => name === 'remove' && path.endsWith('.gone'), 'EIO');
    expect(await recover(scene)).toMatchObject({ removalsFinished: 0, problems: [{ fileName: `${id}.age.gone` }] });
    expect(await recover(scene)).toEqual(reportOf({ removalsFinished: 1 }));
    expect(ledgerOf(scene.disk)).toMatchObject([{ outcome: 'dropped', reason: 'age', eventCount: 1 }]);
    expect(ledgerOf(scene.disk)).toHaveLength(1);
  });

  it('is finished without metadata', async () => {
    const scene = createScene();
    scene.disk.placeFile(pathOf({ first: 7 }, 'age.gone'), 'xyz');
    await recover(scene);
    expect(ledgerOf(scene.disk)).toMatchObject([{ outcome: 'dropped', firstSequence: 7, eventCount: 0, bytes: 3 }]);
  });

  it('is left to whoever is at it', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    scene.disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'age.gone'));
    const holder = scene.disk.process('holder').openFileSync(pathOf({}, 'age.gone'), 'readWrite');
    holder.tryLock();
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(ledgerOf(scene.disk)).toEqual([]);
  });
});

describe('a sealed segment that the ledger has', () => {
  it('is moved to quarantine with its metadata: the record came before the move', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    const facts = { id, firstSequence: 0, eventCount: 1, bytes: 8, at: '2026-01-01T00:00:00.000Z' } as const;
    await scene.spool.ledger.record({ kind: 'segment', outcome: 'quarantined', reason: 'http 413', ...facts });
    expect(await recover(scene)).toEqual(reportOf({ removalsFinished: 1 }));
    expect(namesIn(scene.disk)).toEqual([`quarantine/${id}.meta.json`, `quarantine/${id}.ndjson`]);
    expect(ledgerOf(scene.disk)).toHaveLength(1);
  });
});

describe('names that somebody else placed', () => {
  const suffixes = ['ndjson.open', 'ndjson.atomic', 'ndjson', 'age.gone', 'ndjson.salvage', 'meta.json', 'export.json'];
  it.for(suffixes)(
    'a directory, a FIFO, a link in the place of .%s: nothing is touched or followed',
    async (suffix) => {
      const scene = createScene();
      const { disk } = scene;
      disk.placeFile('/elsewhere/secret', linesOf(1));
      disk.placeDirectory(pathOf({ first: 0 }, suffix));
      disk.placeOther(pathOf({ first: 1 }, suffix));
      disk.placeSymlink(pathOf({ first: 2 }, suffix), '/elsewhere/secret');
      await sealSegment(scene.spool, { first: 9 });
      leaveFile(disk, linesOf(10), { first: 10 });
      const report = await recover(scene);
      expect(report).toMatchObject({
        segmentsRecovered: 1,
        metadataRebuilt: 0,
        filesQuarantined: 0,
        segmentsMissing: 0,
      });
      expect(textOf(disk, '/elsewhere/secret')).toBe('{"n":1}\n');
      expect(disk.statSync(pathOf({ first: 0 }, suffix))?.kind).toBe('directory');
      expect(ledgerOf(disk)).toEqual([]);
      expect(textOf(disk, pathOf({ first: 9 }, 'ndjson'))).toBe('{"n":9}\n');
      expect(textOf(disk, pathOf({ first: 10 }, 'ndjson'))).toBe('{"n":10}\n');
    },
  );

  it('that are not ours are left alone', async () => {
    const scene = createScene();
    const names = [
      'notes.txt',
      '.open',
      `x${id}.ndjson`,
      `${id}`,
      `${id}.NDJSON`,
      `${id}.a.b.c.d.e`,
      `${id}.ndjson.open/../x`.replaceAll('/', ':'),
    ];
    for (const name of names) scene.disk.placeFile(join(SPOOL, name), 'mine');
    const operations = operationsOn(scene.disk);
    expect(await recover(scene)).toEqual(reportOf({ newestSegmentAtMs: 0 }));
    const touched = operations.filter(({ path }) => names.some((name) => path.includes(name)));
    expect(touched).toEqual([]);
  });
});

describe('metadata from a stranger', () => {
  it.for(['continuedIn', 'supersedes'])('cannot name a path: %s', async (member) => {
    const scene = createScene();
    const { disk } = scene;
    disk.placeFile('/elsewhere/x.ndjson.salvage', 'theirs');
    const metadata = await sealSegment(scene.spool);
    disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'ndjson.open'));
    disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, [member]: '../elsewhere/x' }));
    expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, problems: [] });
    expect(textOf(disk, '/elsewhere/x.ndjson.salvage')).toBe('theirs');
    expect(metadataOf(disk)).not.toHaveProperty(member);
  });
});
