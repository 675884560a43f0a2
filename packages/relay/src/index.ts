export type { AddResult, BufferCounts, CloseReport, DropReason, RefusalReason } from '@relaykit/buffer';
export { type NodeLifecycleOptions, nodeLifecycle } from '@relaykit/buffer/node';
export { DiskWriterMetricsCollector } from '@relaykit/disk-writer';
export { type DrainReport, HttpUploader, type HttpUploaderOptions } from '@relaykit/export-queue';
export { customRetry, exponentialBackoff, noRetry } from '@relaykit/retry';
export {
  retainAge,
  retainAll,
  retainFileCount,
  retainFreeSpace,
  retainTotalBytes,
  rotateByAge,
  rotateByBytes,
  rotateByEvents,
  rotateWhenAny,
} from '@relaykit/rotation';
export type { RecoveryReport } from '@relaykit/segments';
export { JSONEventSerializer, type RawJSONLine, RawJSONLineSerializer } from '@relaykit/serializers';
export { DEFAULT_DRAIN_DEADLINE_MS } from './assembled-relay.ts';
export { createRelay } from './create-relay.ts';
export type { DeliveryCounts, SegmentSum } from './delivery-counter.ts';
export type {
  Relay,
  RelayAddOptions,
  RelayCloseOptions,
  RelayCloseReport,
  RelayCounts,
  RelayDrainOptions,
  RelayFlushOptions,
} from './relay.ts';
export type {
  RelayBufferOptions,
  RelayExportOptions,
  RelayHttpOptions,
  RelayMetrics,
  RelayOptions,
} from './relay-options.ts';
