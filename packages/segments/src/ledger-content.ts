import { counts, isLedgerRecord, isRequeueRecord, type LedgerRecord } from './ledger-record.ts';
import {
  addRecord,
  addWriter,
  type FormerTotals,
  isFormerTotals,
  isWriterTotals,
  NO_FORMER_WRITERS,
  noTotals,
  type WriterTotals,
  writerOf,
} from './ledger-totals.ts';

/** Writers whose ranges are kept one by one; of older ones only the sums are. A process is a writer. */
export const MAX_LEDGER_WRITERS = 1_000;

/** Whether a line says anything: damaged ones, and what no version of ours has written, are passed over. */
export function isLedgerLine(line: string): boolean {
  const value = parse(line);
  return isLedgerRecord(value) || isRequeueRecord(value) || isWriterTotals(value) || isFormerTotals(value);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What the lines of a ledger say, in memory. */
export class LedgerContent {
  /** Segments that are named one by one still, by id, in the order of their lines. */
  readonly records: Map<string, LedgerRecord> = new Map();
  readonly writers: Map<string, WriterTotals> = new Map();
  /** Segments that came back from quarantine: that they have no record any more is something to rely on. */
  readonly requeued: Set<string> = new Set();
  former: FormerTotals = NO_FORMER_WRITERS;
  #lines = 0;

  get lineCount(): number {
    return this.#lines;
  }

  /** Takes a line in. A damaged one costs itself; of two records with one id the first counts. */
  takeLine(line: string): void {
    this.#lines += 1;
    const value = parse(line);
    if (isLedgerRecord(value)) {
      if (counts(value, this.records.get(value.id))) this.records.set(value.id, value);
    } else if (isRequeueRecord(value)) {
      if (this.records.get(value.id)?.outcome === 'quarantined') this.records.delete(value.id);
      this.requeued.add(value.id);
    } else if (isWriterTotals(value)) this.writers.set(value.writerId, value);
    else if (isFormerTotals(value)) this.former = value;
  }

  /**
   * The same with the records of segments that are gone folded into sums.
   *
   * @param isGone - Whether no file of the segment is left, durably: from then on nobody asks for its record.
   * @param isPresent - Whether a writer has files in the spool still.
   */
  fold(isGone: (id: string) => boolean, isPresent: (writerId: string) => boolean): LedgerContent {
    const folded = new LedgerContent();
    folded.former = this.former;
    for (const [writerId, totals] of this.writers) folded.writers.set(writerId, totals);
    const lastDelivered = this.#deliveredBehindQuarantine(isGone);
    for (const [id, record] of this.records) {
      if (!isGone(id) || id === lastDelivered) {
        folded.records.set(id, record);
        continue;
      }
      const writerId = writerOf(record);
      const totals = folded.writers.get(writerId) ?? noTotals(writerId);
      // Set anew, so that the writers stay in the order in which they were last heard of.
      folded.writers.delete(writerId);
      folded.writers.set(writerId, addRecord(totals, record));
    }
    folded.#retireWriters(isPresent);
    folded.#lines = folded.records.size + folded.writers.size + 1;
    return folded;
  }

  /** The last delivery: without it, what stays of months in quarantine would look as if nothing had been delivered since. */
  #deliveredBehindQuarantine(isGone: (id: string) => boolean): string | undefined {
    let isInQuarantine = false;
    let last: string | undefined;
    for (const [id, { outcome }] of this.records) {
      isInQuarantine ||= outcome === 'quarantined' && !isGone(id);
      if (isInQuarantine && outcome === 'delivered') last = id;
    }
    return last;
  }

  #retireWriters(isPresent: (writerId: string) => boolean): void {
    const named = new Set([...this.records.values()].map(writerOf));
    for (const [writerId, totals] of this.writers) {
      if (this.writers.size <= MAX_LEDGER_WRITERS) return;
      if (isPresent(writerId) || named.has(writerId)) continue;
      this.former = addWriter(this.former, totals);
      this.writers.delete(writerId);
    }
  }

  toLines(): string {
    const lines: readonly object[] = [
      ...(this.former.writers > 0 ? [this.former] : []),
      ...this.writers.values(),
      ...this.records.values(),
    ];
    return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  }
}
