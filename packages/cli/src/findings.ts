/**
 * What `verify` found in one place.
 *
 * - `damage`: bytes are not what was written, or are missing.
 * - `unfinished`: what a process that died left behind; the next recovery deals with it.
 * - `unchecked`: could not be judged, for want of a key or a format, or because somebody is writing it.
 * - `note`: worth knowing, and in order.
 */
export interface Finding {
  readonly severity: 'damage' | 'unfinished' | 'unchecked' | 'note';
  /** A word for programs; keeps its meaning. */
  readonly code: FindingCode;
  /** Name in the spool directory. */
  readonly file: string;
  /** Where in the file, and how much of it. */
  readonly positionBytes?: number;
  readonly lengthBytes?: number;
  /** From 1; of line-based files. */
  readonly line?: number;
  /** For a person. */
  readonly message: string;
}

export type FindingCode =
  | 'spoolFileMissing'
  | 'spoolFileDamaged'
  | 'metadataMissing'
  | 'metadataDamaged'
  | 'segmentMissing'
  | 'cutOff'
  | 'hashDiffers'
  | 'framesDamaged'
  | 'framesMissing'
  | 'frameUndecodable'
  | 'countDiffers'
  | 'closingMissing'
  | 'ledgerLineDamaged'
  | 'exportStateDamaged'
  | 'eventsLost'
  | 'eventsRepeated'
  | 'tornTail'
  | 'unsealed'
  | 'removalUnfinished'
  | 'leftover'
  | 'keyMissing'
  | 'formatUnknown'
  | 'unreadable'
  | 'inUse'
  | 'held'
  | 'quarantined'
  | 'foreignFile';

export const severities = ['damage', 'unfinished', 'unchecked', 'note'] as const;
