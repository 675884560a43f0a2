import type { ByteSource } from '@relaykit/types';

export interface StreamedSourceOptions {
  readonly sizeBytes: number;
  /** The bytes from the start, in pieces; each call begins anew. */
  readonly stream: () => AsyncIterable<Uint8Array>;
}

/**
 * Random access to what comes as a stream. Holds no more than the pieces that the last read touched; reading forward costs
 * one pass, and reading further back begins anew.
 */
export class StreamedSource implements ByteSource, AsyncDisposable {
  readonly sizeBytes: number;
  readonly #stream: () => AsyncIterable<Uint8Array>;
  #pieces: AsyncIterator<Uint8Array> | undefined;
  /** What is held of the stream, and where it begins. */
  #held: Uint8Array = new Uint8Array(0);
  #heldFromBytes = 0;
  #failure: { readonly cause: unknown } | undefined;

  constructor({ sizeBytes, stream }: StreamedSourceOptions) {
    this.sizeBytes = sizeBytes;
    this.#stream = stream;
  }

  /** What the stream threw: the caller's own trouble, and not the content's. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** What is in memory of the stream. */
  get heldBytes(): number {
    return this.#held.buffer.byteLength;
  }

  async read(positionBytes: number, lengthBytes: number): Promise<Uint8Array> {
    if (positionBytes < this.#heldFromBytes) await this.#restart();
    const endBytes = Math.min(positionBytes + lengthBytes, this.sizeBytes);
    const pieces: Uint8Array[] = [this.#held];
    let heldToBytes = this.#heldFromBytes + this.#held.byteLength;
    while (heldToBytes < endBytes) {
      const piece = await this.#next();
      if (piece === undefined) break;
      // What lies in front of the wanted range is let go at once.
      if (heldToBytes + piece.byteLength <= positionBytes) {
        pieces.length = 0;
        this.#heldFromBytes = heldToBytes + piece.byteLength;
      } else pieces.push(piece);
      heldToBytes += piece.byteLength;
    }
    const held = joined(pieces);
    const fromBytes = Math.min(Math.max(positionBytes - this.#heldFromBytes, 0), held.byteLength);
    this.#held = held.subarray(fromBytes);
    this.#heldFromBytes += fromBytes;
    // A copy: the caller may keep it for longer than this holds it.
    return this.#held.slice(0, Math.max(0, endBytes - positionBytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = undefined;
    await pieces?.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#pieces ??= this.#stream()[Symbol.asyncIterator]();
    try {
      const step = await this.#pieces.next();
      return step.done ? undefined : step.value;
    } catch (cause) {
      this.#failure = { cause };
      throw cause;
    }
  }

  async #restart(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#held = new Uint8Array(0);
    this.#heldFromBytes = 0;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let positionBytes = 0;
  for (const piece of pieces) {
    bytes.set(piece, positionBytes);
    positionBytes += piece.byteLength;
  }
  return bytes;
}
