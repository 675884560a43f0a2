import { type LedgerContent, parseSegmentId } from '@relaykit/segments';
import type { SegmentMetadata } from '@relaykit/types';

/** What the rates look back on, at most. */
export const RATE_WINDOW_MS = 3_600_000;

/** Events in a second over the window. */
export interface SpoolRates {
  /** Length of the window: an hour, or as long as the spool can tell. */
  readonly windowMs: number;
  /** Sealed in it, or settled in it since. */
  readonly addedPerSecond: number;
  readonly deliveredPerSecond: number;
}

/**
 * Rates out of what is on disk: metadata says when a segment was sealed, the ledger when it was settled. A ledger that
 * was folded names only what came after that one by one, so the window begins there.
 */
export function spoolRates(ledger: LedgerContent, waiting: readonly SegmentMetadata[], nowMs: number): SpoolRates {
  const records = [...ledger.records.values()].map((record) => ({ ...record, atMs: Date.parse(record.at) }));
  const isFolded = ledger.writers.size > 0 || ledger.former.writers > 0;
  const begins = isFolded ? records.map(({ atMs }) => atMs) : [];
  const firsts = [...records.map(({ id }) => timeIn(id)), ...waiting.map(({ createdAt }) => Date.parse(createdAt))];
  const known = Math.max(least(begins, Number.NEGATIVE_INFINITY), least(firsts, nowMs));
  const startMs = Math.max(nowMs - RATE_WINDOW_MS, Math.min(known, nowMs));
  const windowMs = nowMs - startMs;
  const seconds = Math.max(1, windowMs / 1_000);

  let added = 0;
  let delivered = 0;
  for (const { sealedAt, eventCount } of waiting) if (Date.parse(sealedAt) > startMs) added += eventCount;
  for (const { id, atMs, outcome, eventCount } of records) {
    if (timeIn(id) >= startMs) added += eventCount;
    if (outcome === 'delivered' && atMs > startMs) delivered += eventCount;
  }
  return { windowMs, addedPerSecond: added / seconds, deliveredPerSecond: delivered / seconds };
}

function least(times: readonly number[], otherwise: number): number {
  return times.reduce((least, time) => Math.min(least, time), times.length > 0 ? Number.POSITIVE_INFINITY : otherwise);
}

/** When a segment was begun, in milliseconds since the epoch. */
function timeIn(id: string): number {
  return parseSegmentId(id)?.createdAtMs ?? 0;
}
