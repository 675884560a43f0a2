// Goal: whatever a dead writer left, recovery keeps every intact event once, counts what it cuts, and moves damage aside.
// Method: the file a crash would leave is placed on a simulated disk; the spool and the report are compared as a whole.
import { createHash } from 'node:crypto';
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it, vi } from 'vitest';
import { recoverSpool, Spool } from '../src/index.ts';
import { salvageId } from '../src/salvage.ts';
import { LAST_NAMEABLE_MS } from '../src/segment-id.ts';
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
  SPOOL,
  sealSegment,
  serializer,
  textOf,
  WRITER,
  writeSegment,
} from './scene.ts';

const id = idOf();
const text = (...numbers: number[]) => new TextDecoder().decode(linesOf(...numbers));
const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');
const SALVAGED = { createdAtMs: CREATED_MS + 1, first: 0 };

describe('an unfinished file with whole events', () => {
  it('is sealed as it is, with metadata', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0, 1, 2));
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 3 }));
    expect(namesIn(scene.disk)).toEqual([`${id}.meta.json`, `${id}.ndjson`]);
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1, 2));
    expect(metadataOf(scene.disk)).toEqual({
      formatVersion: 1,
      id,
      spoolId: scene.spool.spoolId,
      writerId: WRITER,
      firstSequence: 0,
      eventCount: 3,
      bytes: 24,
      sha256: sha256(text(0, 1, 2)),
      format: serializer.format,
      createdAt: '2026-01-01T00:00:00.000Z',
      sealedAt: '2026-01-01T00:00:00.000Z',
      sealReason: 'recovered',
      exportReady: true,
    });
    expect(ledgerOf(scene.disk)).toEqual([]);
  });

  it('is durable afterwards: the process died, the kernel did not', async () => {
    const scene = createScene();
    writeSegment(openSpool(scene.disk.process('dead'), scene.clock), { events: 3 });
    const dead = scene.disk.snapshot().kill(1);
    const spool = openSpool(dead, scene.clock);
    await recover({ spool });
    const persisted = dead.persistedFiles();
    expect(new TextDecoder().decode(persisted.get(pathOf({}, 'ndjson')))).toBe(text(0, 1, 2));
    expect(persisted.has(pathOf({}, 'meta.json'))).toBe(true);
    expect(persisted.has(pathOf({}, 'ndjson.open'))).toBe(false);
  });

  it('is recovered byte for byte where it is larger than one read', async () => {
    const scene = createScene();
    const content = text(...numbersFrom(0, 60_000));
    leaveFile(scene.disk, `${content}{"torn`);
    const report = { filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 60_000, bytesCut: 6 };
    expect(await recover(scene)).toEqual(reportOf(report));
    expect(textOf(scene.disk, pathOf({}, 'ndjson')) === content).toBe(true);
    expect(metadataOf(scene.disk)).toMatchObject({ bytes: content.length, sha256: sha256(content) });
  });

  it('is durable afterwards though the last sync of its writer failed, which the kernel takes for done', async () => {
    let kept = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const disk = new SimulatedDisk({ seed });
      const { clock } = createScene(disk);
      const writer = disk.process('dead');
      const file = writeSegment(openSpool(writer, clock), { events: 3 });
      disk.failNext('sync', 'EIO', { landed: 'none' });
      await expect(file.sync()).rejects.toThrow('EIO');
      writer.kill();
      await recover({ spool: openSpool(disk, clock) });
      const recovered = disk.files().get(pathOf({}, 'ndjson'));
      if (!recovered) continue;
      kept += 1;
      for (const crashed of disk.snapshot().crashes()) {
        expect(crashed.files().get(pathOf({}, 'ndjson')), crashed.describe()).toEqual(recovered);
      }
    }
    expect(kept).toBeGreaterThan(3);
  });

  it('tells the scan that it may end anywhere', async () => {
    const { disk, spool } = createScene();
    leaveFile(disk, linesOf(0));
    const seen = new LineSerializer();
    await recoverSpool(spool, [seen]);
    expect(seen.scans).toEqual([{ spoolId: spool.spoolId, segmentId: id, isSealed: false }]);
  });

  it('of a living writer is left alone and counted', async () => {
    const scene = createScene();
    const rival = openSpool(scene.disk.process('rival'), scene.clock);
    const file = writeSegment(rival, { events: 2 });
    expect(await recover(scene)).toEqual(reportOf({ filesInUse: 1 }));
    expect(namesIn(scene.disk)).toEqual([`${id}.ndjson.open`]);
    await file.sync();
    await file.seal({ reason: 'bytes' });
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(metadataOf(scene.disk).sealReason).toBe('bytes');
  });
});

