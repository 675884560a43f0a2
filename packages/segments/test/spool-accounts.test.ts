// Goal: every event number of a spool is in exactly one place, or counted as lost.
import { describe, expect, it } from 'vitest';
import {
  accountForSpool,
  FileSegmentStore,
  LedgerContent,
  type LedgerRecord,
  MAX_LEDGER_WRITERS,
} from '../src/index.ts';
import { linesOf } from './line-serializer.ts';
import {
  CREATED_MS,
  createScene,
  idOf,
  leaveFile,
  openSpool,
  pathOf,
  recover,
  type Scene,
  SPOOL,
  sealSegment,
  serializer,
  writeSegment,
} from './scene.ts';

const OTHER = 'bbbbbbbbbb';
const nothing = { pending: 0, delivered: 0, quarantined: 0, dropped: {}, lost: 0, repeated: 0, unsealedFiles: 0 };

async function settle(
  { spool }: Scene,
  first: number,
  outcome: Parameters<Awaited<ReturnType<typeof lease>>['settle']>[0],
  writerId?: string,
): Promise<void> {
  await (await lease(spool, idOf(writerId === undefined ? { first } : { first, writerId }))).settle(outcome);
}

async function lease(spool: Scene['spool'], id: string) {
  const attempt = await new FileSegmentStore(spool, [serializer]).lease(id);
  if (attempt.status !== 'leased') throw new Error(`${id} is ${attempt.status}`);
  return attempt.lease;
}

describe('accountForSpool beside others', () => {
  it('has a segment in one place at each step of its delivery, and wherever the look begins', async () => {
    const scene = createScene();
    for (const first of [0, 3, 6]) await sealSegment(scene.spool, { first, events: 3 });
    const looker = openSpool(scene.disk.process('looker'), scene.clock);
    const looks: Promise<unknown>[] = [];
    const isOurs = ({ process }: { process: string }) => process !== 'looker';
    scene.disk.onStep = (operation) => {
      if (isOurs(operation)) looks.push(accountForSpool(looker));
    };
    const exporter = openSpool(scene.disk.process('exporter'), scene.clock);
    for (const first of [0, 3]) await settle({ ...scene, spool: exporter }, first, { status: 'delivered' });
    scene.disk.onStep = undefined;
    const found = (await Promise.all(looks)) as Awaited<ReturnType<typeof accountForSpool>>[];
    expect(found.length).toBeGreaterThan(10);
    for (const { pending, delivered, lost, repeated } of found) {
      expect({ sum: pending + delivered, lost, repeated }).toEqual({ sum: 9, lost: 0, repeated: 0 });
    }
  });

  it('finds what is delivered right behind its look at the ledger, or at the files', async () => {
    const scene = createScene();
    for (const first of [0, 3]) await sealSegment(scene.spool, { first, events: 3 });
    const looker = scene.disk.process('looker');
    const spool = openSpool(looker, scene.clock);
    const list = looker.list.bind(looker);
    let isFirst = true;
    looker.list = async (directory) => {
      if (isFirst) {
        isFirst = false;
        await settle(scene, 0, { status: 'delivered' });
      }
      return list(directory);
    };
    expect(await accountForSpool(spool)).toEqual({ ...nothing, pending: 3, delivered: 3 });
  });

  it('finds what comes back from quarantine right behind its look at the files, however often it did', async () => {
    const scene = createScene();
    for (const first of [0, 3]) await sealSegment(scene.spool, { first, events: 3 });
    const looker = scene.disk.process('looker');
    const spool = openSpool(looker, scene.clock);
    const list = looker.list.bind(looker);
    for (let turn = 1; turn <= 3; turn += 1) {
      await settle(scene, 0, { status: 'quarantined', reason: 'http 413' });
      let isFirst = true;
      looker.list = async (directory) => {
        const names = await list(directory);
        if (isFirst) {
          isFirst = false;
          await new FileSegmentStore(scene.spool, [serializer]).quarantine.requeue(idOf());
        }
        return names;
      };
      expect(await accountForSpool(spool), `turn ${turn}`).toEqual({ ...nothing, pending: 6 });
    }
  });

  it('does not call lost what may stand in a file that is not sealed yet', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { first: 0, events: 3 });
    leaveFile(scene.disk, linesOf(5, 6, 7), { first: 5 });
    await sealSegment(scene.spool, { first: 8, events: 3 });
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: 6, lost: 2, unsealedFiles: 1 });
  });
});

