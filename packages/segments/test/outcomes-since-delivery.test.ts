// Goal: what stands behind the last delivery is told, also after the ledger was folded.

import { expect, it } from 'vitest';
import { LedgerContent } from '../src/ledger-content.ts';
import type { LedgerRecord } from '../src/ledger-record.ts';
import { outcomesSinceDelivery } from '../src/outcomes-since-delivery.ts';

const record = (first: number, outcome: LedgerRecord['outcome'], more: Partial<LedgerRecord> = {}): LedgerRecord => ({
  kind: 'segment',
  id: `20260101T000000000Z-${String(first).padStart(12, '0')}-aaaaaaaaaa`,
  outcome,
  firstSequence: first,
  eventCount: 1,
  bytes: 1,
  at: '2026-01-01T00:00:00.000Z',
  ...more,
});

it('tells what was not delivered since, without what somebody discarded from quarantine', () => {
  const records = [
    record(0, 'quarantined', { reason: 'old' }),
    record(1, 'delivered'),
    record(2, 'quarantined', { reason: 'rejected: no' }),
    record(3, 'dropped', { from: 'quarantine', reason: 'discarded' }),
    record(4, 'dropped', { from: 'quarantine', reason: 'quarantineFull' }),
    record(5, 'dropped', { reason: 'totalBytes' }),
  ];
  expect(outcomesSinceDelivery(records)).toEqual([
    { status: 'quarantined', reason: 'rejected: no' },
    { status: 'dropped', reason: 'quarantineFull' },
    { status: 'dropped', reason: 'totalBytes' },
  ]);
});

it('knows the last delivery after a folding, which keeps what is in quarantine', () => {
  const content = new LedgerContent();
  const refused = record(0, 'quarantined', { reason: 'rejected: no' });
  for (const line of [refused, record(1, 'delivered'), record(2, 'delivered')]) content.takeLine(JSON.stringify(line));
  const folded = content.fold(
    (id) => id !== refused.id,
    () => true,
  );
  expect([...folded.records.values()]).toEqual([refused, record(2, 'delivered')]);
  expect(outcomesSinceDelivery(folded.records.values())).toEqual([]);
});
