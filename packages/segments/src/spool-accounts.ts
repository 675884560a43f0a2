import type { SegmentMetadata } from '@relaykit/types';
import type { LedgerContent } from './ledger-content.ts';
import type { LedgerRecord } from './ledger-record.ts';
import { addRecord, addToReason, allRanges, noTotals, type WriterTotals, writerOf } from './ledger-totals.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadataFile } from './metadata-file.ts';
import { removalOutcome, toLedgerRecord } from './removal.ts';
import { isOf } from './segment-copies.ts';
import { addRange, countEvents, gapsIn, type SequenceRange } from './sequence-ranges.ts';
import type { Spool } from './spool.ts';

/** Where every event number that a spool knows of is. The numbers are events. */
export interface SpoolAccounts {
  /** In sealed segments that wait for their delivery, held ones included. */
  readonly pending: number;
  readonly delivered: number;
  readonly quarantined: number;
  /** By reason, without those of no event. */
  readonly dropped: Readonly<Record<string, number>>;
  /**
   * Numbers that are nowhere, before a known one or claimed by a damaged segment: they were written and not synced when
   * the power failed, or damaged.
   */
  readonly lost: number;
  /** Numbers that stand in two places; always 0 where everything works. */
  readonly repeated: number;
  /** Files that are being written, or wait for recovery; their events are not counted yet. */
  readonly unsealedFiles: number;
}

/** Where `accountForSpool` takes metadata from. */
export interface SpoolAccountsOptions {
  /** Where metadata comes from, for who keeps it: that of a sealed segment hardly ever changes. Defaults to the files. */
  readonly metadataOf?: (id: string) => Promise<SegmentMetadata | undefined>;
}

/**
 * Accounts for every event of a spool, across restarts, crashes and processes: each writer numbers its events from 0,
 * and each number is pending, delivered, quarantined, dropped for a reason, or lost. Reads the ledger and the metadata of
 * what waits, not the segments.
 */
export async function accountForSpool(
  spool: Pick<Spool, 'directory' | 'fileSystem' | 'clock' | 'ledger'>,
  { metadataOf = (id) => readMetadataFile(spool.fileSystem, spool.directory, id) }: SpoolAccountsOptions = {},
): Promise<SpoolAccounts> {
  let ledger = await spool.ledger.content();
  let found: SpoolContent;
  let quarantined: readonly string[];
  do {
    quarantined = quarantinedIn(ledger);
    // The files come first: what is settled while they are looked at stands in the ledger by then. What leaves
    // quarantine goes the other way, and is looked for again.
    found = await readContent(spool, metadataOf);
    ledger = await spool.ledger.content();
  } while (quarantined.some(lostItsRecord(ledger)));
  const pending = pendingRanges(found, ledger);
  const settled = settledByWriter(ledger, found.leaving);
  const { former } = ledger;
  let { dropped } = former;
  const sums = {
    pending: 0,
    delivered: former.delivered,
    quarantined: former.quarantined,
    lost: former.lost,
    repeated: 0,
  };
  for (const writerId of new Set([...settled.keys(), ...pending.keys()])) {
    const totals = settled.get(writerId) ?? noTotals(writerId);
    const waiting = pending.get(writerId) ?? [];
    const parts = [waiting, totals.delivered, totals.quarantined, ...Object.values(totals.dropped)];
    const all = waiting.reduce(addRange, allRanges(totals));
    sums.pending += countEvents(waiting);
    sums.delivered += countEvents(totals.delivered);
    sums.quarantined += countEvents(totals.quarantined);
    sums.lost += countLost(gapsIn(all, totals.claimedEnd), found.unsealed.get(writerId) ?? []);
    sums.repeated += parts.reduce((sum, ranges) => sum + countEvents(ranges), 0) - countEvents(all);
    for (const [reason, ranges] of Object.entries(totals.dropped)) {
      dropped = addToReason(dropped, reason, countEvents(ranges));
    }
  }
  // A file that a repair had put aside is discarded with no event of its own.
  dropped = Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0));
  return { ...sums, dropped, unsealedFiles: [...found.unsealed.values()].flat().length };
}

function quarantinedIn({ records }: LedgerContent): readonly string[] {
  return [...records.values()].filter(({ outcome }) => outcome === 'quarantined').map(({ id }) => id);
}

/** By a requeue; or because it was folded, which only costs another look. */
function lostItsRecord({ records }: LedgerContent): (id: string) => boolean {
  return (id) => !records.has(id);
}

interface SpoolContent {
  readonly sealed: ReadonlyMap<string, SegmentMetadata>;
  /** What the ledger will say of segments whose removal is under way: their names tell. */
  readonly leaving: ReadonlyMap<string, LedgerRecord>;
  /** First numbers of unfinished files, by writer. */
  readonly unsealed: ReadonlyMap<string, readonly number[]>;
}

async function readContent(
  spool: Pick<Spool, 'directory' | 'fileSystem' | 'clock'>,
  metadataOf: NonNullable<SpoolAccountsOptions['metadataOf']>,
): Promise<SpoolContent> {
  const sealed = new Map<string, SegmentMetadata>();
  const leaving = new Map<string, LedgerRecord>();
  const unsealed = new Map<string, number[]>();
  for (const { kind, segment, reason = '' } of await listSpoolFiles(spool)) {
    const { id, firstSequence, writerId } = segment;
    if (kind === 'active' || kind === 'atomic') {
      unsealed.set(writerId, [...(unsealed.get(writerId) ?? []), firstSequence]);
    }
    if (kind !== 'sealed' && kind !== 'gone') continue;
    const metadata = await metadataOf(id);
    if (metadata && kind === 'gone') leaving.set(id, toLedgerRecord(spool, metadata, removalOutcome(reason)));
    if (metadata && kind === 'sealed' && isOf(metadata, segment)) sealed.set(id, metadata);
  }
  // A listing that is made during the rename may name a segment both ways.
  for (const id of leaving.keys()) sealed.delete(id);
  return { sealed, leaving, unsealed };
}

function pendingRanges({ sealed }: SpoolContent, ledger: LedgerContent): ReadonlyMap<string, readonly SequenceRange[]> {
  const byWriter = new Map<string, SequenceRange[]>();
  for (const { id, writerId, firstSequence, eventCount } of sealed.values()) {
    if (ledger.records.has(id)) continue;
    const ranges = byWriter.get(writerId) ?? [];
    // Not joined: what two segments claim must be seen twice.
    ranges.push([firstSequence, eventCount]);
    byWriter.set(writerId, ranges);
  }
  return byWriter;
}

/** Numbers from the first one of an unfinished file on may stand in it. */
function countLost(gaps: readonly SequenceRange[], unsealed: readonly number[]): number {
  const lostOf = ([first, count]: SequenceRange): number => {
    const open = unsealed.filter((sequence) => sequence >= first && sequence < first + count);
    return Math.min(count, ...open.map((sequence) => sequence - first));
  };
  return gaps.reduce((sum, gap) => sum + lostOf(gap), 0);
}

function settledByWriter(
  ledger: LedgerContent,
  leaving: ReadonlyMap<string, LedgerRecord>,
): ReadonlyMap<string, WriterTotals> {
  const settled = new Map(ledger.writers);
  for (const record of new Map([...leaving, ...ledger.records]).values()) {
    const writerId = writerOf(record);
    settled.set(writerId, addRecord(settled.get(writerId) ?? noTotals(writerId), record));
  }
  return settled;
}
