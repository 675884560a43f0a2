import { describe, expect, it } from 'vitest';
import { formatSegmentId, LedgerContent, type LedgerRecord, MAX_LEDGER_WRITERS } from '../src/index.ts';
import { isLedgerRecord } from '../src/ledger-record.ts';
import { isFormerTotals, isWriterTotals, NO_FORMER_WRITERS, noTotals } from '../src/ledger-totals.ts';

const writer = (index: number): string => String(index).padStart(10, '0');

function recordOf(facts: Partial<LedgerRecord> & { writerId?: string } = {}): LedgerRecord {
  const { writerId = 'aaaaaaaaaa', firstSequence = 0, ...rest } = facts;
  const id = formatSegmentId({ createdAtMs: firstSequence, firstSequence, writerId });
  const common = { kind: 'segment', outcome: 'delivered', eventCount: 1, bytes: 8, at: '' } as const;
  return { ...common, id, firstSequence, ...rest };
}

function contentOf(...lines: readonly object[]): LedgerContent {
  const content = new LedgerContent();
  for (const line of lines) content.takeLine(JSON.stringify(line));
  return content;
}

const always = () => true;
const never = () => false;

describe('lines of a ledger', () => {
  it('of two records with one id, the first counts', () => {
    const content = contentOf(recordOf(), recordOf({ outcome: 'dropped', reason: 'age' }));
    expect([...content.records.values()]).toEqual([recordOf()]);
    expect(content.lineCount).toBe(2);
  });

  it.for(['', '{', 'null', '7', '"x"', '[]', '{}', '{"kind":"segment"}', '{"kind":"novel"}', '{"kind":"writer"}'])(
    'that are damaged or unknown cost themselves: %s',
    (line) => {
      const content = new LedgerContent();
      content.takeLine(line);
      content.takeLine(JSON.stringify(recordOf()));
      expect(content.records.size).toBe(1);
      expect(content.writers.size).toBe(0);
      expect(content.former).toEqual(NO_FORMER_WRITERS);
      expect(content.lineCount).toBe(2);
    },
  );

  it.for<[string, unknown]>([
    ['kind', 'other'],
    ['id', 7],
    ['outcome', 'lost'],
    ['firstSequence', '0'],
    ['eventCount', 1.5],
    ['bytes', null],
  ])('a record needs a good %s', ([member, value]) => {
    expect(isLedgerRecord(recordOf())).toBe(true);
    expect(isLedgerRecord({ ...recordOf(), [member]: value })).toBe(false);
  });

  it.for<[string, unknown]>([
    ['kind', 'other'],
    ['writerId', 7],
    ['segments', -1],
    ['bytes', 'x'],
    ['delivered', [[1]]],
    ['delivered', [1]],
    ['delivered', {}],
    ['quarantined', [[0, -1]]],
    ['dropped', []],
    ['dropped', { age: [[0.5, 1]] }],
  ])('totals of a writer need a good %s: %j', ([member, value]) => {
    const totals = { ...noTotals('aaaaaaaaaa'), dropped: { age: [[0, 1]] } };
    expect(isWriterTotals(totals)).toBe(true);
    expect(isWriterTotals({ ...totals, [member]: value })).toBe(false);
  });

  it.for<[string, unknown]>([
    ['kind', 'writer'],
    ['writers', -1],
    ['lost', undefined],
    ['dropped', null],
    ['dropped', { age: 'x' }],
  ])('sums of former writers need a good %s: %j', ([member, value]) => {
    const former = { ...NO_FORMER_WRITERS, dropped: { age: 3 } };
    expect(isFormerTotals(former)).toBe(true);
    expect(isFormerTotals({ ...former, [member]: value })).toBe(false);
    expect(isFormerTotals(null)).toBe(false);
  });
});

