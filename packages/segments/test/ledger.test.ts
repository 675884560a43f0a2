// Goal: what became of a segment is recorded once, durably, by any process, and the file stays short.
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { LOCK_PATIENCE_MS } from '../src/file-lock.ts';
import { accountForSpool, FOLD_AFTER_LINES, type LedgerRecord, MAX_LEDGER_WRITERS } from '../src/index.ts';
import { salvageId } from '../src/salvage.ts';
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
  SPOOL,
  sealSegment,
  textOf,
  whileTimePasses,
  writeSegment,
} from './scene.ts';

const LEDGER = `${SPOOL}/ledger.ndjson`;

function recordOf(first: number, facts: Partial<LedgerRecord> = {}): LedgerRecord {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    kind: 'segment',
    id: idOf({ first }),
    outcome: 'delivered',
    firstSequence: first,
    eventCount: 1,
    bytes: 8,
    at,
    ...facts,
  };
}

const linesOf = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('a record', () => {
  it('is a line, durable once it resolves, its file name too', async () => {
    const { disk, spool } = createScene();
    expect(await spool.ledger.record(recordOf(0))).toEqual(recordOf(0));
    await spool.ledger.record(recordOf(1, { outcome: 'dropped', reason: 'age' }));
    const expected = linesOf(recordOf(0), recordOf(1, { outcome: 'dropped', reason: 'age' }));
    expect(new TextDecoder().decode(disk.persistedFiles().get(LEDGER))).toBe(expected);
    expect(await spool.ledger.find(idOf({ first: 1 }))).toEqual(recordOf(1, { outcome: 'dropped', reason: 'age' }));
    expect(await spool.ledger.find(idOf({ first: 2 }))).toBeUndefined();
  });

  it('that is there already counts, whoever made it', async () => {
    const { disk, clock, spool } = createScene();
    const other = openSpool(disk.process('other'), clock);
    await other.ledger.record(recordOf(0));
    const second = recordOf(0, { outcome: 'dropped', reason: 'age' });
    expect(await spool.ledger.record(second)).toEqual(recordOf(0));
    expect(await spool.ledger.record(second)).toEqual(recordOf(0));
    expect(ledgerOf(disk)).toEqual([recordOf(0)]);
  });

  it('of another process is durable before anybody relies on it, found or recorded', async () => {
    for (const rely of ['record', 'findDurable'] as const) {
      const { disk, spool } = createScene();
      // As a process leaves it that was killed between its write and its sync.
      const handle = disk.process('dead').createFileSync(LEDGER);
      handle.writeSync(new TextEncoder().encode(linesOf(recordOf(0))), 0);
      handle.closeSync();
      expect(disk.persistedFiles().has(LEDGER)).toBe(false);
      const found = rely === 'record' ? await spool.ledger.record(recordOf(0)) : await spool.ledger.findDurable(idOf());
      expect(found).toEqual(recordOf(0));
      expect(new TextDecoder().decode(disk.persistedFiles().get(LEDGER)), rely).toBe(linesOf(recordOf(0)));
      const operations = operationsOn(disk);
      await spool.ledger.findDurable(idOf());
      expect(operations.map(({ name }) => name)).toEqual(['stat']);
    }
  });

  it('joins those that other processes append in between, each once', async () => {
    const { disk, clock, spool } = createScene();
    const ledgers = [
      spool.ledger,
      openSpool(disk.process('b'), clock).ledger,
      openSpool(disk.process('c'), clock).ledger,
    ];
    const work = numbersFrom(0, 60).map((first) => ledgers[first % 3]?.record(recordOf(Math.floor(first / 2))));
    await whileTimePasses(clock, Promise.all(work));
    const ids = ledgerOf(disk).map(({ id }) => id);
    expect([...ids].sort()).toEqual(numbersFrom(0, 30).map((first) => idOf({ first })));
    for (const ledger of ledgers) {
      expect([...(await ledger.content()).records.keys()].sort()).toEqual([...ids].sort());
    }
  });

  it('costs one read of what others appended, however long the ledger is', async () => {
    const { disk, spool } = createScene();
    for (const first of numbersFrom(0, 40)) await spool.ledger.record(recordOf(first));
    const before = textOf(disk, LEDGER).length;
    const handle = disk.openFileSync(LEDGER, 'readWrite');
    handle.writeSync(new TextEncoder().encode(linesOf(recordOf(40))), before);
    handle.closeSync();
    const operations = operationsOn(disk);
    expect(await spool.ledger.find(idOf({ first: 40 }))).toEqual(recordOf(40));
    // The end of what is known is compared, and what follows is read.
    const reads = operations.filter(({ name }) => name === 'read');
    expect(reads.map(({ positionBytes }) => (positionBytes ?? 0) >= before - 300)).toEqual([true, true]);
    operations.length = 0;
    await spool.ledger.find(idOf({ first: 3 }));
    expect(operations.map(({ name }) => name)).toEqual(['stat']);
  });
});