describe('the end of an unfinished file', () => {
  it.for([
    ['a line without its end', '{"n":2'],
    ['zeros', '\0'.repeat(4096)],
    ['a damaged last line', 'gar{bage\n'],
    ['a line with a NUL in it', '{"n":\0}\n'],
  ] as const)('is cut off: %s', async ([, tail]) => {
    const scene = createScene();
    leaveFile(scene.disk, `${text(0, 1)}${tail}`);
    expect(await recover(scene)).toEqual(
      reportOf({ filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 2, bytesCut: tail.length }),
    );
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
    expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 2, bytes: 16, sha256: sha256(text(0, 1)) });
  });

  it('is gone for good before the file bears its final name', async () => {
    const scene = createScene();
    leaveFile(scene.disk, `${text(0, 1)}{"n`);
    const sizes = new Set<number | undefined>();
    scene.disk.onEveryStep((snapshot) => {
      for (const crashed of snapshot.crashes({ maxOutcomes: 64 })) {
        const sealed = crashed.files().get(pathOf({}, 'ndjson'));
        if (sealed) sizes.add(sealed.byteLength);
      }
    });
    await recover(scene);
    expect([...sizes]).toEqual([16]);
  });
});

describe('an unfinished file without events', () => {
  it('is removed where it is empty, with what stands beside it', async () => {
    const scene = createScene();
    leaveFile(scene.disk, '');
    for (const name of ['meta.json', 'meta.json.tmp', 'export.json', 'export.json.tmp']) {
      scene.disk.placeFile(pathOf({}, name), '');
    }
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(namesIn(scene.disk)).toEqual([]);
    expect(ledgerOf(scene.disk)).toEqual([]);
  });

  it.for([1, 3, 7, 300 * 1024])(
    'is removed where it is all zeros, which a file system leaves of a write it never made: %i',
    async (sizeBytes) => {
      const scene = createScene();
      leaveFile(scene.disk, new Uint8Array(sizeBytes));
      expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, bytesCut: sizeBytes }));
      expect(namesIn(scene.disk)).toEqual([]);
    },
  );

  it.for([1, 2, 3, 5, 8])('goes to quarantine where the last of its %i bytes is something else', async (sizeBytes) => {
    const scene = createScene();
    const content = new Uint8Array(sizeBytes);
    content[content.length - 1] = 1;
    leaveFile(scene.disk, content);
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, filesQuarantined: 1 }));
  });

  it('goes to quarantine where anything else is in it', async () => {
    const scene = createScene();
    const content = new Uint8Array(300 * 1024);
    content[content.length - 1] = 1;
    leaveFile(scene.disk, content);
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, filesQuarantined: 1 }));
    expect(namesIn(scene.disk)).toEqual([`quarantine/${id}.ndjson.open`]);
    expect(scene.disk.files().get(`${SPOOL}/quarantine/${id}.ndjson.open`)).toEqual(content);
    expect(ledgerOf(scene.disk)).toEqual([
      {
        kind: 'segment',
        id,
        outcome: 'quarantined',
        reason: 'nothing in it is readable',
        firstSequence: 0,
        eventCount: 0,
        bytes: content.length,
        at: '2026-01-01T00:00:00.000Z',
      },
    ]);
  });
});

