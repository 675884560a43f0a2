/** RFC 8878, section 3.1.1.1. */
export const ZSTD_MAGIC = 0xfd2fb528;
/** The sixteen magic numbers of skippable frames differ in the last four bits (RFC 8878, section 3.1.2). */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Of a block, whatever the window (RFC 8878, section 3.1.1.2.4). */
const MAX_BLOCK_BYTES: number = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DESCRIPTOR_AT = 4;
/** Content_Checksum_flag (RFC 8878, section 3.1.1.1.1.5). */
const CHECKSUM_FLAG = 0x04;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/** What the headers of a frame and its blocks say. */
export type ZstdFrame =
  | {
      readonly kind: 'data';
      readonly lengthBytes: number;
      /** `undefined` where the frame does not say. */
      readonly contentBytes: number | undefined;
      /** No more than this can come out. */
      readonly maxContentBytes: number;
    }
  | { readonly kind: 'skippable'; readonly lengthBytes: number }
  | { readonly kind: 'incomplete' }
  /** No frame, or one that needs a dictionary. */
  | { readonly kind: 'damaged' };

const INCOMPLETE = { kind: 'incomplete' } as const;
const DAMAGED = { kind: 'damaged' } as const;

/** Walks the blocks of the frame with which `bytes` begins, without decoding them. */
export function parseZstdFrame(bytes: Uint8Array): ZstdFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 4) return bytes.byteLength === 0 || couldBeMagic(bytes) ? INCOMPLETE : DAMAGED;
  const magic = view.getUint32(0, true);
  if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
    return bytes.byteLength < 8
      ? INCOMPLETE
      : whole(bytes, { kind: 'skippable', lengthBytes: 8 + view.getUint32(4, true) });
  }
  if (magic !== ZSTD_MAGIC) return DAMAGED;
  const descriptor = bytes[DESCRIPTOR_AT];
  if (descriptor === undefined) return INCOMPLETE;
  if (descriptor & 0x08) return DAMAGED; // reserved
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & CHECKSUM_FLAG) !== 0;
  const dictionaryBytes = DICTIONARY_ID_BYTES[(descriptor & 0x03) as 0 | 1 | 2 | 3];
  if (dictionaryBytes > 0) return DAMAGED;
  const sizeFlag = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  const sizeAt = isSingleSegment ? 5 : 6;
  if (bytes.byteLength < sizeAt + sizeBytes) return INCOMPLETE;
  const blocks = walkBlocks(bytes, sizeAt + sizeBytes);
  if ('kind' in blocks) return blocks;
  const contentBytes = sizeBytes === 0 ? undefined : readSize(view, sizeAt, sizeBytes);
  const lengthBytes = blocks.end + (hasChecksum ? CHECKSUM_BYTES : 0);
  return whole(bytes, {
    kind: 'data',
    lengthBytes,
    contentBytes,
    maxContentBytes: contentBytes ?? blocks.maxContentBytes,
  });
}

/**
 * The frame with the checksum of its content behind its last block, as `zstd --check` makes it: one bit of the header says
 * that it is there, and nothing else of the frame depends on it (RFC 8878, section 3.1.1).
 *
 * @param xxh64 - Of the content, with seed 0: its low 32 bits are the checksum.
 */
export function withChecksum(frame: Uint8Array, xxh64: bigint): Uint8Array {
  const descriptor = frame[DESCRIPTOR_AT] ?? 0;
  if (descriptor & CHECKSUM_FLAG) return frame;
  const checked = new Uint8Array(frame.byteLength + CHECKSUM_BYTES);
  checked.set(frame);
  checked[DESCRIPTOR_AT] = descriptor | CHECKSUM_FLAG;
  new DataView(checked.buffer).setUint32(frame.byteLength, Number(BigInt.asUintN(32, xxh64)), true);
  return checked;
}

function whole(bytes: Uint8Array, frame: ZstdFrame & { readonly lengthBytes: number }): ZstdFrame {
  return frame.lengthBytes > bytes.byteLength ? INCOMPLETE : frame;
}

function couldBeMagic(bytes: Uint8Array): boolean {
  const [first = 0, second] = bytes;
  return first === 0x28 ? (second ?? 0xb5) === 0xb5 : (first & 0xf0) === 0x50 && (second ?? 0x2a) === 0x2a;
}

function walkBlocks(
  bytes: Uint8Array,
  start: number,
): { readonly end: number; readonly maxContentBytes: number } | typeof INCOMPLETE | typeof DAMAGED {
  let position = start;
  let maxContentBytes = 0;
  for (let isLast = false; !isLast; ) {
    if (position + BLOCK_HEADER_BYTES > bytes.byteLength) return INCOMPLETE;
    const header = (bytes[position] ?? 0) | ((bytes[position + 1] ?? 0) << 8) | ((bytes[position + 2] ?? 0) << 16);
    isLast = (header & 1) !== 0;
    const kind = (header >> 1) & 3;
    const size = header >> 3;
    if (kind === 3 || size > MAX_BLOCK_BYTES) return DAMAGED;
    const isRepeat = kind === 1;
    maxContentBytes += kind === 2 ? MAX_BLOCK_BYTES : size;
    position += BLOCK_HEADER_BYTES + (isRepeat ? 1 : size);
  }
  return { end: position, maxContentBytes };
}

function readSize(view: DataView, at: number, sizeBytes: 1 | 2 | 4 | 8 | 0): number {
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  return view.getUint32(at, true) + (sizeBytes === 8 ? view.getUint32(at + 4, true) * 2 ** 32 : 0);
}
