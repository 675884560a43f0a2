// Reads a spool by its documented layout alone, with nothing of the code under test.
import { createHash } from 'node:crypto';
import type { FilesByPath } from '@relaykit/testing';
import { HELD_MARK } from './crash-journal.ts';

export const SPOOL = '/spool';

export interface PendingSegment {
  readonly id: string;
  readonly writerId: string;
  readonly firstSequence: number;
  readonly eventCount: number;
  readonly isSalvaged: boolean;
  readonly lines: readonly string[];
}

export interface LedgerLine {
  readonly id: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly firstSequence: number;
  readonly eventCount: number;
}

/** What became of event numbers whose records were folded: `[first, count]` of one writer. */
export interface FoldedRange {
  readonly writerId: string;
  readonly outcome: string;
  readonly firstSequence: number;
  readonly eventCount: number;
}

export interface SpoolContents {
  /** In the order of their names. */
  readonly pending: readonly PendingSegment[];
  readonly ledger: ReadonlyMap<string, LedgerLine>;
  readonly folded: readonly FoldedRange[];
  /** Lines of each quarantined segment file. */
  readonly quarantined: ReadonlyMap<string, readonly string[]>;
}

const SEGMENT = /^(\d{8}T\d{9}Z-(\d{12,16})-([0-9a-z]{10}))\.(.+)$/;

/**
 * @param mayBeLonger - Whether a sync may have failed. The cut that ends such a file is never synced, so a power cut may
 *   undo it: metadata says where the segment ends.
 * @throws Error - something stands in the spool that must not be there after a recovery.
 */
export function readSpoolContents(files: FilesByPath, mayBeLonger: boolean): SpoolContents {
  const pending: PendingSegment[] = [];
  const quarantined = new Map<string, readonly string[]>();
  let { ledger, folded } = readLedger(new Uint8Array(0));
  for (const [path, bytes] of files) {
    if (!path.startsWith(`${SPOOL}/`)) continue;
    const name = path.slice(SPOOL.length + 1);
    if (name === 'spool.json' || name === 'ledger.lock') continue;
    if (name === 'ledger.ndjson') {
      ({ ledger, folded } = readLedger(bytes));
      continue;
    }
    const isQuarantined = name.startsWith('quarantine/');
    const match = SEGMENT.exec(isQuarantined ? name.slice('quarantine/'.length) : name);
    if (!match) throw new Error(`left behind: ${path}`);
    const [, id = '', sequence = '', writerId = '', rest] = match;
    if (isQuarantined) {
      if (rest !== 'meta.json') quarantined.set(id, linesOf(bytes));
    } else if (rest === 'ndjson') {
      pending.push(
        readSegment(id, Number(sequence), writerId, bytes, files.get(`${SPOOL}/${id}.meta.json`), mayBeLonger),
      );
    } else if (rest === 'meta.json' || rest === 'export.json') {
      if (!files.has(`${SPOOL}/${id}.ndjson`)) throw new Error(`left behind without its segment: ${path}`);
    } else {
      throw new Error(`left behind: ${path}`);
    }
  }
  return { pending, ledger, folded, quarantined };
}

function readSegment(
  id: string,
  firstSequence: number,
  writerId: string,
  fileBytes: Uint8Array,
  metadataBytes: Uint8Array | undefined,
  mayBeLonger: boolean,
): PendingSegment {
  if (!metadataBytes) throw new Error(`sealed without metadata: ${id}`);
  const metadata = JSON.parse(textOf(metadataBytes));
  const isCut = mayBeLonger && metadata.sealReason === 'failure';
  const bytes = isCut ? fileBytes.subarray(0, metadata.bytes) : fileBytes;
  const lines = linesOf(bytes);
  const held = lines.filter((line) => line.includes(HELD_MARK)).length;
  if (held > 0 && held < lines.length) throw new Error(`held events and others together: ${id}`);
  const expected = {
    id,
    writerId,
    firstSequence,
    eventCount: lines.length,
    bytes: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    exportReady: held === 0,
    heldReason: held === 0 ? undefined : 'holdExport',
  };
  for (const [member, value] of Object.entries(expected)) {
    if (metadata[member] !== value) {
      throw new Error(`metadata of ${id}: ${member} must be ${String(value)}, got ${String(metadata[member])}`);
    }
  }
  if (lines.length === 0) throw new Error(`sealed without events: ${id}`);
  const isSalvaged = metadata.supersedes !== undefined;
  return { id, writerId, firstSequence, eventCount: lines.length, isSalvaged, lines };
}

function readLedger(bytes: Uint8Array): Pick<SpoolContents, 'ledger' | 'folded'> {
  const ledger = new Map<string, LedgerLine>();
  const folded: FoldedRange[] = [];
  const text = textOf(bytes);
  // What follows the last line feed is the rest of an append that a crash cut off; so may be a line of zeros.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const value = parse(line);
    if (value?.kind === 'segment' && !ledger.has(value.id)) ledger.set(value.id, value);
    if (value?.kind !== 'writer') continue;
    const { writerId, delivered, quarantined, dropped } = value;
    const ranges = { delivered, quarantined, dropped: Object.values(dropped).flat() };
    for (const [outcome, list] of Object.entries(ranges)) {
      for (const [firstSequence, eventCount] of list) folded.push({ writerId, outcome, firstSequence, eventCount });
    }
  }
  return { ledger, folded };
}

type Ranges = readonly (readonly [firstSequence: number, eventCount: number])[];
type ParsedLine =
  | (LedgerLine & { readonly kind: 'segment' })
  | {
      readonly kind: 'writer';
      readonly writerId: string;
      readonly delivered: Ranges;
      readonly quarantined: Ranges;
      readonly dropped: Readonly<Record<string, Ranges>>;
    };

function parse(line: string): ParsedLine | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

export function linesOf(bytes: Uint8Array): readonly string[] {
  const lines = textOf(bytes).split('\n');
  const rest = lines.pop();
  return rest === '' ? lines : [...lines, rest ?? ''];
}

/** Everything the scenarios write is ASCII. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
