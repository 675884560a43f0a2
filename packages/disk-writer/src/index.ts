export { MAX_GROUP_BYTES } from './commit-queue.ts';
export { DiskWriterMetricsCollector, type WriterInstruments } from './disk-writer-metrics-collector.ts';
export { FileDiskWriter } from './file-disk-writer.ts';
export {
  DEFAULT_DURABILITY,
  DEFAULT_MAX_EVENT_BYTES,
  DEFAULT_WHEN_FULL,
  DEFAULT_WRITE_RETRY,
  type FileDiskWriterOptions,
  type FlushFacts,
  type FlushMode,
} from './file-disk-writer-options.ts';
export { MAX_FRAME_BYTES, MAX_FRAME_EVENTS } from './frame-batch.ts';
export {
  DURATION_BOUNDS_SECONDS,
  METRIC_DEFINITIONS,
  type MetricName,
  QUEUE_STATES,
  type QueueState,
} from './metric-definitions.ts';
export type {
  MetricsActivities,
  MetricsActivity,
  MetricsActivityType,
  RetryFacts,
  SettledSegment,
} from './metrics-activity.ts';
export type { ObservedBuffer, ObservedQueue, ObservedSpool, ObservedWriter } from './observed-parts.ts';
export { DEFAULT_DIRECTORY, RelayDiskWriter, type RelayDiskWriterOptions } from './relay-disk-writer.ts';
export { MAX_WAITING_SEALS, SEAL_RETRY_MS } from './segment-sealer.ts';
export { warnOfDroppedSegment } from './warn-of-dropped-segment.ts';
