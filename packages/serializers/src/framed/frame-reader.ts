import type { ByteSource, DamageReason } from '@relaykit/types';
import { crc32 } from './crc32.ts';
import type { FrameCodec } from './frame-codec.ts';
import { headerBytes, matchingBytes, parseHeader } from './frame-header.ts';

/** 256 KiB at a time: a frame of the disk writer is smaller, and one read then serves several. */
const READ_BYTES: number = 256 * 1024;

/** A prefix with up to so many bytes changed is one of ours that was damaged, not the work of another program. */
const MAX_DAMAGED_PREFIX_BYTES = 2;

/** What stands at a position of a source. */
export type FoundFrame =
  | {
      readonly kind: 'own';
      readonly lengthBytes: number;
      readonly eventCount: number;
      readonly decodedBytes: number;
      /** Checked. Valid until the next read. */
      readonly body: Uint8Array;
    }
  | { readonly kind: 'foreign'; readonly lengthBytes: number; readonly content: Uint8Array }
  /** The source ends within it. */
  | { readonly kind: 'truncated' }
  /** With its length where its header is whole. */
  | { readonly kind: 'damaged'; readonly reason: DamageReason; readonly lengthBytes?: number }
  | { readonly kind: 'tooLarge'; readonly lengthBytes?: number };

/** Reads frames one after another. */
export class FrameReader {
  readonly #source: ByteSource;
  readonly #codec: FrameCodec;
  readonly #maxDecodedBytes: number;
  readonly #headerBytes: number;
  #foreignBytes: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkAt = 0;

  /**
   * @param maxForeignBytes - Most bytes of other programs' pieces to go through in all, packed and unpacked: what is behind
   *   is `tooLarge`. Defaults to no limit, for who stops at the first piece that is not whole.
   */
  constructor(
    source: ByteSource,
    codec: FrameCodec,
    maxDecodedBytes: number,
    maxForeignBytes: number = Number.POSITIVE_INFINITY,
  ) {
    this.#source = source;
    this.#codec = codec;
    this.#maxDecodedBytes = maxDecodedBytes;
    this.#foreignBytes = maxForeignBytes;
    this.#headerBytes = headerBytes(codec.prefix);
  }

  async frameAt(position: number): Promise<FoundFrame> {
    const { prefix } = this.#codec;
    const start = await this.#bytes(position, this.#headerBytes);
    const header = parseHeader(prefix, start);
    if (!header) {
      const matching = matchingBytes(prefix, start);
      if (start.byteLength < this.#headerBytes && matching === Math.min(prefix.byteLength, start.byteLength)) {
        return { kind: 'truncated' };
      }
      const isOurs = matching >= prefix.byteLength - MAX_DAMAGED_PREFIX_BYTES;
      return isOurs ? { kind: 'damaged', reason: 'checksum' } : this.#foreignAt(position);
    }
    const { frameBytes: lengthBytes, eventCount, decodedBytes, bodyCrc } = header;
    // Before the frame is read, let alone decoded: the length is whatever a file says.
    const bodyBytes = lengthBytes - this.#headerBytes;
    if (decodedBytes > this.#maxDecodedBytes || bodyBytes > this.#codec.maxBodyBytes(this.#maxDecodedBytes)) {
      return { kind: 'tooLarge', lengthBytes };
    }
    // Checksums fit whatever somebody made them for: a frame cannot hold this, so its length is not believed either.
    const isPossible =
      eventCount <= decodedBytes &&
      bodyBytes >= this.#codec.minBodyBytes &&
      bodyBytes <= this.#codec.maxBodyBytes(decodedBytes);
    if (!isPossible) return { kind: 'damaged', reason: 'counts' };
    if (lengthBytes > this.#source.sizeBytes - position) return { kind: 'truncated' };
    const frame = await this.#bytes(position, lengthBytes);
    if (frame.byteLength < lengthBytes) return { kind: 'truncated' };
    const body = frame.subarray(this.#headerBytes);
    if (crc32(body) !== bodyCrc) return { kind: 'damaged', reason: 'checksum', lengthBytes };
    return { kind: 'own', lengthBytes, eventCount, decodedBytes, body };
  }

  /** Where, from `position` on, the next frame of ours may begin; the end of the source where there is none. */
  async findOwn(position: number): Promise<number> {
    const { prefix } = this.#codec;
    const [first = 0] = prefix;
    for (let from = position; from < this.#source.sizeBytes; ) {
      const bytes = await this.#bytes(from, this.#headerBytes);
      const chunk = bytes.byteLength < this.#headerBytes ? bytes : this.#chunk.subarray(from - this.#chunkAt);
      // No frame fits into what is shorter than a header.
      const lastStart = chunk.byteLength - this.#headerBytes;
      for (let at = chunk.indexOf(first); at >= 0 && at <= lastStart; at = chunk.indexOf(first, at + 1)) {
        if (parseHeader(prefix, chunk.subarray(at))) return from + at;
      }
      if (lastStart < 0) break;
      from += lastStart + 1;
    }
    return this.#source.sizeBytes;
  }

  async #foreignAt(position: number): Promise<FoundFrame> {
    const remaining = this.#source.sizeBytes - position;
    const maxBytes = Math.min(remaining, this.#codec.maxBodyBytes(this.#maxDecodedBytes));
    // What was read already is tried first: a file of small pieces is not read anew for each of them.
    const heldBytes = this.#chunk.byteLength - (position - this.#chunkAt);
    const firstBytes = Math.min(heldBytes, READ_BYTES, maxBytes);
    for (let size = firstBytes; ; size = Math.min(Math.max(size * 4, READ_BYTES), maxBytes)) {
      const bytes = await this.#bytes(position, size);
      if (this.#foreignBytes <= 0) return { kind: 'tooLarge' };
      const piece = this.#codec.readForeign(bytes, Math.min(this.#maxDecodedBytes, this.#foreignBytes));
      this.#foreignBytes -=
        piece.kind === 'whole' ? piece.lengthBytes + piece.content.byteLength : Math.max(piece.workBytes, 1);
      if (piece.kind === 'whole') return { ...piece, kind: 'foreign' };
      if (piece.kind === 'damaged') return { kind: 'damaged', reason: piece.reason };
      if (piece.kind === 'tooLarge') return { kind: 'tooLarge' };
      if (bytes.byteLength < size || size === remaining) return { kind: 'truncated' };
      if (size === maxBytes) return { kind: 'tooLarge' };
    }
  }

  /** Fewer only at the end of the source. Valid until the next call. */
  async #bytes(position: number, lengthBytes: number): Promise<Uint8Array> {
    const length = Math.min(lengthBytes, this.#source.sizeBytes - position);
    const offset = position - this.#chunkAt;
    if (offset < 0 || offset + length > this.#chunk.byteLength) {
      const wanted = Math.min(Math.max(length, READ_BYTES), this.#source.sizeBytes - position);
      this.#chunk = await this.#source.read(position, wanted);
      this.#chunkAt = position;
    }
    const start = position - this.#chunkAt;
    return this.#chunk.subarray(start, start + length);
  }
}
