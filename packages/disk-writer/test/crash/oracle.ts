// The promises of the architecture, checked on a spool after a recovery.
import type { FilesByPath } from '@relaykit/testing';
import type { Durability } from '@relaykit/types';
import type { SentEvent, Settlement } from './crash-journal.ts';
import type { Expectation } from './expectation.ts';
import {
  type FoldedRange,
  type LedgerLine,
  type PendingSegment,
  readSpoolContents,
  type SpoolContents,
} from './spool-contents.ts';

export interface OracleOptions {
  /** `written` after a kill: everything acknowledged is there. `synced` after a power cut. */
  readonly survives: Durability;
  /** Whether a sync of the scenario may fail: then events change their segment. */
  readonly mayMove: boolean;
}

let stateNumber = 0;

/** @throws Error - a promise is broken; the message says which, and by what. */
export function checkPromises(files: FilesByPath, expectation: Expectation, options: OracleOptions): void {
  stateNumber += 1;
  const contents = readSpoolContents(files, options.mayMove && options.survives === 'synced');
  markSettled(contents, expectation);
  checkPending(contents, expectation, options);
  checkRanges(contents);
  checkKept(expectation, options);
}

/** Promise 5, and the settled side of promises 1, 2 and 4. */
function markSettled({ ledger, folded, quarantined, pending }: SpoolContents, expectation: Expectation): void {
  const pendingIds = new Set(pending.map(({ id }) => id));
  for (const [id, record] of ledger) {
    if (pendingIds.has(id)) throw new Error(`pending although the ledger has it as ${record.outcome}: ${id}`);
    const settlement = expectation.settlements.get(id);
    if (settlement) checkRecord(record, settlement);
    else checkUnasked(record, quarantined, expectation);
  }
  for (const settlement of expectation.settlements.values()) {
    const { id, outcome, texts, isAcknowledged } = settlement;
    if (!ledger.has(id) && !folded.some((range) => covers(range, settlement))) {
      if (isAcknowledged) throw new Error(`settled and forgotten: ${id} (${outcome})`);
      continue;
    }
    if (outcome === 'quarantined' && quarantined.get(id)?.join('\n') !== texts.join('\n')) {
      throw new Error(`quarantined, and the quarantine does not hold it whole: ${id}`);
    }
    for (const text of texts) eventOf(text, expectation, id).settledIn = stateNumber;
  }
}

function checkRecord({ id, outcome, reason, eventCount }: LedgerLine, settlement: Settlement): void {
  // Whoever had begun to settle it died before anything of that was durable, and it was given up instead.
  if (!settlement.isAcknowledged && outcome === 'dropped' && reason === 'fileCount') return;
  if (outcome !== settlement.outcome) {
    throw new Error(`settled as ${settlement.outcome}, recorded as ${outcome} (${reason}): ${id}`);
  }
  if (eventCount !== settlement.texts.length) {
    throw new Error(`recorded with ${eventCount} events instead of ${settlement.texts.length}: ${id}`);
  }
}

function covers({ writerId, outcome, firstSequence, eventCount }: FoldedRange, settlement: Settlement): boolean {
  const first = sequenceOf(settlement.id);
  return (
    writerId === writerOf(settlement.id) &&
    outcome === settlement.outcome &&
    firstSequence <= first &&
    firstSequence + eventCount >= first + settlement.texts.length
  );
}

/** What recovery and retention record by themselves. */
function checkUnasked(record: LedgerLine, quarantined: SpoolContents['quarantined'], expectation: Expectation): void {
  const { id, outcome, reason, firstSequence, eventCount } = record;
  if (outcome === 'quarantined') {
    if (eventCount !== 0) throw new Error(`quarantined by recovery with ${eventCount} events: ${id}`);
    if (!quarantined.has(id)) throw new Error(`recorded as quarantined, and the file is not there: ${id}`);
    return;
  }
  const numbered = expectation.bySequence.get(writerOf(id)) ?? [];
  for (let sequence = firstSequence; sequence < firstSequence + eventCount; sequence += 1) {
    const event = numbered[sequence];
    if (!event) continue;
    if (reason === 'missing') throw new Error(`acknowledged and recorded as missing: ${event.text} in ${id}`);
    event.settledIn = stateNumber;
  }
}