describe('damage in front of intact events', () => {
  it.for([
    ['first', `broken\n${text(1, 2)}`, text(1, 2), 1],
    ['middle', `${text(0)}bro\0ken\n${text(2)}`, text(0, 2), 1],
    ['more than one', `x\n${text(1)}x\n${text(3)}{"n":`, text(1, 3), 2],
  ] as const)(
    '%s: what is intact moves to a new segment, the file to quarantine whole',
    async ([, content, kept, holes]) => {
      const scene = createScene();
      leaveFile(scene.disk, content);
      expect(await recover(scene)).toEqual(
        reportOf({
          filesScanned: 1,
          segmentsRecovered: 1,
          eventsSalvaged: 2,
          framesSkipped: holes,
          filesQuarantined: 1,
        }),
      );
      const salvaged = idOf(SALVAGED);
      expect(salvaged).toBe(salvageId(id, 0));
      expect(namesIn(scene.disk)).toEqual([
        `${salvaged}.meta.json`,
        `${salvaged}.ndjson`,
        `quarantine/${id}.ndjson.open`,
      ]);
      expect(textOf(scene.disk, pathOf(SALVAGED, 'ndjson'))).toBe(kept);
      expect(textOf(scene.disk, `${SPOOL}/quarantine/${id}.ndjson.open`)).toBe(content);
      expect(metadataOf(scene.disk, SALVAGED)).toEqual({
        formatVersion: 1,
        id: salvaged,
        spoolId: scene.spool.spoolId,
        writerId: WRITER,
        firstSequence: 0,
        eventCount: 2,
        bytes: kept.length,
        sha256: sha256(kept),
        format: serializer.format,
        createdAt: '2026-01-01T00:00:00.001Z',
        sealedAt: '2026-01-01T00:00:00.000Z',
        sealReason: 'salvaged',
        exportReady: true,
        supersedes: id,
      });
      expect(ledgerOf(scene.disk)).toMatchObject([
        { id, outcome: 'quarantined', reason: 'damaged', firstSequence: 0, eventCount: 0, bytes: content.length },
      ]);
      expect(await recover(scene)).toEqual(reportOf({ newestSegmentAtMs: CREATED_MS + 1 }));
    },
  );

  it('is written frame by frame into its new place where the format asks for that', async () => {
    const { disk, spool } = createScene();
    leaveFile(disk, `x\n${text(1, 2)}x\n${text(4)}`);
    await recoverSpool(spool, [new LineSerializer({ reframes: true })]);
    const salvaged = idOf(SALVAGED);
    const events = textOf(disk, pathOf(SALVAGED, 'ndjson'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toEqual([
      { n: 1, segmentId: salvaged, frameIndex: 0 },
      { n: 2, segmentId: salvaged, frameIndex: 1 },
      { n: 4, segmentId: salvaged, frameIndex: 2 },
    ]);
    expect(metadataOf(disk, SALVAGED)).toMatchObject({ eventCount: 3 });
  });

  it('is salvaged once, where a crash came between the new segment and the quarantine', async () => {
    const scene = createScene();
    const content = `x\n${text(1)}`;
    leaveFile(scene.disk, content);
    scene.disk.failNext(({ name, to }) => name === 'rename' && to?.includes('quarantine') === true, 'EIO');
    const first = await recover(scene);
    expect(first.problems).toMatchObject([{ fileName: `${id}.ndjson.open`, reason: expect.stringContaining('EIO') }]);
    // As after a power cut before the record.
    scene.disk.removeSync(`${SPOOL}/ledger.ndjson`);
    const again = createScene(scene.disk, scene.clock);
    expect(await recover(again)).toEqual(
      reportOf({ filesScanned: 1, framesSkipped: 1, filesQuarantined: 1, newestSegmentAtMs: CREATED_MS + 1 }),
    );
    expect(metadataOf(scene.disk, SALVAGED).eventCount).toBe(1);
  });

  it('is not salvaged again once the new segment is delivered', async () => {
    const scene = createScene();
    const content = `x\n${text(1)}`;
    leaveFile(scene.disk, content);
    await scene.spool.ledger.record({
      kind: 'segment',
      id: salvageId(id, 0),
      outcome: 'delivered',
      firstSequence: 0,
      eventCount: 1,
      bytes: 8,
      at: '2026-01-01T00:00:00.000Z',
    });
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, framesSkipped: 1, filesQuarantined: 1 }));
    expect(namesIn(scene.disk)).toEqual([`quarantine/${id}.ndjson.open`]);
  });

  it('costs nobody else anything: a bad oldest file in front of good ones', async () => {
    const scene = createScene();
    leaveFile(scene.disk, 'all of it is bad');
    await sealSegment(scene.spool, { first: 10 });
    leaveFile(scene.disk, linesOf(20, 21), { first: 20 });
    expect(await recover(scene)).toEqual(
      reportOf({
        filesScanned: 2,
        filesQuarantined: 1,
        segmentsRecovered: 1,
        eventsSalvaged: 2,
        newestSegmentAtMs: CREATED_MS + 20,
      }),
    );
    expect(textOf(scene.disk, pathOf({ first: 10 }, 'ndjson'))).toBe(text(10));
    expect(textOf(scene.disk, pathOf({ first: 20 }, 'ndjson'))).toBe(text(20, 21));
  });
});

