import {
  accountForSpool,
  findSpoolIdSync,
  type LedgerContent,
  type LedgerRecord,
  listSpoolFiles,
  readExportState,
  readMetadataFile,
  type SpoolAccounts,
} from '@relaykit/segments';
import { type DiskUsage, type ExportState, isRelayError, type SegmentMetadata } from '@relaykit/types';
import type { SpoolView } from './open-spool.ts';
import { type ListedSegment, listSegments, type MetadataCache, sumQuarantine } from './segment-view.ts';
import { type SpoolRates, spoolRates } from './spool-rates.ts';

/** How many outcomes a snapshot names. */
const recentOutcomes = 20;

/** A delivery that was tried and failed. */
export interface RetryingSegment extends ExportState {
  readonly id: string;
}

/** A spool at one moment, as its files tell it. Counts are events unless they say otherwise; times are ISO 8601. */
export interface SpoolSnapshot {
  readonly at: string;
  readonly directory: string;
  readonly spoolId: string;
  /** Every event that the spool has numbered: `pending + delivered + quarantined + dropped + lost`. */
  readonly added: number;
  readonly pending: number;
  readonly delivered: number;
  readonly quarantined: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly lost: number;
  /** Numbers that stand in two places; 0 where everything works. */
  readonly repeated: number;
  readonly segments: {
    readonly ready: number;
    readonly held: number;
    readonly unknown: number;
    readonly open: number;
    readonly quarantined: number;
  };
  readonly bytes: { readonly pending: number; readonly open: number; readonly quarantined: number };
  /** When the oldest and the newest segment that waits were begun. */
  readonly oldestPendingAt?: string;
  readonly newestPendingAt?: string;
  /** Bytes of all segments that were ever here: waiting, open and settled. */
  readonly recordedBytes: number;
  readonly retrying: readonly RetryingSegment[];
  /** The last outcomes that the ledger names, newest first. */
  readonly recent: readonly LedgerRecord[];
  readonly rates: SpoolRates;
  readonly disk: DiskUsage;
}

/** Takes snapshots of one spool, again and again: metadata and ledger are read once, and then what is new of them. */
export class SpoolWatcher {
  readonly #view: SpoolView;
  readonly #cache: MetadataCache = new Map();

  constructor(view: SpoolView) {
    this.#view = view;
  }

  async snapshot(): Promise<SpoolSnapshot> {
    const view = this.#view;
    const { directory, fileSystem } = view;
    const segments = await listSegments(view, this.#cache);
    const known = new Map(segments.filter(hasMetadata).map((segment) => [segment.id, segment]));
    // What comes back from quarantine meanwhile is not known yet.
    const metadataOf = async (id: string) => known.get(id) ?? readMetadataFile(fileSystem, directory, id);
    const accounts = await accountForSpool(view, { metadataOf });
    const quarantine = await sumQuarantine(view);
    const ledger = await view.ledger.content();
    const nowMs = Date.now();
    const waiting = segments.filter(({ state }) => state !== 'open');
    const [oldest, newest] = [waiting[0], waiting.at(-1)];
    const { pending, delivered, quarantined, dropped, lost, repeated } = accounts;
    return {
      at: new Date(nowMs).toISOString(),
      directory,
      spoolId: findSpoolIdSync(fileSystem, directory) ?? '',
      added: sumOf(accounts),
      pending,
      delivered,
      quarantined,
      dropped,
      lost,
      repeated,
      segments: { ...countStates(segments), quarantined: quarantine.segments },
      bytes: {
        pending: sumBytes(waiting),
        open: sumBytes(segments.filter(({ state }) => state === 'open')),
        quarantined: quarantine.bytes,
      },
      ...(oldest ? { oldestPendingAt: oldest.createdAt } : {}),
      ...(newest ? { newestPendingAt: newest.createdAt } : {}),
      recordedBytes: sumBytes(segments) + settledBytes(ledger),
      retrying: await readRetrying(view),
      recent: [...ledger.records.values()].slice(-recentOutcomes).toReversed(),
      rates: spoolRates(ledger, [...known.values()], nowMs),
      disk: await fileSystem.freeSpace(directory),
    };
  }
}

function settledBytes({ records, writers, former }: LedgerContent): number {
  let bytes = former.bytes;
  for (const totals of writers.values()) bytes += totals.bytes;
  for (const record of records.values()) bytes += record.bytes;
  return bytes;
}

/** What stands in two places was added once. */
function sumOf({ pending, delivered, quarantined, dropped, lost, repeated }: SpoolAccounts): number {
  const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return pending + delivered + quarantined + drops + lost - repeated;
}

function hasMetadata(segment: ListedSegment): segment is ListedSegment & SegmentMetadata {
  return segment.state === 'ready' || segment.state === 'held';
}

function countStates(segments: readonly ListedSegment[]): Record<ListedSegment['state'], number> {
  const counts = { ready: 0, held: 0, unknown: 0, open: 0 };
  for (const { state } of segments) counts[state] += 1;
  return counts;
}

function sumBytes(segments: readonly ListedSegment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function readRetrying(view: SpoolView): Promise<RetryingSegment[]> {
  const retrying: RetryingSegment[] = [];
  for (const { kind, segment } of await listSpoolFiles(view)) {
    if (kind !== 'exportState') continue;
    const state = await readExportState(view, segment.id).catch((error: unknown) => {
      // Of one that cannot be opened nobody knows how often it was tried; relay verify names it.
      if (!isRelayError(error, 'RELAY_STORAGE_FAILED')) throw error;
    });
    if (state && state.attempts > 0) retrying.push({ id: segment.id, ...state });
  }
  return retrying;
}