describe('damage in a ledger', () => {
  it.for(['{"kind":"segm', '\0\0\0\0', 'x'])(
    'behind the last whole line is cut with the next record: %j',
    async (torn) => {
      const { disk, spool } = createScene();
      disk.placeFile(LEDGER, `${linesOf(recordOf(0))}${torn}${torn.repeat(200)}`);
      expect([...(await spool.ledger.content()).records.keys()]).toEqual([idOf()]);
      await spool.ledger.record(recordOf(1));
      expect(textOf(disk, LEDGER)).toBe(linesOf(recordOf(0), recordOf(1)));
    },
  );

  it('in a line costs that line', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, `${linesOf(recordOf(0))}\0\xff{]\n\n${linesOf(recordOf(1))}`);
    await spool.ledger.record(recordOf(2));
    expect([...(await spool.ledger.content()).records.keys()]).toEqual([0, 1, 2].map((first) => idOf({ first })));
  });

  it('does not matter across pieces: a line longer than one read', async () => {
    const { disk, spool } = createScene();
    const long = recordOf(0, { receipt: 'x'.repeat(600 * 1024) });
    disk.placeFile(LEDGER, linesOf(long, recordOf(1)));
    expect(await spool.ledger.find(idOf())).toEqual(long);
    expect(await spool.ledger.find(idOf({ first: 1 }))).toEqual(recordOf(1));
  });

  it('that makes it shorter is noticed', async () => {
    const { disk, spool } = createScene();
    await spool.ledger.record(recordOf(0));
    await spool.ledger.record(recordOf(1));
    const handle = disk.openFileSync(LEDGER, 'readWrite');
    handle.truncateSync(linesOf(recordOf(0)).length);
    handle.closeSync();
    expect(await spool.ledger.find(idOf({ first: 1 }))).toBeUndefined();
    expect(await spool.ledger.find(idOf())).toEqual(recordOf(0));
  });

  it('ends a read where the file is shorter than it said', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, linesOf(recordOf(0)));
    let isFirst = true;
    disk.onStep = ({ name, path }) => {
      if (name !== 'read' || path !== LEDGER || !isFirst) return;
      isFirst = false;
      const handle = disk.process('rival').openFileSync(LEDGER, 'readWrite');
      handle.truncateSync(0);
      handle.closeSync();
    };
    expect(await spool.ledger.find(idOf())).toBeUndefined();
  });
});

