import type { SegmentName } from '@relaykit/types';
import { parseSegmentId, type SegmentIdParts } from './segment-id.ts';

/** Says that a directory is a spool: format version and id. */
export const SPOOL_FILE = 'spool.json';
/** Says what became of each segment that is gone; docs/FORMAT.md has its lines. */
export const LEDGER_FILE = 'ledger.ndjson';
/** Empty; locked while the ledger is written. */
export const LEDGER_LOCK_FILE = 'ledger.lock';
/** Holds what was refused or is damaged; within the spool. */
export const QUARANTINE_DIRECTORY = 'quarantine';

/**
 * What a file in a spool is, by its name alone. Names that match nothing here are not ours and are left alone.
 *
 * - `active`: being written; a crash leaves a prefix of whole events. The name also says whether they are to be held
 *   back from export, so that whoever seals the file after a crash knows.
 * - `atomic`: being written; a crash leaves nothing, unless its metadata was committed.
 * - `sealed`: complete, never changed again.
 * - `salvage`: a segment being rebuilt out of a damaged one; nothing until it is renamed.
 * - `gone`: a segment that is being removed, with the reason; whoever finds it finishes the removal.
 */
export type SpoolFileKind =
  | 'active'
  | 'atomic'
  | 'sealed'
  | 'salvage'
  | 'gone'
  | 'metadata'
  | 'exportState'
  | 'temporary';

/** What the name of a file in a spool says. */
export interface SpoolFile {
  readonly kind: SpoolFileKind;
  readonly fileName: string;
  readonly segment: SegmentName;
  /** Why it is being removed; only of `gone`. */
  readonly reason?: string;
  /** Whether the segment is to be held back once it is sealed; only of `active`. */
  readonly isHeld?: true;
}

const EXTENSION = '[a-z0-9]+(?:\\.[a-z0-9]+){0,3}';
const WHOLE_EXTENSION = new RegExp(`^${EXTENSION}$`);
const IN_PROGRESS = new RegExp(`^(${EXTENSION})\\.(open|held|atomic|salvage)$`);
const GONE = /^([A-Za-z0-9]{1,40})\.gone$/;
/** Last parts that mean something else than a format. */
const RESERVED = new Set(['open', 'held', 'atomic', 'salvage', 'gone', 'tmp', 'json', 'bak', 'old', 'orig', 'swp']);
/** Parts in front of the last that say that the file is a copy of something else: `X.ndjson.open.gz`, `X.meta.json.1`. */
const RESERVED_INSIDE = new Set(['open', 'held', 'atomic', 'salvage', 'gone', 'tmp', 'meta', 'export', 'bak', 'old']);

/** Whether a format may use this file extension. */
export function isUsableExtension(extension: string): boolean {
  if (!WHOLE_EXTENSION.test(extension)) return false;
  const lastAt = extension.lastIndexOf('.') + 1;
  if (RESERVED.has(extension.slice(lastAt))) return false;
  return (
    lastAt === 0 ||
    !extension
      .split('.')
      .slice(0, -1)
      .some((part) => RESERVED_INSIDE.has(part))
  );
}

/** The files of a segment stand side by side in a listing: what was parsed last is often asked for again. */
let lastParsed: { readonly id: string; readonly parts: SegmentIdParts | undefined } = { id: '', parts: undefined };

function partsOf(id: string): SegmentIdParts | undefined {
  if (lastParsed.id !== id) lastParsed = { id, parts: parseSegmentId(id) };
  return lastParsed.parts;
}

/** `undefined` where the name is not one of ours. Nothing else is ever opened, renamed or removed. */
export function parseSpoolFile(fileName: string): SpoolFile | undefined {
  const idLength = fileName.indexOf('.');
  const id = fileName.slice(0, Math.max(idLength, 0));
  const rest = fileName.slice(idLength + 1);
  const parts = partsOf(id);
  if (!parts) return undefined;
  const named = (kind: SpoolFileKind, fileExtension: string): SpoolFile => {
    const { createdAtMs, firstSequence, writerId } = parts;
    return { kind, fileName, segment: { id, createdAtMs, firstSequence, writerId, fileExtension } };
  };

  if (rest === 'meta.json') return named('metadata', '');
  if (rest === 'export.json') return named('exportState', '');
  if (rest === 'meta.json.tmp' || rest === 'export.json.tmp') return named('temporary', '');
  const gone = GONE.exec(rest);
  if (gone) return { ...named('gone', ''), reason: gone[1] ?? '' };
  const inProgress = IN_PROGRESS.exec(rest);
  if (inProgress) {
    const [, extension = '', suffix] = inProgress;
    if (!isUsableExtension(extension)) return undefined;
    if (suffix === 'open') return named('active', extension);
    if (suffix === 'held') return { ...named('active', extension), isHeld: true };
    return named(suffix as 'atomic' | 'salvage', extension);
  }
  return isUsableExtension(rest) ? named('sealed', rest) : undefined;
}

export const metadataFileName = (id: string): string => `${id}.meta.json`;
export const exportStateFileName = (id: string): string => `${id}.export.json`;
export const sealedFileName = (id: string, fileExtension: string): string => `${id}.${fileExtension}`;
export const activeFileName = (id: string, fileExtension: string): string => `${id}.${fileExtension}.open`;
export const heldFileName = (id: string, fileExtension: string): string => `${id}.${fileExtension}.held`;
export const atomicFileName = (id: string, fileExtension: string): string => `${id}.${fileExtension}.atomic`;
export const salvageFileName = (id: string, fileExtension: string): string => `${id}.${fileExtension}.salvage`;
export const temporaryFileName = (fileName: string): string => `${fileName}.tmp`;

/** Reasons come from policies; only letters and digits reach a name. */
export function toNamePart(reason: string): string {
  return reason.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 40) || 'other';
}

export function goneFileName(id: string, reason: string): string {
  return `${id}.${toNamePart(reason)}.gone`;
}
