// Sealed segments in a spool on files, as a writer leaves them; what writes them is not of interest here.
import { ActiveSegmentFile, type Spool } from '@relaykit/segments';
import type { SegmentMetadata } from '@relaykit/types';

const format = { name: 'jsonl', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' };

export interface SealOptions {
  /** Number of the first event. */
  readonly first: number;
  /** Defaults to 1. */
  readonly events?: number;
  /** Ten characters. Defaults to `aaaaaaaaaa`. */
  readonly writerId?: string;
  readonly isHeld?: boolean;
}

export function linesOf(writerId: string, first: number, events: number): readonly string[] {
  return Array.from({ length: events }, (_, index) => `{"w":"${writerId}","n":${first + index}}`);
}

export async function sealSegment(spool: Spool, options: SealOptions): Promise<SegmentMetadata> {
  const { first, events = 1, writerId = 'aaaaaaaaaa', isHeld = false } = options;
  const createdAtMs = Date.UTC(2026, 0, 1) + first * 10;
  const place = { spool, format, writerId, firstSequence: first, createdAtMs };
  const file = new ActiveSegmentFile({ ...place, isAtomic: false, isHeld });
  const lines = linesOf(writerId, first, events);
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
  file.appendSync([{ bytes, eventCount: events }]);
  await file.sync();
  return file.seal({ reason: 'events' });
}
