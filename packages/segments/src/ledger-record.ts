/** What became of one segment that is gone, as a line of `ledger.ndjson`. */
export interface LedgerRecord {
  readonly kind: 'segment';
  /** Segment id. Of several records with one id the first counts. */
  readonly id: string;
  readonly outcome: 'delivered' | 'quarantined' | 'dropped';
  /** Why, for what was not delivered: `totalBytes`, `age`, `http 413` … */
  readonly reason?: string;
  /** What the receiver answered, if it named one. */
  readonly receipt?: string;
  /** Sequence number of the first event among those of the writer. */
  readonly firstSequence: number;
  readonly eventCount: number;
  readonly bytes: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
}

const OUTCOMES: ReadonlySet<unknown> = new Set(['delivered', 'quarantined', 'dropped']);

export function isLedgerRecord(value: unknown): value is LedgerRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, id, outcome, firstSequence, eventCount, bytes } = value as Partial<LedgerRecord>;
  return (
    kind === 'segment' &&
    typeof id === 'string' &&
    OUTCOMES.has(outcome) &&
    Number.isSafeInteger(firstSequence) &&
    Number.isSafeInteger(eventCount) &&
    Number.isSafeInteger(bytes)
  );
}