describe('a file that cannot be judged', () => {
  it('is recovered by the next look, whatever error it was', async () => {
    for (const code of ['EIO', 'EINTR', 'EAGAIN', 'ENOMEM', 'EMFILE'] as const) {
      const scene = createScene();
      leaveFile(scene.disk, linesOf(0, 1));
      scene.disk.failNext(({ name, path }) => name === 'read' && path.endsWith('.open'), code);
      const problems = [{ fileName: `${id}.ndjson.open`, reason: expect.stringContaining(code) }];
      expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, problems }));
      expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 2, problems: [] });
      expect(ledgerOf(scene.disk)).toEqual([]);
    }
  });

  it('is never given up for what the disk has no part in', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    scene.disk.failNext(({ name, path }) => name === 'read' && path.endsWith('.open'), 'ENOMEM', { times: 9 });
    for (let look = 0; look < 9; look += 1) expect((await recover(scene)).problems).toHaveLength(1);
    expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, problems: [] });
  });

  it('begins to count anew once it was read', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    const isRead = ({ name, path }: { name: string; path: string }) => name === 'read' && path.endsWith('.open');
    for (let round = 0; round < 3; round += 1) {
      scene.disk.failNext(isRead, 'EIO', { times: 2 });
      await recover(scene);
      await recover(scene);
      await recoverSpool(scene.spool, [new LineSerializer({ missingKeyId: 'k1' })]);
    }
    expect(namesIn(scene.disk)).toEqual([`${id}.ndjson.open`]);
  });

  it('goes to quarantine where the disk cannot read it, in three looks in a row', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0));
    scene.disk.failNext(({ name, path }) => name === 'read' && path.endsWith('.open'), 'EIO', { times: 3 });
    expect((await recover(scene)).problems).toHaveLength(1);
    expect((await recover(scene)).problems).toHaveLength(1);
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, filesQuarantined: 1 }));
    expect(namesIn(scene.disk)).toEqual([`quarantine/${id}.ndjson.open`]);
    expect(ledgerOf(scene.disk)).toMatchObject([
      { outcome: 'quarantined', reason: expect.stringMatching(/^unreadable: EIO/) },
    ]);
  });

  it('waits where a scan throws, for a version that does not', async () => {
    const { disk, spool } = createScene();
    leaveFile(disk, linesOf(0));
    const broken = new LineSerializer();
    broken.scan = () => Promise.reject('no reason');
    for (let look = 0; look < 9; look += 1) {
      const { problems } = await recoverSpool(spool, [broken]);
      expect(problems).toEqual([{ fileName: `${id}.ndjson.open`, reason: 'no reason' }]);
    }
    expect(await recover({ spool })).toMatchObject({ segmentsRecovered: 1, problems: [] });
  });

  it('waits where its format is not known here, and is recovered by who knows it', async () => {
    const scene = createScene();
    const path = leaveFile(scene.disk, linesOf(0), { fileExtension: 'ndjson.gz' });
    const fileName = `${id}.ndjson.gz.open`;
    expect(await recover(scene)).toEqual(
      reportOf({
        filesScanned: 1,
        filesWaiting: 1,
        problems: [{ fileName, reason: 'left as it is: no serializer for .ndjson.gz is known here' }],
      }),
    );
    expect(textOf(scene.disk, path)).toBe(text(0));
    const known = await recoverSpool(scene.spool, [serializer, new LineSerializer({ fileExtension: 'ndjson.gz' })]);
    expect(known).toMatchObject({ segmentsRecovered: 1, filesWaiting: 0, problems: [] });
  });

  it('waits where its key is missing', async () => {
    const { disk, spool } = createScene();
    const path = leaveFile(disk, linesOf(0));
    const report = await recoverSpool(spool, [new LineSerializer({ missingKeyId: 'k1' })]);
    expect(report).toEqual(
      reportOf({
        filesScanned: 1,
        filesWaiting: 1,
        problems: [{ fileName: `${id}.ndjson.open`, reason: 'left as it is: the key k1 is missing' }],
      }),
    );
    expect(textOf(disk, path)).toBe(text(0));
  });
});