describe('a record that fails', () => {
  it.for([
    ['write', 'ENOSPC', 'RELAY_STORAGE_FULL'],
    ['sync', 'EIO', 'RELAY_STORAGE_FAILED'],
    ['create', 'EACCES', 'RELAY_STORAGE_FAILED'],
    ['open', 'EMFILE', 'RELAY_STORAGE_FAILED'],
  ] as const)('by a failed %s leaves nothing, and the next works', async ([operation, systemCode, code]) => {
    const { disk, spool } = createScene();
    if (operation !== 'create') await spool.ledger.record(recordOf(0));
    const before = disk.files().get(LEDGER)?.slice();
    disk.failNext(({ name, path }) => name === operation && path === LEDGER, systemCode);
    const failed = spool.ledger.record(recordOf(1));
    await expect(failed).rejects.toMatchObject({ code, facts: { operation: 'write', path: LEDGER, systemCode } });
    expect(disk.files().get(LEDGER)).toEqual(before);
    expect(await spool.ledger.find(idOf({ first: 1 }))).toBeUndefined();
    await spool.ledger.record(recordOf(1));
    expect(ledgerOf(disk)).toEqual([...(before ? [recordOf(0)] : []), recordOf(1)]);
    expect(await spool.ledger.find(idOf({ first: 1 }))).toEqual(recordOf(1));
  });

  it('and cannot be cut off either is cut off by the next', async () => {
    const { disk, spool } = createScene();
    await spool.ledger.record(recordOf(0));
    disk.failNext(({ name, path }) => name === 'write' && path === LEDGER, 'EIO', { landed: 'part' });
    disk.failNext(({ name, path }) => name === 'truncate' && path === LEDGER, 'EIO');
    await expect(spool.ledger.record(recordOf(1))).rejects.toMatchObject({ facts: { systemCode: 'EIO' } });
    await spool.ledger.record(recordOf(2));
    expect(ledgerOf(disk)).toEqual([recordOf(0), recordOf(2)]);
  });

  it('releases the lock', async () => {
    const { disk, clock, spool } = createScene();
    disk.failNext(({ name, path }) => name === 'create' && path === LEDGER, 'EMFILE');
    await expect(spool.ledger.record(recordOf(0))).rejects.toMatchObject({ facts: { systemCode: 'EMFILE' } });
    await openSpool(disk.process('other'), clock).ledger.record(recordOf(0));
    expect(ledgerOf(disk)).toHaveLength(1);
  });

  it('by a lock that hangs says so after its patience', async () => {
    const { disk, clock, spool } = createScene();
    const holder = disk.process('hangs').createFileSync(`${SPOOL}/ledger.lock`);
    holder.tryLock();
    const failed = whileTimePasses(clock, spool.ledger.record(recordOf(0)));
    await expect(failed).rejects.toMatchObject({
      code: 'RELAY_LOCK_BUSY',
      message: `Cannot lock ${SPOOL}/ledger.lock within 10000 ms; another process holds it, look for one that hangs.`,
      facts: { path: `${SPOOL}/ledger.lock` },
    });
    expect(clock.monotonicMs()).toBeGreaterThan(LOCK_PATIENCE_MS);
    holder.closeSync();
    await spool.ledger.record(recordOf(0));
    expect(ledgerOf(disk)).toEqual([recordOf(0)]);
  });

  it('to be read says where', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, linesOf(recordOf(0)));
    disk.failNext(({ name, path }) => name === 'read' && path === LEDGER, 'EIO');
    await expect(spool.ledger.find(idOf())).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'read', path: LEDGER, systemCode: 'EIO' },
    });
    expect(await spool.ledger.find(idOf())).toEqual(recordOf(0));
  });
});

