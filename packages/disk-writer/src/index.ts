export { MAX_GROUP_BYTES } from './commit-queue.ts';
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
export { DEFAULT_DIRECTORY, RelayDiskWriter, type RelayDiskWriterOptions } from './relay-disk-writer.ts';
export { MAX_WAITING_SEALS, SEAL_RETRY_MS } from './segment-sealer.ts';
export { warnOfDroppedSegment } from './warn-of-dropped-segment.ts';
