import { isCount } from './is-count.ts';

/** A segment that was in quarantine waits for its delivery again: what was recorded of it before is no longer true. */
export interface RequeueRecord {
  readonly kind: 'requeued';
  readonly id: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
}

/** What became of one segment that is gone, as a line of `ledger.ndjson`. */
export interface LedgerRecord {
  readonly kind: 'segment';
  /** Segment id. Of several records with one id the first counts. */
  readonly id: string;
  readonly outcome: 'delivered' | 'quarantined' | 'dropped';
  /** Of what was removed from quarantine: the record takes the place of the one that says how it got there. */
  readonly from?: 'quarantine';
  /** Why, for what was not delivered: `totalBytes`, `age`, `http 413` … */
  readonly reason?: string;
  /** What the receiver answered, if it named one. */
  readonly receipt?: string;
  /** Sequence number of the first event among those of the writer. */
  readonly firstSequence: number;
  readonly eventCount: number;
  /**
   * Of a sealed segment that a repair moved aside: the events that its metadata claimed. Those of them that stand nowhere
   * else are lost. Its `eventCount` is 0, since what is whole in it counts in another segment.
   */
  readonly claimedEvents?: number;
  readonly bytes: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
}

const OUTCOMES: ReadonlySet<unknown> = new Set(['delivered', 'quarantined', 'dropped']);

export function isLedgerRecord(value: unknown): value is LedgerRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, id, outcome, firstSequence, eventCount, claimedEvents = 0, bytes } = value as Partial<LedgerRecord>;
  return (
    kind === 'segment' &&
    typeof id === 'string' &&
    OUTCOMES.has(outcome) &&
    isCount(firstSequence) &&
    isCount(eventCount) &&
    isCount(claimedEvents) &&
    isCount(bytes)
  );
}

export function isRequeueRecord(value: unknown): value is RequeueRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, id } = value as Partial<RequeueRecord>;
  return kind === 'requeued' && typeof id === 'string';
}

/** Whether a record counts beside the one that is known of its segment: the first does, and what ends a quarantine. */
export function counts(record: LedgerRecord, known: LedgerRecord | undefined): boolean {
  return !known || (record.from === 'quarantine' && known.outcome === 'quarantined');
}