describe('a file of which no frame opens', () => {
  const other = 'f'.repeat(32);

  it('waits, with the key that should open it named, and is recovered once it opens', async () => {
    const scene = createScene();
    const path = leaveFile(scene.disk, linesOf(0));
    const closed = new LineSerializer({ boundTo: other });
    const report = await recoverSpool(scene.spool, [closed]);
    expect(report).toEqual(
      reportOf({
        filesScanned: 1,
        filesWaiting: 1,
        problems: [
          { fileName: `${id}.ndjson.open`, reason: expect.stringMatching(/opens with the key k1.*other bytes/) },
        ],
      }),
    );
    expect(report.problems[0]?.reason).toContain(scene.spool.spoolId);
    expect(textOf(scene.disk, path)).toBe(text(0));
    expect(ledgerOf(scene.disk)).toEqual([]);
    expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 1, problems: [] });
  });

  it('waits, with the spool named that it belongs to, where metadata beside it knows that', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { first: 5 });
    const metadata = { ...metadataOf(scene.disk, { first: 5 }), spoolId: other };
    scene.disk.placeFile(pathOf({ first: 5 }, 'meta.json'), JSON.stringify(metadata));
    leaveFile(scene.disk, linesOf(0));
    const { problems, filesWaiting } = await recoverSpool(scene.spool, [new LineSerializer({ boundTo: other })]);
    expect(filesWaiting).toBe(1);
    expect(problems).toEqual([
      {
        fileName: `${id}.ndjson.open`,
        reason: `left as it is: it belongs to the spool ${other}, and this one is ${scene.spool.spoolId}: put the spool.json of ${other} back`,
      },
    ]);
  });
});

describe('a small file with damage in very many places', () => {
  it('costs as many reads and writes as its size asks for, not one for each place', async () => {
    const scene = createScene();
    const lines = 50_000;
    leaveFile(scene.disk, '1\n\n'.repeat(lines));
    const operations = operationsOn(scene.disk);
    const report = await recover(scene);
    expect(report).toMatchObject({ eventsSalvaged: lines, framesSkipped: lines - 1, filesQuarantined: 1 });
    expect(textOf(scene.disk, pathOf(SALVAGED, 'ndjson'))).toBe('1\n'.repeat(lines));
    const copying = operations.filter(({ name, path }) => /^(read|write)$/.test(name) && /open$|salvage$/.test(path));
    expect(copying.length).toBeGreaterThan(2);
    expect(copying.length).toBeLessThan(20);
  });
});

describe('a file that goes to quarantine', () => {
  it('is named, with the reason, in the report and in the log', async () => {
    const warn = vi.fn();
    const { disk: fileSystem, clock } = createScene();
    const logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
    const scene = { disk: fileSystem, spool: Spool.openSync({ directory: SPOOL, fileSystem, clock, logger }) };
    leaveFile(scene.disk, new TextEncoder().encode('nonsense\n'));
    const facts = { fileName: `${id}.ndjson.open`, reason: 'nothing in it is readable' };
    expect(await recover(scene)).toMatchObject({ filesQuarantined: 1, quarantined: [facts] });
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('quarantine'), { file: facts.fileName, reason: facts.reason }],
    ]);
  });
});

describe('an atomic file', () => {
  it('without metadata never was', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0, 1), { isAtomic: true });
    scene.disk.placeFile(pathOf({}, 'meta.json.tmp'), 'half');
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(namesIn(scene.disk)).toEqual([]);
    expect(ledgerOf(scene.disk)).toEqual([]);
  });

  it('with metadata is whole', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2, isAtomic: true });
    scene.disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'ndjson.atomic'));
    expect(await recover(scene)).toEqual(reportOf({ segmentsRecovered: 1, eventsSalvaged: 2 }));
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
    expect(metadataOf(scene.disk).sealReason).toBe('bytes');
  });

  it('shorter than its metadata says never was', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2, isAtomic: true });
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    leaveFile(scene.disk, linesOf(0), { isAtomic: true });
    expect(await recover(scene)).toEqual(reportOf({}));
    expect(namesIn(scene.disk)).toEqual([]);
  });
});

