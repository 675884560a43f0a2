export {
  DEFAULT_IN_MEMORY_MAX_EVENT_BYTES,
  InMemoryDiskWriter,
  type InMemoryDiskWriterOptions,
} from './in-memory-disk-writer.ts';
export {
  type AddSegmentOptions,
  InMemorySegmentStore,
  type SettledSegment,
} from './in-memory-segment-store.ts';
export type { InMemorySegment } from './in-memory-segments.ts';
export { DEFAULT_MANUAL_EPOCH_MS, ManualClock, type ManualClockOptions, type PendingTimer } from './manual-clock.ts';
export { ManualLifecycle } from './manual-lifecycle.ts';
export { type MockCall, MockDiskWriter, type MockDiskWriterOptions } from './mock-disk-writer.ts';
export { type RecordedUpload, RecordingUploader, type ScriptedUpload } from './recording-uploader.ts';
export { DEFAULT_SETTLE_TURNS, settle } from './settle.ts';
export * from './simulated-disk/index.ts';