/** Promises 2 and 3. */
function checkPending({ pending }: SpoolContents, expectation: Expectation, { mayMove }: OracleOptions): void {
  const lastOrder = new Map<string, SentEvent>();
  for (const segment of pending) {
    for (const [index, text] of segment.lines.entries()) {
      const event = eventOf(text, expectation, segment.id);
      if (event.pendingIn === stateNumber) throw new Error(`recovered twice, again in ${segment.id}: ${text}`);
      if (event.settledIn === stateNumber) throw new Error(`recovered from ${segment.id} though settled: ${text}`);
      event.pendingIn = stateNumber;
      checkPlace(event, segment, index, mayMove);
      const last = lastOrder.get(segment.writerId);
      if (last && last.order >= event.order) throw new Error(`out of order: ${last.text} before ${text}`);
      lastOrder.set(segment.writerId, event);
    }
  }
  checkWhole(pending, expectation);
}

/** Where the receipt said. */
function checkPlace(event: SentEvent, segment: PendingSegment, index: number, mayMove: boolean): void {
  if (event.promised === undefined || segment.isSalvaged) return;
  const sequence = segment.firstSequence + index;
  if (sequence !== event.sequence && !event.isKernelLost && !mayMove) {
    throw new Error(`numbered ${sequence} in ${segment.id}, the receipt said ${event.sequence}: ${event.text}`);
  }
  if (!mayMove && segment.id !== event.segmentId) {
    throw new Error(`found in ${segment.id}, the receipt said ${event.segmentId}: ${event.text}`);
  }
}

/** Atomic batches: whole or not at all. */
function checkWhole(pending: readonly PendingSegment[], { journal }: Expectation): void {
  const touched = new Set<SentEvent['batch']>();
  for (const { lines } of pending) {
    for (const text of lines) {
      const batch = journal.events.get(text)?.batch;
      if (!batch?.isAtomic) continue;
      if (!touched.has(batch)) batch.seen = 0;
      touched.add(batch);
      batch.seen += 1;
    }
  }
  for (const { seen, events } of touched) {
    if (seen !== events.length)
      throw new Error(`${seen} of ${events.length} events of an atomic batch: ${events[0]?.text}`);
  }
}

/** Promise 4: no number in two places. */
function checkRanges({ pending, ledger, folded }: SpoolContents): void {
  const ranges = [
    ...[...pending, ...ledger.values()].map((item) => ({ ...item, writerId: writerOf(item.id) })),
    ...folded,
  ]
    .filter(({ eventCount }) => eventCount > 0)
    .map(({ writerId, firstSequence: first, eventCount }) => ({ writerId, first, end: first + eventCount }))
    .sort((a, b) => compare(a.writerId, b.writerId) || a.first - b.first);
  for (const [index, { writerId, first, end }] of ranges.entries()) {
    const previous = ranges[index - 1];
    if (previous?.writerId === writerId && previous.end > first) {
      throw new Error(`numbers of ${writerId} overlap: ${previous.first} to ${previous.end}, ${first} to ${end}`);
    }
  }
}

/** Promise 1. */
function checkKept({ promised }: Expectation, { survives }: OracleOptions): void {
  for (const event of promised) {
    if (event.pendingIn === stateNumber || event.settledIn === stateNumber) continue;
    const isSafe = survives === 'written' || event.isCovered;
    if (event.promised === 'synced' || (isSafe && !event.isKernelLost)) {
      const covered = event.isCovered ? ', covered by a later sync,' : '';
      throw new Error(`acknowledged as ${event.promised}${covered} and lost: ${event.text} of ${event.segmentId}`);
    }
  }
}

function eventOf(text: string, { journal }: Expectation, id: string): SentEvent {
  const event = journal.events.get(text);
  if (!event) throw new Error(`invented in ${id}: ${JSON.stringify(text)}`);
  return event;
}

function writerOf(id: string): string {
  return id.slice(-10);
}

function sequenceOf(id: string): number {
  return Number(id.split('-')[1]);
}

function compare(first: string, second: string): number {
  return first < second ? -1 : first > second ? 1 : 0;
}
