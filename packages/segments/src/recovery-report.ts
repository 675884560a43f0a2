/** Why a file was left where it is, or moved to quarantine. */
export interface RecoveryProblem {
  readonly fileName: string;
  /** What happened, with the operating system's code where there is one. */
  readonly reason: string;
}

/** What recovery did. Everything it touched is counted in one of these. */
export interface RecoveryReport {
  /** Unfinished files that were looked into; sealed ones are not read. */
  readonly filesScanned: number;
  /** Unfinished files of writers that are alive; not touched. */
  readonly filesInUse: number;
  /** Segments that are sealed now and were not before. */
  readonly segmentsRecovered: number;
  /** Events in those. */
  readonly eventsSalvaged: number;
  /** Torn tails that were cut off, in bytes. */
  readonly bytesCut: number;
  /** Damaged ranges in front of intact frames; their file is in quarantine, whole. */
  readonly framesSkipped: number;
  readonly filesQuarantined: number;
  /** Those, by the name that they have there, and why. */
  readonly quarantined: readonly RecoveryProblem[];
  /** Left as they are because their format, key or spool is not known here; `problems` says which. */
  readonly filesWaiting: number;
  /** Removals and moves that a crash had interrupted. */
  readonly removalsFinished: number;
  /** Sealed segments whose metadata was missing; rebuilt and held back from export. */
  readonly metadataRebuilt: number;
  /** Metadata whose segment file is missing; recorded as dropped. */
  readonly segmentsMissing: number;
  /** Creation time in the newest segment name, in milliseconds since the epoch; 0 in an empty spool. */
  readonly newestSegmentAtMs: number;
  /** Files that could not be dealt with now; the next recovery tries again. */
  readonly problems: readonly RecoveryProblem[];
  readonly durationMs: number;
}

export type RecoveryCounts = {
  -readonly [Key in Exclude<keyof RecoveryReport, 'durationMs' | 'problems' | 'quarantined'>]: number;
} & { problems: RecoveryProblem[]; quarantined: RecoveryProblem[] };

export function emptyRecoveryCounts(): RecoveryCounts {
  return {
    filesScanned: 0,
    filesInUse: 0,
    segmentsRecovered: 0,
    eventsSalvaged: 0,
    bytesCut: 0,
    framesSkipped: 0,
    filesQuarantined: 0,
    quarantined: [],
    filesWaiting: 0,
    removalsFinished: 0,
    metadataRebuilt: 0,
    segmentsMissing: 0,
    newestSegmentAtMs: 0,
    problems: [],
  };
}
