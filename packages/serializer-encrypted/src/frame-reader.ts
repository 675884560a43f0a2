import type { ByteSource } from '@relaykit/types';
import { type FoundHeader, MAGIC, MAX_HEADER_BYTES, readHeader } from './frame-header.ts';

/** 320 KiB: a usual frame of 256 KiB and its header in one read, and many small ones. */
const WINDOW_BYTES = 327_680;

/** Reads headers and frames of a source through a window, which holds one read and no more. */
export class FrameReader {
  readonly #source: ByteSource;
  #windowAt = 0;
  #window: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async headerAt(positionBytes: number): Promise<FoundHeader | 'short' | 'none'> {
    return readHeader(await this.#take(positionBytes, MAX_HEADER_BYTES));
  }

  /** The whole frame; shorter where somebody cut the file meanwhile. Valid until the next call. */
  frameAt(positionBytes: number, { frameBytes }: FoundHeader): Promise<Uint8Array> {
    return this.#take(positionBytes, frameBytes);
  }

  /** Where the next frame may begin, at `fromBytes` or behind it; the size of the source where there is none. */
  async nextFrameFrom(fromBytes: number): Promise<number> {
    const { sizeBytes } = this.#source;
    for (let position = fromBytes; position < sizeBytes; ) {
      const bytes = this.#heldFrom(position) ?? (await this.#take(position, WINDOW_BYTES));
      for (let at = bytes.indexOf(MAGIC[0] ?? 0); at !== -1; at = bytes.indexOf(MAGIC[0] ?? 0, at + 1)) {
        // Where the piece ends, the rest of the magic is looked for with the header.
        if (MAGIC.every((byte, index) => at + index >= bytes.byteLength || bytes[at + index] === byte))
          return position + at;
      }
      if (bytes.byteLength === 0) break;
      position += bytes.byteLength;
    }
    return sizeBytes;
  }

  /** What is left of the window, so that a file full of false beginnings is not read once for each. */
  #heldFrom(positionBytes: number): Uint8Array | undefined {
    const from = positionBytes - this.#windowAt;
    return from >= 0 && from < this.#window.byteLength ? this.#window.subarray(from) : undefined;
  }

  /** Fewer than `lengthBytes` only at the end of the source. */
  async #take(positionBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const { sizeBytes } = this.#source;
    const endBytes = Math.min(sizeBytes, positionBytes + lengthBytes);
    const isHeld = positionBytes >= this.#windowAt && endBytes <= this.#windowAt + this.#window.byteLength;
    if (!isHeld) {
      const readBytes = Math.min(sizeBytes - positionBytes, Math.max(lengthBytes, WINDOW_BYTES));
      this.#window = await this.#source.read(positionBytes, readBytes);
      this.#windowAt = positionBytes;
    }
    const from = positionBytes - this.#windowAt;
    return this.#window.subarray(from, from + lengthBytes);
  }
}