describe('accountForSpool', () => {
  it('finds nothing in an empty spool', async () => {
    expect(await accountForSpool(createScene().spool)).toEqual(nothing);
  });

  it('follows events through delivery, drop, quarantine, loss, and the folding of all that', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { first: 0, events: 10 });
    await sealSegment(scene.spool, { first: 10, events: 5 });
    await sealSegment(scene.spool, { first: 15, events: 3 });
    // 18 and 19 were written and not synced when the power failed.
    await sealSegment(scene.spool, { first: 20, events: 2 });
    await sealSegment(scene.spool, { first: 0, events: 7, writerId: OTHER });
    writeSegment(openSpool(scene.disk.process('alive'), scene.clock), { first: 22, events: 4 });
    writeSegment(openSpool(scene.disk.process('alive'), scene.clock), { first: 7, writerId: OTHER, isAtomic: true });
    const total = 27;
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: total, lost: 2, unsealedFiles: 2 });

    await settle(scene, 0, { status: 'delivered', receipt: 'r' });
    await settle(scene, 10, { status: 'dropped', reason: 'totalBytes' });
    await settle(scene, 15, { status: 'quarantined', reason: 'http 413' });
    await settle(scene, 0, { status: 'dropped', reason: 'age' }, OTHER);
    const accounts = {
      pending: 2,
      delivered: 10,
      quarantined: 3,
      dropped: { totalBytes: 5, age: 7 },
      lost: 2,
      repeated: 0,
      unsealedFiles: 2,
    };
    expect(await accountForSpool(scene.spool)).toEqual(accounts);
    expect(await accountForSpool(openSpool(scene.disk.process('later')))).toEqual(accounts);

    // A long history of another writer makes the ledger fold; the sums stay.
    const at = '2026-01-01T00:00:00.000Z';
    const lines = Array.from({ length: 1000 }, (_, index) => {
      const id = idOf({ first: index, writerId: 'cccccccccc' });
      return JSON.stringify({
        kind: 'segment',
        id,
        outcome: 'delivered',
        firstSequence: index,
        eventCount: 1,
        bytes: 8,
        at,
      });
    });
    const path = `${SPOOL}/ledger.ndjson`;
    const handle = scene.disk.openFileSync(path, 'readWrite');
    handle.writeSync(new TextEncoder().encode(`${lines.join('\n')}\n`), handle.statSync().sizeBytes);
    handle.closeSync();
    const later = { ...scene, spool: openSpool(scene.disk.process('much later')) };
    await settle(later, 20, { status: 'delivered' });
    expect(scene.disk.files().get(path)?.byteLength).toBeLessThan(1500);
    expect(await accountForSpool(later.spool)).toEqual({ ...accounts, pending: 0, delivered: 1012 });
  });

  it('counts what damage took as lost, once something behind it is known', async () => {
    const scene = createScene();
    leaveFile(scene.disk, 'x\n{"n":1}\n{"n":2}\n');
    await recover(scene);
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: 2 });
    await sealSegment(scene.spool, { first: 3, events: 1, createdAtMs: CREATED_MS + 9 });
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: 3, lost: 1 });
  });

  it('counts what a damaged segment claimed to its end as lost, through each folding', async () => {
    const at = '2026-01-01T00:00:00.000Z';
    const base = { kind: 'segment', bytes: 8, at } as const;
    const content = new LedgerContent();
    // Of five events four were whole, and of these four three, which were delivered.
    const damaged = { ...base, outcome: 'quarantined', reason: 'damaged', firstSequence: 0, eventCount: 0 } as const;
    const records: readonly LedgerRecord[] = [
      { ...damaged, id: idOf(), claimedEvents: 5 },
      { ...damaged, id: idOf({ createdAtMs: CREATED_MS + 1 }), claimedEvents: 4 },
      { ...base, id: idOf({ createdAtMs: CREATED_MS + 2 }), outcome: 'delivered', firstSequence: 0, eventCount: 3 },
    ];
    for (const record of records) content.takeLine(JSON.stringify(record));
    const isGone = () => true;
    const folded = content.fold(isGone, () => true);
    const former = new LedgerContent();
    for (const line of folded.toLines().split('\n')) former.takeLine(line);
    for (let index = 0; index < MAX_LEDGER_WRITERS; index += 1) {
      const id = idOf({ writerId: `w${String(index).padStart(9, '0')}` });
      former.takeLine(JSON.stringify({ ...base, id, outcome: 'delivered', firstSequence: 0, eventCount: 0 }));
    }
    const retired = former.fold(isGone, () => false);
    expect(retired.former).toMatchObject({ writers: 1, delivered: 3, lost: 2 });
    for (const ledger of [content, folded, retired]) {
      const scene = createScene();
      scene.disk.placeFile(`${SPOOL}/ledger.ndjson`, ledger.toLines());
      expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, delivered: 3, lost: 2 });
    }
  });

  it('keeps what else is known of a writer of whom somebody claims more than can be', async () => {
    const at = '2026-01-01T00:00:00.000Z';
    const base = { kind: 'segment', bytes: 8, at, firstSequence: 2, eventCount: 0 } as const;
    const content = new LedgerContent();
    content.takeLine(JSON.stringify({ ...base, id: idOf(), outcome: 'delivered', firstSequence: 0, eventCount: 2 }));
    const claim = { outcome: 'quarantined', claimedEvents: Number.MAX_SAFE_INTEGER };
    content.takeLine(JSON.stringify({ ...base, ...claim, id: idOf({ createdAtMs: CREATED_MS + 1, first: 2 }) }));
    const gone = content.fold(
      () => true,
      () => true,
    );
    const scene = createScene();
    scene.disk.placeFile(`${SPOOL}/ledger.ndjson`, gone.toLines());
    expect(await accountForSpool(scene.spool)).toMatchObject({ delivered: 2, lost: Number.MAX_SAFE_INTEGER - 2 });
  });

  it('passes over a claim that is no number, with its line', async () => {
    const scene = createScene();
    const record = { kind: 'segment', outcome: 'delivered', firstSequence: 0, eventCount: 3, bytes: 8, at: '' };
    const sums = { kind: 'writer', segments: 1, bytes: 8, delivered: [[0, 3]], quarantined: [], dropped: {} };
    const lines = [
      { ...record, id: idOf(), claimedEvents: '3' },
      { ...sums, writerId: 'aaaaaaaaaa', claimedEnd: -1 },
      { ...sums, writerId: 'bbbbbbbbbb', claimedEnd: 3 },
    ];
    scene.disk.placeFile(`${SPOOL}/ledger.ndjson`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, delivered: 3 });
  });

  it('shows numbers that stand in two places, pending or settled', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { first: 0, events: 4 });
    await sealSegment(scene.spool, { first: 2, events: 4 });
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: 8, repeated: 2 });
    await settle(scene, 0, { status: 'delivered' });
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: 4, delivered: 4, repeated: 2 });
  });

  it('leaves out what nobody can count: a segment whose metadata is damaged', async () => {
    const scene = createScene();
    await sealSegment(scene.spool, { first: 0, events: 4 });
    await sealSegment(scene.spool, { first: 4, events: 1 });
    scene.disk.placeFile(pathOf({}, 'meta.json'), '');
    expect(await accountForSpool(scene.spool)).toEqual({ ...nothing, pending: 1, lost: 4 });
  });

  it('takes a reason for the word it is', async () => {
    const scene = createScene();
    await sealSegment(scene.spool);
    await settle(scene, 0, { status: 'dropped', reason: '__proto__' });
    const { dropped } = await accountForSpool(scene.spool);
    expect(Object.entries(dropped)).toEqual([['__proto__', 1]]);
  });

  it('says where it cannot read', async () => {
    const scene = createScene();
    scene.disk.placeFile(pathOf({}, 'ndjson'), linesOf(0));
    scene.disk.failNext('list', 'EIO');
    await expect(accountForSpool(scene.spool)).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
  });
});
