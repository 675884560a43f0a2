export { CONDITION_TIMEOUT_MS, type ConditionVerdict, type ExportCondition } from './conditions.ts';
export { DESTINATION_BACKOFF, FAILURES_BEFORE_PAUSE } from './destination-health.ts';
export {
  DiskExportQueue,
  type ExportCounts,
  type ExportQueueStatus,
  MAX_UNRECORDED_SEGMENTS,
  MIN_UPLOADER_CLOSE_MS,
} from './disk-export-queue.ts';
export type { CycleEnd, DrainReport } from './drain-report.ts';
export type {
  BlockedEvent,
  BlockKind,
  DestinationPausedEvent,
  ExportErrorEvent,
  ExportEvents,
  ExportEventType,
  ExportListener,
  HeldEvent,
  QuarantinedEvent,
  RetryScheduledEvent,
  UploadedEvent,
} from './export-events.ts';
export {
  DEFAULT_CLOSE_DEADLINE_MS,
  DEFAULT_CONCURRENCY,
  DEFAULT_MAX_RETRY_AGE_MS,
  DEFAULT_POLL_INTERVAL_MS,
  DEFAULT_UPLOAD_RETRY,
  type DiskExportQueueOptions,
  type ExportOrder,
  MAX_RETRY_AFTER_MS,
} from './export-queue-options.ts';
export { fetchTransport } from './http/fetch-transport.ts';
export { MAX_RESPONSE_BODY_WAIT_MS, MAX_RESPONSE_BYTES } from './http/http-exchange.ts';
export type { HttpHeaders } from './http/http-headers.ts';
export { DEFAULT_STATUS_TABLE, type HttpStatusMeaning, type HttpStatusTable } from './http/http-status-table.ts';
export type { HttpRequest, HttpResponse, HttpTransport } from './http/http-transport.ts';
export {
  DEFAULT_MIN_BYTES_PER_SECOND,
  DEFAULT_RECEIPT_HEADER,
  DEFAULT_TIMEOUT_MS,
  HttpUploader,
  type HttpUploaderOptions,
} from './http/http-uploader.ts';
export {
  MAX_IDLE_CONNECTION_MS,
  type NodeTransportOptions,
  nodeTransport,
  type TlsOptions,
} from './http/node-transport.ts';
export { MAX_RECEIPT_CHARS } from './http/receipt.ts';
export { REJECTIONS_BEFORE_BLOCK } from './rejection-run.ts';
