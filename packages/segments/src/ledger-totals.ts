import { isCount } from './is-count.ts';
import type { LedgerRecord } from './ledger-record.ts';
import { parseSegmentId } from './segment-id.ts';
import { addRange, countEvents, gapsIn, type SequenceRange } from './sequence-ranges.ts';

/** What became of one writer's events, folded out of the records of segments that are gone. */
export interface WriterTotals {
  readonly kind: 'writer';
  readonly writerId: string;
  readonly segments: number;
  readonly bytes: number;
  readonly delivered: readonly SequenceRange[];
  readonly quarantined: readonly SequenceRange[];
  readonly dropped: Readonly<Record<string, readonly SequenceRange[]>>;
  /** The number behind the last one that a damaged segment claimed, if one did. */
  readonly claimedEnd?: number;
}

/** The same of writers so old that only their sums are kept. */
export interface FormerTotals {
  readonly kind: 'former';
  readonly writers: number;
  readonly segments: number;
  readonly bytes: number;
  readonly delivered: number;
  readonly quarantined: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** Numbers that none of their segments held. */
  readonly lost: number;
}

export const NO_FORMER_WRITERS: FormerTotals = {
  kind: 'former',
  writers: 0,
  segments: 0,
  bytes: 0,
  delivered: 0,
  quarantined: 0,
  dropped: {},
  lost: 0,
};

export function noTotals(writerId: string): WriterTotals {
  return { kind: 'writer', writerId, segments: 0, bytes: 0, delivered: [], quarantined: [], dropped: {} };
}

export function writerOf({ id }: LedgerRecord): string {
  return parseSegmentId(id)?.writerId ?? '';
}

/** Adds a segment's record to its writer's totals. */
export function addRecord(totals: WriterTotals, record: LedgerRecord): WriterTotals {
  const { outcome, reason = 'other', firstSequence, eventCount, claimedEvents = 0, bytes } = record;
  const range = [firstSequence, eventCount] as const;
  const end = claimedEvents > 0 ? Math.min(firstSequence + claimedEvents, Number.MAX_SAFE_INTEGER) : 0;
  const claimedEnd = Math.max(totals.claimedEnd ?? 0, end);
  const sums = {
    ...totals,
    segments: totals.segments + 1,
    bytes: totals.bytes + bytes,
    ...(claimedEnd > 0 ? { claimedEnd } : {}),
  };
  if (outcome !== 'dropped') return { ...sums, [outcome]: addRange(totals[outcome], range) };
  const ranges = addRange(ownValue(totals.dropped, reason) ?? [], range);
  return { ...sums, dropped: { ...totals.dropped, [reason]: ranges } };
}

/** Adds to the sum of one reason. */
export function addToReason(
  sums: Readonly<Record<string, number>>,
  reason: string,
  count: number,
): Readonly<Record<string, number>> {
  return { ...sums, [reason]: (ownValue(sums, reason) ?? 0) + count };
}

/** Reasons are anybody's words, `constructor` among them. */
function ownValue<T>(values: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

/** All ranges of a writer, whatever became of them. */
export function allRanges({ delivered, quarantined, dropped }: WriterTotals): readonly SequenceRange[] {
  return [delivered, quarantined, ...Object.values(dropped)].flat().reduce(addRange, [] as readonly SequenceRange[]);
}

/** Adds a writer that is gone for good to the sums. */
export function addWriter(former: FormerTotals, totals: WriterTotals): FormerTotals {
  let { dropped } = former;
  for (const [reason, ranges] of Object.entries(totals.dropped)) {
    dropped = addToReason(dropped, reason, countEvents(ranges));
  }
  return {
    kind: 'former',
    writers: former.writers + 1,
    segments: former.segments + totals.segments,
    bytes: former.bytes + totals.bytes,
    delivered: former.delivered + countEvents(totals.delivered),
    quarantined: former.quarantined + countEvents(totals.quarantined),
    dropped,
    lost: former.lost + countEvents(gapsIn(allRanges(totals), totals.claimedEnd)),
  };
}

export function isWriterTotals(value: unknown): value is WriterTotals {
  if (!isObject(value) || value.kind !== 'writer' || typeof value.writerId !== 'string') return false;
  return (
    areCounts(value.segments, value.bytes) &&
    isRanges(value.delivered) &&
    isRanges(value.quarantined) &&
    isObject(value.dropped) &&
    Object.values(value.dropped).every(isRanges) &&
    (value.claimedEnd === undefined || areCounts(value.claimedEnd))
  );
}

export function isFormerTotals(value: unknown): value is FormerTotals {
  if (!isObject(value) || value.kind !== 'former') return false;
  const { writers, segments, bytes, delivered, quarantined, dropped, lost } = value;
  return (
    areCounts(writers, segments, bytes, delivered, quarantined, lost) &&
    isObject(dropped) &&
    areCounts(...Object.values(dropped))
  );
}

function isRanges(value: unknown): value is readonly SequenceRange[] {
  return (
    Array.isArray(value) && value.every((range) => Array.isArray(range) && range.length === 2 && areCounts(...range))
  );
}

function areCounts(...values: readonly unknown[]): boolean {
  return values.every(isCount);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
