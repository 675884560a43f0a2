import type { SegmentMetadata } from '@relaykit/types';
import type { LedgerContent } from './ledger-content.ts';
import { addRecord, addToReason, allRanges, noTotals, type WriterTotals, writerOf } from './ledger-totals.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadataFile } from './metadata-file.ts';
import { isOf } from './segment-copies.ts';
import { addRange, countEvents, gapsIn, type SequenceRange } from './sequence-ranges.ts';
import type { Spool } from './spool.ts';

/** Where every event number that a spool knows of is. The numbers are events. */
export interface SpoolAccounts {
  /** In sealed segments that wait for their delivery, held ones included. */
  readonly pending: number;
  readonly delivered: number;
  readonly quarantined: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Numbers before a known one that are nowhere: they were written and not synced when the power failed, or damaged. */
  readonly lost: number;
  /** Numbers that stand in two places; always 0 where everything works. */
  readonly repeated: number;
  /** Files that are being written, or wait for recovery; their events are not counted yet. */
  readonly unsealedFiles: number;
}

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
  spool: Pick<Spool, 'directory' | 'fileSystem' | 'ledger'>,
  { metadataOf = (id) => readMetadataFile(spool.fileSystem, spool.directory, id) }: SpoolAccountsOptions = {},
): Promise<SpoolAccounts> {
  const ledger = await spool.ledger.content();
  const pending = await pendingRanges(spool, ledger, metadataOf);
  const settled = settledByWriter(ledger);
  const { former } = ledger;
  let { dropped } = former;
  const sums = {
    pending: 0,
    delivered: former.delivered,
    quarantined: former.quarantined,
    lost: former.lost,
    repeated: 0,
  };
  for (const writerId of new Set([...settled.keys(), ...pending.byWriter.keys()])) {
    const totals = settled.get(writerId) ?? noTotals(writerId);
    const waiting = pending.byWriter.get(writerId) ?? [];
    const parts = [waiting, totals.delivered, totals.quarantined, ...Object.values(totals.dropped)];
    const all = waiting.reduce(addRange, allRanges(totals));
    sums.pending += countEvents(waiting);
    sums.delivered += countEvents(totals.delivered);
    sums.quarantined += countEvents(totals.quarantined);
    sums.lost += countEvents(gapsIn(all));
    sums.repeated += parts.reduce((sum, ranges) => sum + countEvents(ranges), 0) - countEvents(all);
    for (const [reason, ranges] of Object.entries(totals.dropped)) {
      dropped = addToReason(dropped, reason, countEvents(ranges));
    }
  }
  return { ...sums, dropped, unsealedFiles: pending.unsealedFiles };
}

async function pendingRanges(
  spool: Pick<Spool, 'directory' | 'fileSystem'>,
  ledger: LedgerContent,
  metadataOf: NonNullable<SpoolAccountsOptions['metadataOf']>,
): Promise<{ byWriter: ReadonlyMap<string, readonly SequenceRange[]>; unsealedFiles: number }> {
  const byWriter = new Map<string, SequenceRange[]>();
  let unsealedFiles = 0;
  for (const { kind, segment } of await listSpoolFiles(spool)) {
    if (kind === 'active' || kind === 'atomic') unsealedFiles += 1;
    if (kind !== 'sealed' || ledger.records.has(segment.id)) continue;
    const metadata = await metadataOf(segment.id);
    if (!metadata || !isOf(metadata, segment)) continue;
    const ranges = byWriter.get(segment.writerId) ?? [];
    // Not joined: what two segments claim must be seen twice.
    ranges.push([metadata.firstSequence, metadata.eventCount]);
    byWriter.set(segment.writerId, ranges);
  }
  return { byWriter, unsealedFiles };
}

function settledByWriter(ledger: LedgerContent): ReadonlyMap<string, WriterTotals> {
  const settled = new Map(ledger.writers);
  for (const record of ledger.records.values()) {
    const writerId = writerOf(record);
    settled.set(writerId, addRecord(settled.get(writerId) ?? noTotals(writerId), record));
  }
  return settled;
}
