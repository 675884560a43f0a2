// Goal: what was written once stays readable for ever, and docs/FORMAT.md shows what is written.
// Method: open a copy of each golden spool and find exactly what must be found; make each anew and compare the bytes.
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '@relaykit/testing';
import type { SegmentMetadata } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { accountForSpool, type RecoveryReport, readSpool, recoverSpool, Spool } from '../src/index.ts';
import { eventOf, FIRST_WRITER, goldenDirectory, goldenSpools, SECOND_WRITER, START_MS } from './golden-spools.ts';
import { hexDump } from './hex-dump.ts';
import { JsonLines } from './json-lines.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Id of a segment begun so many milliseconds after the start. */
function id(afterMs: number, firstSequence: number, writerId: string = FIRST_WRITER): string {
  const time = new Date(START_MS + afterMs).toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${String(firstSequence).padStart(12, '0')}-${writerId}`;
}

interface Expected {
  /** What recovery reports; everything that is not named is 0. */
  readonly report: Partial<RecoveryReport>;
  /** Numbers of the events that are pending afterwards, by segment, in order. */
  readonly events: Readonly<Record<string, readonly number[]>>;
  /** Members of the metadata that tell the story, by segment. */
  readonly metadata?: Readonly<Record<string, Partial<SegmentMetadata>>>;
  /** `id outcome reason` of each record in the ledger afterwards. */
  readonly ledger?: readonly string[];
  /** Files afterwards, beside sealed segments, their metadata, `spool.json` and the ledger. */
  readonly others?: readonly string[];
  readonly accounts: Partial<Awaited<ReturnType<typeof accountForSpool>>>;
}

const expectedSpools: Readonly<Record<string, Expected>> = {
  example: {
    report: { filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 2, bytesCut: 10 },
    events: { [id(12_000, 2)]: [2, 3, 4], [id(58_000, 5)]: [5, 6] },
    ledger: [`${id(0, 0)} delivered`],
    others: [`${id(12_000, 2)}.export.json`],
    metadata: { [id(12_000, 2)]: { sealReason: 'events' }, [id(58_000, 5)]: { sealReason: 'recovered' } },
    accounts: { pending: 5, delivered: 2 },
  },
  sealed: {
    report: {},
    events: { [id(0, 0)]: [0, 1, 2], [id(1_000, 0, SECOND_WRITER)]: [0], [id(2_000, 3)]: [3, 4] },
    others: ['notes.txt'],
    accounts: { pending: 6 },
  },
  'metadata-beside-open': {
    report: { segmentsRecovered: 1, eventsSalvaged: 2 },
    events: { [id(0, 0)]: [0, 1] },
    accounts: { pending: 2 },
  },
  'failed-sync': {
    report: { segmentsRecovered: expect.any(Number), eventsSalvaged: expect.any(Number) },
    events: { [id(0, 0)]: [0, 1], [id(1, 2)]: [2, 3] },
    metadata: { [id(0, 0)]: { sealReason: 'failure', continuedIn: id(1, 2) }, [id(1, 2)]: { sealReason: 'failure' } },
    accounts: { pending: 4 },
  },
  'failed-sync-uncommitted': {
    report: { filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 4 },
    events: { [id(0, 0)]: [0, 1, 2, 3] },
    accounts: { pending: 4 },
  },
  atomic: {
    report: { segmentsRecovered: 1, eventsSalvaged: 1 },
    events: { [id(1_000, 0, SECOND_WRITER)]: [0] },
    metadata: { [id(1_000, 0, SECOND_WRITER)]: { sealReason: 'flush' } },
    accounts: { pending: 1 },
  },
  'damaged-open': {
    report: { filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 2, framesSkipped: 1, filesQuarantined: 1 },
    events: { [id(1, 0)]: [0, 2] },
    ledger: [`${id(0, 0)} quarantined damaged`],
    others: [`quarantine/${id(0, 0)}.ndjson.open`],
    metadata: { [id(1, 0)]: { sealReason: 'salvaged', supersedes: id(0, 0), exportReady: true } },
    accounts: { pending: 2 },
  },
  'lost-files': {
    report: { filesScanned: 1, metadataRebuilt: 1, segmentsMissing: 1 },
    events: { [id(0, 0)]: [0, 1] },
    ledger: [`${id(1_000, 2)} dropped missing`],
    metadata: { [id(0, 0)]: { sealReason: 'recovered', exportReady: false, heldReason: 'metadataLost' } },
    accounts: { pending: 2, dropped: { missing: 1 } },
  },
  gone: {
    report: { removalsFinished: 2 },
    events: {},
    ledger: [`${id(1_000, 2)} delivered`, `${id(0, 0)} dropped totalBytes`],
    accounts: { delivered: 1, dropped: { totalBytes: 2 } },
  },
  quarantined: {
    report: { removalsFinished: 1 },
    events: {},
    ledger: [`${id(0, 0)} quarantined rejected: http 422`, `${id(1_000, 2)} quarantined rejected: http 422`],
    others: [id(0, 0), id(1_000, 2)].flatMap((name) => [`quarantine/${name}.meta.json`, `quarantine/${name}.ndjson`]),
    accounts: { quarantined: 3 },
  },
  held: {
    report: { filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 1 },
    events: { [id(0, 0)]: [0, 1], [id(1_000, 2)]: [2] },
    metadata: {
      [id(0, 0)]: { exportReady: false, heldReason: 'holdExport' },
      [id(1_000, 2)]: { sealReason: 'recovered', exportReady: false, heldReason: 'holdExport' },
    },
    accounts: { pending: 3 },
  },
  requeued: {
    report: { removalsFinished: 1 },
    events: { [id(0, 0)]: [0, 1] },
    ledger: [`${id(2_000, 2)} dropped discarded`, `${id(3_000, 3)} dropped toolarge`],
    accounts: { pending: 2, dropped: { discarded: 1, toolarge: 1 } },
  },
  'torn-ledger': {
    report: {},
    events: { [id(2_000, 5)]: [5] },
    ledger: [`${id(0, 0)} delivered`, `${id(1_000, 2)} dropped age`],
    accounts: { pending: 1, delivered: 2, dropped: { age: 3 } },
  },
  'folded-ledger': {
    report: {},
    events: { [id(3_000, 9)]: [9, 10] },
    ledger: [`${id(2_000, 7)} delivered`],
    accounts: { pending: 2, delivered: 16, quarantined: 1, dropped: { totalBytes: 3, age: 2 }, lost: 2 },
  },
  repaired: {
    report: {},
    events: { [id(1, 0)]: [0, 2] },
    ledger: [`${id(0, 0)} quarantined damaged`],
    others: [`quarantine/${id(0, 0)}.meta.json`, `quarantine/${id(0, 0)}.ndjson`],
    metadata: { [id(1, 0)]: { sealReason: 'salvaged', supersedes: id(0, 0), heldReason: 'damagedSource' } },
    // Of the last three and two events of two writers, 0 and 1 are the numbers of what is whole.
    accounts: { pending: 2, lost: 3 },
  },
  checksums: {
    report: { filesScanned: 1, segmentsRecovered: 1, eventsSalvaged: 1 },
    events: { [id(0, 0)]: [0, 1], [id(1_000, 2)]: [2] },
    metadata: { [id(0, 0)]: { sealReason: 'events' }, [id(1_000, 2)]: { sealReason: 'recovered', exportReady: true } },
    accounts: { pending: 3 },
  },
};

/** A copy to work on. Git keeps no modes, and a spool has to be private. */
function copyOf(name: string): string {
  const directory = temporaryDirectory();
  cpSync(join(goldenDirectory, name), directory, { recursive: true });
  chmodSync(directory, 0o700);
  return directory;
}

function openSpool(directory: string): Spool {
  return Spool.openSync({ directory, clock: new ManualClock({ epochMs: START_MS + 3_600_000 }) });
}

function filesIn(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1)).sort();
}

function readMetadata(directory: string, segment: string): SegmentMetadata {
  return JSON.parse(readFileSync(join(directory, `${segment}.meta.json`), 'utf8')) as SegmentMetadata;
}

function contentsOf(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(filesIn(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]));
}

/** As it would have been written before metadata had a checksum, where the golden file is from then. */
function asOldAs(golden: Readonly<Record<string, string>>, made: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(made).map(([name, content]) => {
      const isOlder = name.endsWith('.meta.json') && golden[name]?.includes('"checksum"') === false;
      return [name, isOlder ? content.replace(/,\n {2}"checksum": "[0-9a-f]{64}"/u, '') : content];
    }),
  );
}

async function pendingIn(directory: string): Promise<Readonly<Record<string, readonly number[]>>> {
  const found: Record<string, number[]> = {};
  for await (const { event, segmentId } of readSpool(directory, { serializers: [new JsonLines()] })) {
    const { n } = event as ReturnType<typeof eventOf>;
    expect(event).toEqual(eventOf(n));
    found[segmentId] = [...(found[segmentId] ?? []), n];
  }
  return found;
}

it('every golden spool has its expectation', () => {
  expect(readdirSync(goldenDirectory).sort()).toEqual(Object.keys(expectedSpools).sort());
});

describe.each(Object.entries(expectedSpools))('the golden spool %s', (name, expected) => {
  it('is recovered to what must be found', async () => {
    const directory = copyOf(name);
    const spool = openSpool(directory);
    const {
      durationMs: _,
      newestSegmentAtMs: __,
      problems,
      quarantined,
      ...report
    } = await recoverSpool(spool, [new JsonLines()]);

    const nothing = Object.fromEntries(Object.keys(report).map((key) => [key, 0]));
    expect(report).toEqual({ ...nothing, ...expected.report });
    expect(problems).toEqual([]);
    expect(quarantined).toHaveLength(report.filesQuarantined);
    expect(await pendingIn(directory)).toEqual(expected.events);
    for (const [segment, numbers] of Object.entries(expected.events)) {
      const bytes = readFileSync(join(directory, `${segment}.ndjson`));
      expect(readMetadata(directory, segment)).toMatchObject({
        id: segment,
        eventCount: numbers.length,
        bytes: bytes.byteLength,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        ...expected.metadata?.[segment],
      });
    }

    const records = [...(await spool.ledger.content()).records.values()];
    const lines = records.map(({ id: segment, outcome, reason }) => [segment, outcome, reason ?? ''].join(' ').trim());
    expect(lines).toEqual(expected.ledger ?? []);
    const sealed = Object.keys(expected.events).flatMap((segment) => [`${segment}.ndjson`, `${segment}.meta.json`]);
    const ledger = lines.length > 0 ? ['ledger.lock', 'ledger.ndjson'] : [];
    expect(filesIn(directory)).toEqual([...sealed, ...ledger, 'spool.json', ...(expected.others ?? [])].sort());

    const empty = { pending: 0, delivered: 0, quarantined: 0, dropped: {}, lost: 0, repeated: 0, unsealedFiles: 0 };
    expect(await accountForSpool(spool)).toEqual({ ...empty, ...expected.accounts });
  });

  it('is left as it is by a second recovery', async () => {
    const directory = copyOf(name);
    const spool = openSpool(directory);
    await recoverSpool(spool, [new JsonLines()]);
    const once = contentsOf(directory);
    await recoverSpool(spool, [new JsonLines()]);
    expect(contentsOf(directory)).toEqual(once);
  });

  it('is what is written today', async () => {
    const directory = join(temporaryDirectory(), name);
    await goldenSpools[name]?.(directory);
    const golden = contentsOf(join(goldenDirectory, name));
    expect(asOldAs(golden, contentsOf(directory))).toEqual(golden);
  });
});

describe('the worked example in docs/FORMAT.md', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/FORMAT.md', import.meta.url)), 'utf8');
  const example = page.slice(page.indexOf('## A worked example'));
  const shown = (name: string, content: string) => {
    expect(example).toContain(`\`${name}\``);
    expect(example).toContain(`\`\`\`text\n${content.trimEnd()}\n\`\`\`\n`);
  };

  it('shows each file of the golden spool as it is', () => {
    const directory = join(goldenDirectory, 'example');
    for (const name of filesIn(directory).filter((file) => file !== 'ledger.lock')) {
      const bytes = readFileSync(join(directory, name));
      const isSegment = name.endsWith('.ndjson.open') || (name.endsWith('.ndjson') && name !== 'ledger.ndjson');
      shown(name, isSegment ? hexDump(bytes) : bytes.toString('utf8'));
      if (isSegment || name === 'spool.json') expect(example).toContain(`\`${name}\`, ${bytes.byteLength} bytes`);
    }
  });

  it('shows what recovery makes of it', async () => {
    const directory = copyOf('example');
    await recoverSpool(openSpool(directory), [new JsonLines()]);
    shown(`${id(58_000, 5)}.meta.json`, readFileSync(join(directory, `${id(58_000, 5)}.meta.json`), 'utf8'));
  });
});
