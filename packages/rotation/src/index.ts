export {
  DEFAULT_MAX_FILE_COUNT,
  DEFAULT_MAX_SEGMENT_AGE_MS,
  DEFAULT_MAX_SEGMENT_BYTES,
  DEFAULT_MAX_SEGMENT_EVENTS,
  DEFAULT_MAX_TOTAL_BYTES,
  defaultRetention,
  defaultRotation,
} from './default-policies.ts';
export { MIN_RETAINED_AGE_MS, retainAge } from './retain-age.ts';
export { retainAll } from './retain-all.ts';
export { MIN_FILE_COUNT, retainFileCount } from './retain-file-count.ts';
export { retainFreeSpace } from './retain-free-space.ts';
export { MIN_TOTAL_BYTES, retainTotalBytes } from './retain-total-bytes.ts';
export { MIN_SEGMENT_AGE_MS, rotateByAge } from './rotate-by-age.ts';
export { MIN_SEGMENT_BYTES, rotateByBytes } from './rotate-by-bytes.ts';
export { rotateByEvents } from './rotate-by-events.ts';
export { rotateWhenAny } from './rotate-when-any.ts';
