export type { AddResult, DropReason, RefusalReason } from './add-result.ts';
export {
  type ElectronApp,
  type ElectronLifecycleOptions,
  type ElectronPowerMonitor,
  electronLifecycle,
} from './electron-lifecycle.ts';
export type { DroppedEvents, DroppedListener } from './loss-account.ts';
export {
  DEFAULT_FLUSH_BYTES,
  DEFAULT_FLUSH_EVENTS,
  DEFAULT_FLUSH_INTERVAL_MS,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_EVENTS,
  DEFAULT_OVERFLOW,
  type EncodeTime,
  type OverflowPolicy,
  type RelayEventBufferOptions,
} from './options.ts';
export { type PageDocument, type PageLifecycleOptions, type PageTarget, pageLifecycle } from './page-lifecycle.ts';
export { type BufferCounts, type CloseReport, type FlushOptions, RelayEventBuffer } from './relay-event-buffer.ts';
export { DEFAULT_TERMINATE_TIMEOUT_MS } from './wait-at-most.ts';
