const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = [0xef, 0xbb, 0xbf];
/** A line at its limit may still be followed by CR and, on the first line, follow a byte order mark. */
const markRoomBytes = 1 + byteOrderMark.length;
const initialCarryBytes = 4 * 1024;

/** One line of input, without its line end. */
export type InputLine =
  | {
      readonly kind: 'line';
      /** Position among the lines of the input, from 1. */
      readonly number: number;
      /** Valid until the next line is asked for. */
      readonly bytes: Uint8Array;
    }
  /** Longer than the limit. Its bytes were counted and let go. */
  | { readonly kind: 'tooLong'; readonly number: number; readonly sizeBytes: number };

export interface LineReaderOptions {
  /** Largest line in bytes, line end and byte order mark not counted; a whole number, at least 1. */
  readonly maxLineBytes: number;
}

/**
 * Cuts a stream of bytes into lines. Works on bytes, so that a line comes out as it went in, whatever its encoding, and
 * wherever the chunks were cut.
 *
 * A line ends with LF or CR LF; a CR elsewhere belongs to the line. A UTF-8 byte order mark in front of the first line
 * is left out. Holds at most one line of `maxLineBytes` besides the chunk it is given.
 */
export class LineReader {
  readonly #maxLineBytes: number;
  #carry: Uint8Array = new Uint8Array(initialCarryBytes);
  #carryBytes = 0;
  /** Size of a line that has outgrown the limit, so far; 0 while there is none. */
  #overlongBytes = 0;
  #lastNumber = 0;

  constructor({ maxLineBytes }: LineReaderOptions) {
    if (!Number.isSafeInteger(maxLineBytes) || maxLineBytes < 1) {
      throw new RangeError(`maxLineBytes must be a whole number >= 1, got ${String(maxLineBytes)}`);
    }
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes of the line that has begun and not ended. */
  get pendingBytes(): number {
    return this.#overlongBytes || this.#carryBytes;
  }

  /** Yields the lines that end in `chunk`, and keeps what follows the last of them. Take all before the next call. */
  *push(chunk: Uint8Array): Generator<InputLine, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      yield this.#finishLine(piece);
    }
    this.#keep(chunk.subarray(start));
  }

  /** Yields what stands behind the last line end, if anything does. */
  *end(): Generator<InputLine, void, undefined> {
    if (this.pendingBytes > 0) yield this.#finishLine(new Uint8Array(0));
  }

  #finishLine(piece: Uint8Array): InputLine {
    const whole = this.pendingBytes > 0 ? this.#joinCarry(piece) : piece;
    const number = ++this.#lastNumber;
    const sizeBytes = this.#overlongBytes;
    this.#carryBytes = 0;
    this.#overlongBytes = 0;
    if (sizeBytes > 0) return { kind: 'tooLong', number, sizeBytes };

    const bytes = withoutMarks(whole, number === 1);
    if (bytes.length > this.#maxLineBytes) return { kind: 'tooLong', number, sizeBytes: bytes.length };
    return { kind: 'line', number, bytes };
  }

  #joinCarry(piece: Uint8Array): Uint8Array {
    this.#keep(piece);
    return this.#carry.subarray(0, this.#carryBytes);
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    const neededBytes = this.#carryBytes + piece.length;
    if (this.#overlongBytes > 0) {
      this.#overlongBytes += piece.length;
    } else if (neededBytes > this.#maxLineBytes + markRoomBytes) {
      this.#overlongBytes = neededBytes;
      this.#carryBytes = 0;
    } else {
      this.#reserve(neededBytes);
      this.#carry.set(piece, this.#carryBytes);
      this.#carryBytes = neededBytes;
    }
  }

  #reserve(neededBytes: number): void {
    if (neededBytes <= this.#carry.length) return;
    const larger = new Uint8Array(Math.max(neededBytes, 2 * this.#carry.length));
    larger.set(this.#carry.subarray(0, this.#carryBytes));
    this.#carry = larger;
  }
}

function withoutMarks(bytes: Uint8Array, isFirst: boolean): Uint8Array {
  const start = isFirst && byteOrderMark.every((byte, index) => bytes[index] === byte) ? byteOrderMark.length : 0;
  const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  return bytes.subarray(start, end);
}

const space = 0x20;
const tab = 0x09;

/** Whether a line holds nothing but spaces, tabs and carriage returns. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === space || byte === tab || byte === carriageReturn);
}