describe('metadata beside an unfinished file', () => {
  it('is the truth: what lies behind its end is cut off', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    const before = metadataOf(scene.disk);
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    leaveFile(scene.disk, linesOf(0, 1, 2));
    expect(await recover(scene)).toEqual(reportOf({ segmentsRecovered: 1, eventsSalvaged: 2 }));
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
    expect(metadataOf(scene.disk)).toEqual(before);
  });

  it('is written anew where the file is shorter than it says', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { events: 2 });
    scene.disk.removeSync(pathOf({}, 'ndjson'));
    leaveFile(scene.disk, linesOf(0));
    expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 1 }));
    expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 1, bytes: 8, sealReason: 'recovered' });
  });

  it.for(['', '{"formatVersion":1', '\0\0\0\0', '{"formatVersion":1,"id":"other"}'])(
    'is written anew where it is damaged: %j',
    async (damaged) => {
      const scene = createScene();
      leaveFile(scene.disk, linesOf(0, 1));
      scene.disk.placeFile(pathOf({}, 'meta.json'), damaged);
      expect(await recover(scene)).toEqual(reportOf({ filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 2 }));
      expect(metadataOf(scene.disk)).toMatchObject({ eventCount: 2 });
    },
  );
});

describe('a prepared salvage', () => {
  it('that nothing was committed to is removed; its events are in the old file still', async () => {
    const scene = createScene();
    leaveFile(scene.disk, linesOf(0, 1));
    const tail = { first: 1, createdAtMs: CREATED_MS + 1 };
    scene.disk.placeFile(pathOf(tail, 'ndjson.salvage'), linesOf(1));
    scene.disk.placeFile(pathOf(tail, 'meta.json'), '{}');
    await recover(scene);
    expect(namesIn(scene.disk)).toEqual([`${id}.meta.json`, `${id}.ndjson`]);
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1));
  });

  it.for([0, 1])('that metadata commits to is published, with %i events before it', async (kept) => {
    const scene = createScene();
    const tail = { first: kept, createdAtMs: CREATED_MS + 1 };
    await sealSegment(scene.spool, { ...tail, events: 2 });
    scene.disk.renameSync(pathOf(tail, 'ndjson'), pathOf(tail, 'ndjson.salvage'));
    const file = writeSegment(openSpool(scene.disk.process('dead')), { events: kept + 2 });
    const all = textOf(scene.disk, pathOf({}, 'ndjson.open'));
    const metadata = { ...file.describe('failure'), sha256: '0'.repeat(64), eventCount: kept, bytes: kept * 8 };
    scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
    await file.abandon();
    expect(all).toBe(text(0, 1, 2).slice(0, (kept + 2) * 8));

    const report = await recover(scene);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ segmentsRecovered: kept + 1, eventsSalvaged: kept + 2 });
    expect(textOf(scene.disk, pathOf(tail, 'ndjson'))).toBe(text(kept, kept + 1));
    const names = [`${idOf(tail)}.meta.json`, `${idOf(tail)}.ndjson`];
    expect(namesIn(scene.disk)).toEqual(kept === 0 ? names : [`${id}.meta.json`, `${id}.ndjson`, ...names]);
    if (kept > 0) expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0));
    expect(ledgerOf(scene.disk)).toEqual([]);
  });

  it('is not believed where the segment that took over is nowhere', async () => {
    for (const kept of [0, 1]) {
      const scene = createScene();
      const file = writeSegment(openSpool(scene.disk.process('dead')), { events: 3 });
      const metadata = { ...file.describe('failure'), sha256: '0'.repeat(64), eventCount: kept, bytes: kept * 8 };
      const tail = { first: kept, createdAtMs: CREATED_MS + 1 };
      scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
      await file.abandon();
      expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 3, problems: [] });
      expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0, 1, 2));
    }
  });

  it.for(['ndjson', 'age.gone', 'recorded'])('is believed where that was there: %s', async (what) => {
    const scene = createScene();
    const file = writeSegment(openSpool(scene.disk.process('dead')), { events: 3 });
    const metadata = { ...file.describe('failure'), sha256: '0'.repeat(64), eventCount: 1, bytes: 8 };
    const tail = { first: 1, createdAtMs: CREATED_MS + 1 };
    scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
    await file.abandon();
    const at = '2026-01-01T00:00:00.000Z';
    const facts = { id: idOf(tail), outcome: 'delivered', firstSequence: 1, eventCount: 2, bytes: 16, at } as const;
    if (what === 'recorded') await scene.spool.ledger.record({ kind: 'segment', ...facts });
    else scene.disk.placeFile(pathOf(tail, what), linesOf(1, 2));
    await recover(scene);
    expect(textOf(scene.disk, pathOf({}, 'ndjson'))).toBe(text(0));
  });

  it('is published though its own metadata is damaged: a lease rebuilds that', async () => {
    const scene = createScene();
    const metadata = await sealSegment(scene.spool, { events: 1 });
    scene.disk.renameSync(pathOf({}, 'ndjson'), pathOf({}, 'ndjson.open'));
    const tail = { first: 1, createdAtMs: CREATED_MS + 1 };
    scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
    scene.disk.placeFile(pathOf(tail, 'ndjson.salvage'), linesOf(1));
    scene.disk.placeFile(pathOf(tail, 'meta.json'), '');
    expect(await recover(scene)).toMatchObject({ segmentsRecovered: 2, eventsSalvaged: 1, problems: [] });
    expect(textOf(scene.disk, pathOf(tail, 'ndjson'))).toBe(text(1));
  });

  it('has another id than its segment at the last moment that a name can tell, too', async () => {
    const scene = createScene();
    const last = { createdAtMs: LAST_NAMEABLE_MS };
    for (const createdAtMs of [CREATED_MS, LAST_NAMEABLE_MS - 1, LAST_NAMEABLE_MS]) {
      expect(salvageId(idOf({ createdAtMs }), 0)).not.toBe(idOf({ createdAtMs }));
    }
    leaveFile(scene.disk, `${text(0)}gar{bage\n${text(2)}`, last);
    expect(await recover(scene)).toMatchObject({ segmentsRecovered: 1, filesQuarantined: 1, problems: [] });
    const tail = { first: 0, createdAtMs: LAST_NAMEABLE_MS - 1 };
    expect(namesIn(scene.disk)).toEqual([
      `${idOf(tail)}.meta.json`,
      `${idOf(tail)}.ndjson`,
      `quarantine/${idOf(last)}.ndjson.open`,
    ]);
    expect(metadataOf(scene.disk, tail)).toMatchObject({ eventCount: 2, exportReady: true, supersedes: idOf(last) });
    expect(ledgerOf(scene.disk)).toMatchObject([{ id: idOf(last), outcome: 'quarantined' }]);
  });

  it('has an id that only a segment can give', () => {
    expect(() => salvageId('../x', 0)).toThrow(new TypeError('id must be a segment id, got "../x"'));
  });

  it('holds its events once, whichever step of that a power cut comes at', async () => {
    const scene = createScene();
    const tail = { first: 0, createdAtMs: CREATED_MS + 1 };
    await sealSegment(scene.spool, { ...tail, events: 2 });
    scene.disk.renameSync(pathOf(tail, 'ndjson'), pathOf(tail, 'ndjson.salvage'));
    const file = writeSegment(openSpool(scene.disk.process('dead')), { events: 2 });
    await file.sync();
    const metadata = { ...file.describe('failure'), sha256: '0'.repeat(64), eventCount: 0, bytes: 0 };
    scene.disk.placeFile(pathOf({}, 'meta.json'), JSON.stringify({ ...metadata, continuedIn: idOf(tail) }));
    await file.abandon();

    const crashes: SimulatedDisk[] = [];
    const stop = scene.disk.onEveryStep((snapshot) =>
      crashes.push(...snapshot.crashes({ maxOutcomes: 32, seeds: 32 })),
    );
    await recover(scene);
    stop();
    expect(crashes.length).toBeGreaterThan(5);
    for (const crashed of crashes) {
      const report = await recover(createScene(crashed));
      expect(report, crashed.describe()).toMatchObject({ segmentsMissing: 0, problems: [] });
      expect(namesIn(crashed), crashed.describe()).toEqual([`${idOf(tail)}.meta.json`, `${idOf(tail)}.ndjson`]);
      expect(ledgerOf(crashed), crashed.describe()).toEqual([]);
    }
  });
});

describe('a quarantine that a crash cut off', () => {
  it('is finished: recorded, and not yet moved', async () => {
    const scene = createScene();
    leaveFile(scene.disk, 'bad');
    scene.disk.failNext(({ name, to }) => name === 'rename' && to?.includes('quarantine') === true, 'EIO');
    expect((await recover(scene)).problems).toHaveLength(1);
    expect(await recover(scene)).toEqual(reportOf({ removalsFinished: 1 }));
    expect(namesIn(scene.disk)).toEqual([`quarantine/${id}.ndjson.open`]);
    expect(ledgerOf(scene.disk)).toHaveLength(1);
  });
});