describe('folding', () => {
  const many = (count: number, from = 0): string =>
    linesOf(...numbersFrom(from, count).map((first) => recordOf(first)));

  it(`makes sums of ${FOLD_AFTER_LINES} lines, and everything adds up as before`, async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, many(FOLD_AFTER_LINES - 2));
    const last = FOLD_AFTER_LINES - 2;
    await spool.ledger.record(recordOf(last));
    expect(ledgerOf(disk)).toHaveLength(FOLD_AFTER_LINES - 1);
    await spool.ledger.record(recordOf(last + 1, { outcome: 'dropped', reason: 'age', eventCount: 5 }));
    expect(ledgerOf(disk)).toEqual([
      {
        kind: 'writer',
        writerId: 'aaaaaaaaaa',
        segments: FOLD_AFTER_LINES,
        bytes: FOLD_AFTER_LINES * 8,
        delivered: [[0, FOLD_AFTER_LINES - 1]],
        quarantined: [],
        dropped: { age: [[FOLD_AFTER_LINES - 1, 5]] },
      },
    ]);
    const accounts = { delivered: FOLD_AFTER_LINES - 1, dropped: { age: 5 }, pending: 0, quarantined: 0, lost: 0 };
    expect(await accountForSpool(spool)).toMatchObject(accounts);
    await spool.ledger.record(recordOf(last + 6));
    expect(ledgerOf(disk)).toHaveLength(2);
    expect(await accountForSpool(spool)).toMatchObject({ ...accounts, delivered: FOLD_AFTER_LINES });
  });

  it('keeps the record of whatever has a file still, wherever that is', async () => {
    const { disk, spool } = createScene();
    const waiting = [1, 2, 3, 4, 5, 6];
    disk.placeFile(pathOf({ first: 1 }, 'ndjson'), '');
    disk.placeFile(pathOf({ first: 2 }, 'age.gone'), '');
    disk.placeFile(pathOf({ first: 3 }, 'meta.json'), '');
    disk.placeFile(`${SPOOL}/quarantine/${idOf({ first: 4 })}.ndjson`, '');
    disk.placeFile(pathOf({ first: 5 }, 'ndjson.open'), '');
    disk.placeFile(pathOf({ first: 6 }, 'export.json'), '');
    const salvaged = { ...recordOf(5), id: salvageId(idOf({ first: 5 }), 5) };
    disk.placeFile(LEDGER, `${many(FOLD_AFTER_LINES)}${linesOf(salvaged)}`);
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    const left = ledgerOf(disk).filter(({ kind }) => kind === 'segment');
    expect(left.map(({ id }) => id)).toEqual([...waiting.map((first) => idOf({ first })), salvaged.id]);
    for (const first of waiting) expect(await spool.ledger.find(idOf({ first }))).toBeDefined();
  });

  it('keeps the record of a segment that took over the end of a file which waits for recovery', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(pathOf({ first: 5 }, 'ndjson.open'), '');
    const tail = idOf({ first: 8, createdAtMs: CREATED_MS + 6 });
    disk.placeFile(LEDGER, `${many(FOLD_AFTER_LINES)}${linesOf({ ...recordOf(8), id: tail })}`);
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    const left = ledgerOf(disk).filter(({ kind }) => kind === 'segment');
    expect(left.map(({ id }) => id)).toContain(tail);
  });

  it('keeps what it cannot judge: a record with an id that is none', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, `${linesOf({ ...recordOf(0), id: 'mine' })}${many(FOLD_AFTER_LINES)}`);
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    expect(ledgerOf(disk).map(({ kind, id }) => id ?? kind)).toEqual(['writer', 'mine']);
  });

  it('waits where it would not shorten the file by half, and does not try at every record', async () => {
    const { disk, spool } = createScene();
    const kept = numbersFrom(0, 600);
    for (const first of kept) disk.placeFile(pathOf({ first }, 'ndjson'), '');
    disk.placeFile(LEDGER, many(FOLD_AFTER_LINES));
    const operations = operationsOn(disk);
    const lists = () => operations.filter(({ name }) => name === 'list').length;
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    expect(lists()).toBe(1);
    expect(ledgerOf(disk)).toHaveLength(FOLD_AFTER_LINES + 1);
    for (const first of numbersFrom(FOLD_AFTER_LINES + 1, 50)) await spool.ledger.record(recordOf(first));
    expect(lists()).toBe(1);
    expect(ledgerOf(disk)).toHaveLength(FOLD_AFTER_LINES + 51);
  });

  it('keeps the ranges of old writers that have files, and only the sums of others', async () => {
    const { disk, spool } = createScene();
    const writers = numbersFrom(0, MAX_LEDGER_WRITERS + 3).map((index) => String(index).padStart(10, '0'));
    const records = writers.map((writerId) => ({ ...recordOf(0), id: idOf({ writerId }) }));
    disk.placeFile(
      LEDGER,
      linesOf(...records, ...records.map(() => ({ kind: 'novel' })), ...records.map(() => 0 as never)),
    );
    const [first = ''] = writers;
    disk.placeFile(pathOf({ first: 9, writerId: first }, 'ndjson'), '');
    await spool.ledger.record(recordOf(0));
    const { writers: kept, former } = await spool.ledger.content();
    expect([kept.size, kept.has(first), former.writers]).toEqual([MAX_LEDGER_WRITERS, true, 4]);
    expect(await accountForSpool(spool)).toMatchObject({ delivered: MAX_LEDGER_WRITERS + 4 });
  });

  it('that a crash cut off leaves nothing behind', async () => {
    const scene = createScene();
    scene.disk.placeFile(`${LEDGER}.tmp`, 'half');
    scene.disk.failNext(({ name, path }) => name === 'remove' && path === `${LEDGER}.tmp`, 'EACCES');
    const { problems } = await recover(scene);
    expect(problems).toEqual([{ fileName: 'ledger.ndjson', reason: expect.stringContaining('EACCES') }]);
    expect((await recover(scene)).problems).toEqual([]);
    expect(scene.disk.files().has(`${LEDGER}.tmp`)).toBe(false);
  });

  it('comes after the removals are durable', async () => {
    const { disk, spool } = createScene();
    for (const first of numbersFrom(0, 20)) disk.placeFile(pathOf({ first }, 'age.gone'), '');
    disk.placeFile(LEDGER, many(FOLD_AFTER_LINES));
    for (const first of numbersFrom(0, 20)) disk.removeSync(pathOf({ first }, 'age.gone'));
    const left: number[] = [];
    disk.onEveryStep((snapshot) => {
      for (const crashed of snapshot.crashes({ maxOutcomes: 16, seeds: 16 })) {
        if (!textOf(crashed, LEDGER).startsWith('{"kind":"writer"')) continue;
        left.push(namesIn(crashed).filter((name) => name.endsWith('.gone')).length);
      }
    });
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    expect(left.length).toBeGreaterThan(0);
    expect(Math.max(...left)).toBe(0);
  });

  it('that fails costs nothing, and is made with a later record', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, many(FOLD_AFTER_LINES));
    disk.failNext(({ name, path }) => name === 'write' && path.endsWith('.tmp'), 'ENOSPC');
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    expect(ledgerOf(disk)).toHaveLength(FOLD_AFTER_LINES + 1);
    expect(namesIn(disk)).toEqual([]);
    for (const first of numbersFrom(FOLD_AFTER_LINES + 1, 5)) await spool.ledger.record(recordOf(first));
    expect(ledgerOf(disk)[0]).toMatchObject({ kind: 'writer' });
    expect(await accountForSpool(spool)).toMatchObject({ delivered: FOLD_AFTER_LINES + 6, lost: 0, repeated: 0 });
  });

  it('is noticed by other processes, whose records follow', async () => {
    const { disk, clock, spool } = createScene();
    const other = openSpool(disk.process('other'), clock).ledger;
    disk.placeFile(LEDGER, many(FOLD_AFTER_LINES));
    expect((await other.content()).records.size).toBe(FOLD_AFTER_LINES);
    await spool.ledger.record(recordOf(FOLD_AFTER_LINES));
    expect(await other.find(idOf())).toBeUndefined();
    await other.record(recordOf(FOLD_AFTER_LINES + 1));
    expect(await spool.ledger.find(idOf({ first: FOLD_AFTER_LINES + 1 }))).toBeDefined();
    expect((await spool.ledger.content()).writers).toEqual((await other.content()).writers);
    expect(ledgerOf(disk)).toHaveLength(2);
  });

  it('never makes a segment be counted twice: one that waits is pending or recorded', async () => {
    const disk = new SimulatedDisk();
    const { spool } = createScene(disk);
    const metadata = await sealSegment(spool, { first: 0, events: 4 });
    writeSegment(spool, { first: 4, events: 1 });
    disk.placeFile(LEDGER, many(FOLD_AFTER_LINES, 100));
    const facts = { id: metadata.id, firstSequence: 0, eventCount: 4, bytes: 32 } as const;
    await spool.ledger.record(recordOf(0, { ...facts, outcome: 'quarantined', reason: 'x' }));
    expect(await accountForSpool(spool)).toMatchObject({ pending: 0, quarantined: 4, repeated: 0, unsealedFiles: 1 });
  });
});

