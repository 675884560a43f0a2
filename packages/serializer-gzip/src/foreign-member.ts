import { crc32, type ForeignPiece } from '@relaykit/serializers/framed';
import { Inflate, inflateSync } from 'fflate';

const MAGIC = [0x1f, 0x8b, 0x08] as const;
const FIXED_BYTES = 10;
const TRAILER_BYTES = 8;

/** Flags of RFC 1952, section 2.3.1. */
const HAS_HEADER_CRC = 0x02;
const HAS_EXTRA = 0x04;
const HAS_NAME = 0x08;
const HAS_COMMENT = 0x10;
const RESERVED_FLAGS = 0xe0;

/** A first step of 64 bytes, and each twice the last: a small member costs its own bytes and not its neighbours'. */
const FIRST_STEP_BYTES = 64;
/** 4 KiB of input make at most 4 MiB of output, which is how far beyond the limit a hostile member gets. */
const MAX_STEP_BYTES = 4_096;

/** A last block that is empty, with fixed codes: 10 bits (RFC 1951, section 3.2.6). What is shorter is no stream. */
const MIN_STREAM_BYTES = 2;
/** Encoders end an empty stream within 2 to 5 bytes; whoever flushes it now and then adds 5 each time. */
const MAX_EMPTY_STREAM_BYTES = 256;

/** Reads a gzip member that carries no length. Its end is where the CRC and size of what came out so far stand. */
export function readForeignMember(bytes: Uint8Array, maxDecodedBytes: number): ForeignPiece {
  for (const [index, byte] of MAGIC.entries()) {
    if (index >= bytes.byteLength) return incomplete(index);
    if (bytes[index] !== byte) return damaged(index);
  }
  if (bytes.byteLength < FIXED_BYTES) return incomplete(bytes.byteLength);
  if (((bytes[3] ?? 0) & RESERVED_FLAGS) !== 0) return damaged(FIXED_BYTES);
  const start = headerEnd(bytes);
  return start === undefined ? incomplete(bytes.byteLength) : inflateFrom(bytes, start, maxDecodedBytes);
}

function incomplete(workBytes: number): ForeignPiece {
  return { kind: 'incomplete', workBytes };
}

function damaged(workBytes: number): ForeignPiece {
  return { kind: 'damaged', reason: 'syntax', workBytes };
}

/** Where the deflate stream begins; `undefined` where the header goes on behind the bytes. */
function headerEnd(bytes: Uint8Array): number | undefined {
  const flags = bytes[3] ?? 0;
  let position = FIXED_BYTES;
  if (flags & HAS_EXTRA) position += 2 + (bytes[position] ?? 0) + (bytes[position + 1] ?? 0) * 256;
  for (const flag of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, position);
    if (end < 0) return undefined;
    position = end + 1;
  }
  if (flags & HAS_HEADER_CRC) position += 2;
  return position > bytes.byteLength ? undefined : position;
}

function inflateFrom(bytes: Uint8Array, start: number, maxDecodedBytes: number): ForeignPiece {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  let crc = 0;
  const inflate = new Inflate((piece) => {
    pieces.push(piece);
    sizeBytes += piece.byteLength;
    crc = crc32(piece, crc);
  });
  let stepBytes = FIRST_STEP_BYTES;
  for (let position = start; position < bytes.byteLength; ) {
    const step = bytes.subarray(position, position + stepBytes);
    try {
      inflate.push(step);
    } catch {
      return damaged(position + sizeBytes);
    }
    if (sizeBytes > maxDecodedBytes) return { kind: 'tooLarge', workBytes: position + sizeBytes };
    const from = Math.max(start + MIN_STREAM_BYTES, position - TRAILER_BYTES);
    const trailerAt = findTrailer(bytes, start, from, position + step.byteLength, crc, sizeBytes);
    if (trailerAt >= 0) return { kind: 'whole', lengthBytes: trailerAt + TRAILER_BYTES, content: join(pieces) };
    position += step.byteLength;
    stepBytes = Math.min(2 * stepBytes, MAX_STEP_BYTES);
  }
  return incomplete(bytes.byteLength + sizeBytes);
}

function findTrailer(
  bytes: Uint8Array,
  start: number,
  from: number,
  to: number,
  crc: number,
  sizeBytes: number,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at <= to - TRAILER_BYTES; at += 1) {
    if (view.getUint32(at, true) !== crc || view.getUint32(at + 4, true) !== sizeBytes % 2 ** 32) continue;
    if (sizeBytes > 0) return at;
    // Eight zeros, the trailer of nothing, may stand anywhere; a stream that holds nothing is a few bytes long.
    if (at - start > MAX_EMPTY_STREAM_BYTES) return -1;
    if (isWholeStream(bytes.subarray(start, at))) return at;
  }
  return -1;
}

function isWholeStream(deflated: Uint8Array): boolean {
  try {
    return inflateSync(deflated).byteLength === 0;
  } catch {
    return false;
  }
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let position = 0;
  for (const piece of pieces) {
    joined.set(piece, position);
    position += piece.byteLength;
  }
  return joined;
}
