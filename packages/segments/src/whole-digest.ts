import { webcrypto } from 'node:crypto';
import { Mutex } from './mutex.ts';

/** A full segment by default. A larger file is hashed in pieces: the thread pool takes none. */
export const MAX_WHOLE_BYTES: number = 8 * 1024 * 1024;

/** One file at a time in memory that is used again: many segments at once need no more than one. */
const turns = new Mutex();
let memory: Uint8Array | undefined;

/**
 * SHA-256 in the thread pool, 64 lower-case hexadecimal digits. Hashing a full segment by itself holds the event loop for
 * some five milliseconds.
 *
 * @param fill - Reads the file into the memory, and says how many bytes there were.
 * @returns `undefined` where the file is too large.
 */
export async function digestWhole(
  lengthBytes: number,
  fill: (memory: Uint8Array) => Promise<number>,
): Promise<string | undefined> {
  if (lengthBytes > MAX_WHOLE_BYTES) return undefined;
  return turns.run(async () => {
    memory ??= new Uint8Array(MAX_WHOLE_BYTES);
    const filledBytes = await fill(memory.subarray(0, lengthBytes));
    // The call takes a copy before it returns.
    const digest = await webcrypto.subtle.digest('SHA-256', memory.subarray(0, filledBytes));
    return Buffer.from(digest).toString('hex');
  });
}