describe('a long rest without a line feed', () => {
  const rest = 'x'.repeat(3 * 1024 * 1024);

  it('is looked at once, and costs no look-up behind it a read', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, `${linesOf(recordOf(0))}${rest}`);
    expect(await spool.ledger.find(idOf())).toEqual(recordOf(0));
    const operations = operationsOn(disk);
    for (const first of numbersFrom(0, 20)) await spool.ledger.find(idOf({ first }));
    expect(operations.filter(({ name }) => name === 'read')).toEqual([]);
  });

  it('that failed to be read is looked at again', async () => {
    const { disk, spool } = createScene();
    disk.placeFile(LEDGER, `${linesOf(recordOf(0, { reason: rest }))}${linesOf(recordOf(1))}`);
    let reads = 0;
    disk.failNext(({ name, path }) => name === 'read' && path === LEDGER && ++reads > 2, 'EIO');
    await expect(spool.ledger.find(idOf({ first: 1 }))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    expect(await spool.ledger.find(idOf({ first: 1 }))).toEqual(recordOf(1));
  });

  it('is followed by what others write in its place', async () => {
    const { disk, clock, spool } = createScene();
    disk.placeFile(LEDGER, `${linesOf(recordOf(0))}${rest}`);
    await spool.ledger.find(idOf());
    clock.advance(1);
    await openSpool(disk.process('other'), clock).ledger.record(recordOf(1));
    expect(await spool.ledger.find(idOf({ first: 1 }))).toEqual(recordOf(1));
    expect(textOf(disk, LEDGER)).toBe(linesOf(recordOf(0), recordOf(1)));
  });

  it('may turn out to be a line, which is taken in whole', async () => {
    const { disk, spool } = createScene();
    const long = recordOf(1, { outcome: 'dropped', reason: rest });
    disk.placeFile(LEDGER, linesOf(recordOf(0), long, recordOf(2)));
    for (const record of [recordOf(0), long, recordOf(2)]) expect(await spool.ledger.find(record.id)).toEqual(record);
  });
});