describe('folding', () => {
  const mixed = [
    recordOf({ firstSequence: 0, eventCount: 3 }),
    recordOf({ firstSequence: 3, eventCount: 2, outcome: 'dropped', reason: 'age' }),
    recordOf({ firstSequence: 5, eventCount: 1, outcome: 'quarantined', reason: 'http 413' }),
    recordOf({ firstSequence: 9, eventCount: 1, outcome: 'dropped', reason: 'age' }),
    recordOf({ firstSequence: 10, eventCount: 1, outcome: 'dropped' }),
  ];
  const totals = {
    kind: 'writer',
    writerId: 'aaaaaaaaaa',
    segments: 5,
    bytes: 40,
    delivered: [[0, 3]],
    quarantined: [[5, 1]],
    dropped: {
      age: [
        [3, 2],
        [9, 1],
      ],
      other: [[10, 1]],
    },
  };

  it('makes sums of records whose segments are gone', () => {
    const folded = contentOf(...mixed).fold(always, never);
    expect(folded.records.size).toBe(0);
    expect([...folded.writers.values()]).toEqual([totals]);
  });

  it('keeps records whose segments are not gone, and their order', () => {
    const [first, second, ...rest] = mixed as [LedgerRecord, LedgerRecord, ...LedgerRecord[]];
    const kept = new Set([first.id, rest[1]?.id]);
    const folded = contentOf(...mixed).fold((id) => !kept.has(id), never);
    expect([...folded.records.values()]).toEqual([first, rest[1]]);
    expect(folded.writers.get('aaaaaaaaaa')).toMatchObject({ segments: 3, bytes: 24, delivered: [] });
    expect(second.outcome).toBe('dropped');
  });

  it('comes to the same in one go, in many, and through a file', () => {
    let content = new LedgerContent();
    for (const record of mixed) {
      content.takeLine(JSON.stringify(record));
      const lines = content.fold(always, never).toLines();
      content = new LedgerContent();
      for (const line of lines.trimEnd().split('\n')) content.takeLine(line);
    }
    expect([...content.writers.values()]).toEqual([totals]);
  });

  it('takes reasons that name members of every object as the words they are', () => {
    const reasons = ['__proto__', 'constructor', 'toString'];
    const records = reasons.map((reason, index) => recordOf({ firstSequence: index, outcome: 'dropped', reason }));
    let content = contentOf(...records).fold(always, never);
    expect(Object.entries(content.writers.get('aaaaaaaaaa')?.dropped ?? {})).toEqual(
      reasons.map((reason, index) => [reason, [[index, 1]]]),
    );
    const others = Array.from({ length: MAX_LEDGER_WRITERS }, (_, index) => recordOf({ writerId: writer(index) }));
    for (const other of others) content.takeLine(JSON.stringify(other));
    content = content.fold(always, never);
    expect(Object.entries(content.former.dropped)).toEqual(reasons.map((reason) => [reason, 1]));
  });

  it(`keeps the ranges of ${MAX_LEDGER_WRITERS} writers, and only the sums of those heard of least lately`, () => {
    const count = MAX_LEDGER_WRITERS + 2;
    const records = Array.from({ length: count }, (_, index) =>
      recordOf({ writerId: writer(index), firstSequence: 5, eventCount: 2 }),
    );
    let content = contentOf(...records).fold(always, never);
    expect(content.writers.size).toBe(MAX_LEDGER_WRITERS);
    expect(content.writers.has(writer(1))).toBe(false);
    expect(content.writers.has(writer(2))).toBe(true);
    const former = { ...NO_FORMER_WRITERS, writers: 2, segments: 2, bytes: 16, delivered: 4, lost: 10 };
    expect(content.former).toEqual(former);

    // One that is heard of again is not the oldest any more.
    content.takeLine(JSON.stringify(recordOf({ writerId: writer(2), firstSequence: 7 })));
    const late = { writerId: writer(9999), firstSequence: 0, outcome: 'dropped', reason: 'age' } as const;
    content.takeLine(JSON.stringify(recordOf(late)));
    content = content.fold(always, never);
    expect(content.writers.has(writer(2))).toBe(true);
    expect(content.writers.has(writer(3))).toBe(false);
    expect(content.former).toMatchObject({ writers: 3, delivered: 6, lost: 15 });
    const [first] = content.toLines().split('\n');
    expect(JSON.parse(first ?? '')).toEqual(content.former);
  });

  it('never forgets the ranges of a writer that has files, or records with files', () => {
    const count = MAX_LEDGER_WRITERS + 3;
    const records = Array.from({ length: count }, (_, index) => recordOf({ writerId: writer(index) }));
    const waiting = recordOf({ writerId: writer(1), firstSequence: 1 });
    const content = contentOf(...records, waiting).fold(
      (id) => id !== waiting.id,
      (writerId) => writerId === writer(0),
    );
    expect([writer(0), writer(1), writer(2), writer(4), writer(5)].map((id) => content.writers.has(id))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('adds up what was dropped by former writers, by reason', () => {
    const count = MAX_LEDGER_WRITERS + 2;
    const records = Array.from({ length: count }, (_, index) =>
      recordOf({
        writerId: writer(index),
        outcome: 'dropped',
        reason: index === 0 ? 'age' : 'totalBytes',
        eventCount: 4,
      }),
    );
    const more = recordOf({ writerId: writer(0), firstSequence: 4, outcome: 'quarantined', reason: 'x' });
    const content = contentOf(...records.slice(0, 1), more, ...records.slice(1)).fold(always, never);
    expect(content.former).toMatchObject({ dropped: { age: 4, totalBytes: 4 }, quarantined: 1, lost: 0 });
  });

  it('gives a record without a readable id to no writer', () => {
    const content = contentOf({ ...recordOf(), id: 'x' }).fold(always, never);
    expect([...content.writers.keys()]).toEqual(['']);
  });
});
