import type { DecodeLimits } from '@relaykit/types';

/**
 * 128 MiB for one frame: a frame of the disk writer holds at most 256 KiB and one event, and no event may be larger than
 * 64 MiB. Nothing grows while it is decrypted, so a file can make a reader hold no more than its own size.
 */
export const DEFAULT_MAX_DECODED_BYTES = 134_217_728;

/** @throws RangeError - `maxDecodedBytes` is no whole number >= 1. */
export function decodeLimit(limits: DecodeLimits | undefined): number {
  const maxDecodedBytes = limits?.maxDecodedBytes ?? DEFAULT_MAX_DECODED_BYTES;
  if (Number.isSafeInteger(maxDecodedBytes) && maxDecodedBytes >= 1) return maxDecodedBytes;
  throw new RangeError(`maxDecodedBytes must be a whole number >= 1, got ${String(maxDecodedBytes)}`);
}
