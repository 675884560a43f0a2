/**
 * Frames of 64 KiB and more are compressed and decoded off the thread where the platform can: below, handing them over
 * takes as long as the work (bench/encode.bench.ts of the gzip serializer).
 */
export const OFF_THREAD_BYTES: number = 64 * 1024;
