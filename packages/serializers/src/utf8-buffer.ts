/** What Node's `Buffer` offers over `TextEncoder`: writing at a position without an object for the result. */
interface NodeBytes extends Uint8Array {
  utf8Write(text: string, positionBytes: number): number;
}

interface NodeBufferClass {
  byteLength(text: string): number;
  readonly prototype: { readonly utf8Write?: unknown };
  from(memory: ArrayBuffer): NodeBytes;
}

/** 4 KiB: batches of one event are many at a time; a large one doubles this a few times, once, and is used again. */
const INITIAL_BYTES = 4_096;

/** No UTF-16 unit takes more than three bytes of UTF-8. */
export const MAX_BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();

/** UTF-8 text one after another in one growing piece of memory, which is used again after `clear`. */
export class Utf8Buffer {
  #bytes = new Uint8Array(0);
  #nodeBytes: NodeBytes | undefined;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Memory that is held, used or not. */
  get capacityBytes(): number {
    return this.#bytes.byteLength;
  }

  /** Makes room for any text of so many UTF-16 units, so that `write` cannot fail. */
  reserve(units: number): void {
    // A write into too little room would stop short without a word.
    const neededBytes = this.#sizeBytes + units * MAX_BYTES_PER_UNIT;
    if (neededBytes > this.#bytes.byteLength) this.#grow(neededBytes);
  }

  write(text: string): void {
    this.reserve(text.length);
    this.#sizeBytes +=
      this.#nodeBytes === undefined
        ? encoder.encodeInto(text, this.#bytes.subarray(this.#sizeBytes)).written
        : this.#nodeBytes.utf8Write(text, this.#sizeBytes);
  }

  /** What was written; valid until the next call that changes the buffer. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#sizeBytes);
  }

  clear(): void {
    this.#sizeBytes = 0;
  }

  #grow(neededBytes: number): void {
    const memory = new ArrayBuffer(Math.max(neededBytes, this.#bytes.byteLength * 2, INITIAL_BYTES));
    const bytes = new Uint8Array(memory);
    bytes.set(this.view());
    this.#bytes = bytes;
    this.#nodeBytes = nodeBuffer()?.from(memory);
  }
}

function nodeBuffer(): NodeBufferClass | undefined {
  const { Buffer: found } = globalThis as { Buffer?: NodeBufferClass };
  return typeof found?.prototype?.utf8Write === 'function' ? found : undefined;
}

/** Bytes of `text` in UTF-8, without encoding it. */
export const utf8Length: (text: string) => number = nodeBuffer()?.byteLength ?? countUtf8;

/** Where there is no `Buffer`. For well-formed text, as JSON.stringify makes it. */
export function countUtf8(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // A pair of surrogates is two units and four bytes: two bytes for each.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
