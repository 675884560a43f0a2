import type { ByteSource } from '@relaykit/types';
import { LINE_FEED } from './json-lines-format.ts';

/** 128 KiB: about a millisecond of parsing between two reads, so that other work gets its turn. */
export const READ_BYTES = 131_072;

/**
 * A stretch of a file.
 *
 * - `lines`: whole lines, each with its line feed.
 * - `overlong`: the beginning of a line that exceeds the limit; the rest of it is passed over.
 * - `tail`: what stands behind the last line feed; of a file that was cut while it was read, maybe nothing.
 */
export interface LineBlock {
  readonly kind: 'lines' | 'overlong' | 'tail';
  readonly positionBytes: number;
  readonly bytes: Uint8Array;
}

/** Reads a source from start to end in bounded pieces; at most one line of `maxLineBytes` and one piece are in memory. */
export async function* readLineBlocks(source: ByteSource, maxLineBytes: number): AsyncGenerator<LineBlock, void, void> {
  const held = new HeldBytes();
  let endBytes = 0;
  let isOverlong = false;

  while (endBytes < source.sizeBytes) {
    let piece = await source.read(endBytes, Math.min(READ_BYTES, source.sizeBytes - endBytes));
    if (piece.byteLength === 0) break; // Somebody cut the file meanwhile.
    endBytes += piece.byteLength;
    if (isOverlong) {
      const lineFeed = piece.indexOf(LINE_FEED);
      if (lineFeed === -1) continue;
      piece = piece.subarray(lineFeed + 1);
      isOverlong = false;
    }

    const linesBytes = piece.lastIndexOf(LINE_FEED) + 1;
    const rest = piece.subarray(linesBytes);
    if (linesBytes > 0) {
      const bytes = held.takeWith(piece.subarray(0, linesBytes));
      yield { kind: 'lines', positionBytes: endBytes - rest.byteLength - bytes.byteLength, bytes };
    }
    held.add(rest);
    if (held.sizeBytes > maxLineBytes) {
      isOverlong = true;
      yield held.takeAs('overlong', endBytes);
    }
  }
  if (held.sizeBytes > 0 || endBytes < source.sizeBytes) yield held.takeAs('tail', endBytes);
}

/** The beginning of a line whose end was not read yet, in the pieces it came in: joined once, however many there are. */
class HeldBytes {
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#pieces.push(bytes.slice()); // The source may use its memory again.
    this.#sizeBytes += bytes.byteLength;
  }

  takeWith(last: Uint8Array): Uint8Array {
    if (this.#sizeBytes === 0) return last;
    const joined = new Uint8Array(this.#sizeBytes + last.byteLength);
    let positionBytes = 0;
    for (const piece of [...this.#pieces, last]) {
      joined.set(piece, positionBytes);
      positionBytes += piece.byteLength;
    }
    this.#pieces = [];
    this.#sizeBytes = 0;
    return joined;
  }

  takeAs(kind: LineBlock['kind'], endBytes: number): LineBlock {
    const bytes = this.takeWith(new Uint8Array(0));
    return { kind, positionBytes: endBytes - bytes.byteLength, bytes };
  }
}
