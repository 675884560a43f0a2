export {
  ActiveSegmentFile,
  type ActiveSegmentFileOptions,
  type FrameToAppend,
  type SealOptions,
} from './active-segment-file.ts';
export { assertArchiveApartSync } from './archive-directory.ts';
export { ARCHIVE_SWEEP_INTERVAL_MS } from './archive-sweep.ts';
export { type ClosingFrame, closingFrameOf } from './closing-frame.ts';
export { takeOwnership } from './exclusive-file.ts';
export { HELD_BY_WRITER } from './export-hold.ts';
export { readExportState } from './export-state.ts';
export { handleSource, hashSource, readPieces } from './handle-source.ts';
export { DISCARDED_REASON, type DiscardHeldOptions, type HeldOptions, type HeldReport } from './held-segments.ts';
export { FOLD_AFTER_LINES, Ledger, type LedgerOptions } from './ledger.ts';
export { isLedgerLine, LedgerContent, MAX_LEDGER_WRITERS } from './ledger-content.ts';
export type { LedgerRecord } from './ledger-record.ts';
export type { FormerTotals, WriterTotals } from './ledger-totals.ts';
export { listSpoolFiles } from './list-spool-files.ts';
export { readMetadataFile } from './metadata-file.ts';
export { type NodeFileSystemOptions, nodeFileSystem, type Ownership } from './node-file-system.ts';
export {
  DISCARDED_FROM_QUARANTINE_REASON,
  QUARANTINE_FULL_REASON,
  Quarantine,
  type QuarantinedSegment,
  type QuarantineUsage,
  type RequeueResult,
} from './quarantine.ts';
export {
  DEFAULT_MAX_QUARANTINE_BYTES,
  DEFAULT_MAX_QUARANTINE_SEGMENTS,
  DEFAULT_WHEN_QUARANTINE_FULL,
  type QuarantineLimits,
  type QuarantineOptions,
  resolveQuarantineLimits,
  type WhenQuarantineFull,
} from './quarantine-limits.ts';
export { type ReadSpoolOptions, readSpool, type SpooledEvent } from './read-spool.ts';
export { recoverSpool } from './recovery.ts';
export type { RecoveryProblem, RecoveryReport } from './recovery-report.ts';
export { type RekeyOptions, type RekeyOutcome, rekeySegment } from './rekey-segment.ts';
export { releaseDamaged } from './release-damaged.ts';
export { DAMAGED_SOURCE, repairSealed, type SealedRepair } from './repair-sealed.ts';
export {
  DISK_FULL_REASON,
  FRESH_LISTING_MS,
  RETENTION_INTERVAL_MS,
  RetentionKeeper,
  type RetentionKeeperOptions,
  type WhenFull,
} from './retention-keeper.ts';
export type { NewSegment } from './segment-creation.ts';
export type { DroppedSegment } from './segment-dropper.ts';
export { createWriterId, formatSegmentId, parseSegmentId, type SegmentIdParts } from './segment-id.ts';
export type { SegmentMark } from './segment-mark.ts';
export { decodeMetadata, encodeMetadata, FORMAT_VERSION, MAX_METADATA_BYTES } from './segment-metadata.ts';
export { segmentMetadataSchema } from './segment-metadata-schema.ts';
export { FileSegmentStore, openSegmentStore, RECOVERY_INTERVAL_MS, type SegmentStoreOptions } from './segment-store.ts';
export type { SequenceRange } from './sequence-ranges.ts';
export type { SerializerList } from './serializer-list.ts';
export { Spool, type SpoolOptions } from './spool.ts';
export { accountForSpool, type SpoolAccounts, type SpoolAccountsOptions } from './spool-accounts.ts';
export { findSpoolIdSync, restoreSpoolId } from './spool-identity.ts';
export {
  isUsableExtension,
  LEDGER_FILE,
  parseSpoolFile,
  QUARANTINE_DIRECTORY,
  SPOOL_FILE,
  type SpoolFile,
  type SpoolFileKind,
} from './spool-names.ts';
export { systemClock } from './system-clock.ts';
export { isDiskFull, messageOf, systemCodeOf, toStorageError } from './system-error.ts';
export { type Undecodable, undecodable } from './undecodable.ts';
export { UNREADABLE_AFTER_RECOVERIES } from './unreadable-files.ts';
export { UnsyncedMove } from './unsynced-move.ts';
