export type { Clock, Instant, Timer, TimerOptions } from './clock.ts';
export type { Durability } from './durability.ts';
export {
  type AnyRelayError,
  type DamageReason,
  isRelayError,
  RelayError,
  type RelayErrorCode,
  type RelayErrorFacts,
  type SpoolSafetyRule,
  type StorageOperation,
  type UnserializableReason,
} from './errors.ts';
export type {
  BatchAddOutcome,
  EventBatch,
  EventPersisting,
  RejectedEvent,
  WriteOptions,
  WriteReceipt,
} from './event-persisting.ts';
export type {
  ByteSource,
  DamagedRange,
  DecodeLimits,
  EncodedFrame,
  EncodeLimits,
  EventSerializer,
  FrameBuilder,
  FrameContext,
  FrameScan,
  IntactRange,
  SealContext,
  SegmentContext,
  SegmentFormat,
} from './event-serializer.ts';
export type { DiskUsage, FileHandle, FileStat, FileSystem } from './file-system.ts';
export type { LifecycleChange, LifecycleSource, Unsubscribe } from './lifecycle-source.ts';
export type { LogFacts, Logger } from './logger.ts';
export type {
  HistogramMetric,
  HistogramPoint,
  Measurement,
  Metric,
  MetricDefinition,
  MetricLabels,
  MetricPoint,
  MetricsSnapshot,
  MetricsSource,
  MetricUnit,
  NumberMetric,
} from './metrics.ts';
export type { Removal, RetainedSegment, RetentionPolicy, SpoolTotals } from './retention-policy.ts';
export type { CustomRetry, ExponentialBackoff, NoRetry, RetryFailure, RetryPolicy } from './retry-policy.ts';
export type { ActiveSegment, RotationPolicy, RotationReason } from './rotation-policy.ts';
export type {
  AfterDelivery,
  ExportState,
  LeaseAttempt,
  SegmentInfo,
  SegmentLease,
  SegmentMetadata,
  SegmentName,
  SegmentOutcome,
  SegmentStore,
} from './segment-store.ts';
export type { LeasedSegment, SegmentUploader, UploadResult } from './segment-uploader.ts';
