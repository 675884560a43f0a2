import type { SegmentOutcome } from '@relaykit/types';
import type { LedgerRecord } from './ledger-record.ts';
import { QUARANTINE_FULL_REASON } from './quarantine.ts';

/** What became of the segments behind the last delivered one, in the order of their records. */
export function outcomesSinceDelivery(records: Iterable<LedgerRecord>): readonly SegmentOutcome[] {
  let outcomes: SegmentOutcome[] = [];
  for (const { outcome, from, reason = 'other' } of records) {
    if (outcome === 'delivered') outcomes = [];
    // Somebody who discards what was quarantined has looked at it; a quarantine that is full looks at nothing.
    else if (from !== 'quarantine' || reason === QUARANTINE_FULL_REASON) outcomes.push({ status: outcome, reason });
  }
  return outcomes;
}
