import type { DecodeLimits } from '@relaykit/types';
import { DEFAULT_MAX_DECODED_BYTES } from './json-lines-format.ts';

/** @throws RangeError - `maxDecodedBytes` is no whole number >= 1. */
export function decodeLimit(limits: DecodeLimits | undefined): number {
  const maxDecodedBytes = limits?.maxDecodedBytes ?? DEFAULT_MAX_DECODED_BYTES;
  if (Number.isSafeInteger(maxDecodedBytes) && maxDecodedBytes >= 1) return maxDecodedBytes;
  throw new RangeError(`maxDecodedBytes must be a whole number >= 1, got ${String(maxDecodedBytes)}`);
}
