import { createHash } from 'node:crypto';

const modulus = 1n << 256n;

/**
 * Fingerprint of a multiset of lines: the sum of their SHA-256 digests modulo 2^256, with their count and size. It does
 * not depend on the order, tells how often each line occurs, and takes a few bytes of memory whatever it has seen.
 *
 * The construction is AdHash (Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing", 1997): right against
 * mistakes, which is what is looked for here, and not against someone who chooses the lines.
 */
export class LineMultiset {
  #sum = 0n;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of all lines, line ends not counted. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The sum as 64 hexadecimal digits. */
  get digest(): string {
    return this.#sum.toString(16).padStart(64, '0');
  }

  add(line: Uint8Array | string): void {
    const digest = createHash('sha256').update(line).digest('hex');
    this.#sum = (this.#sum + BigInt(`0x${digest}`)) % modulus;
    this.#count += 1;
    this.#bytes += Buffer.byteLength(line);
  }

  /** Takes in all lines of another multiset. */
  merge(other: LineMultiset): void {
    this.#sum = (this.#sum + other.#sum) % modulus;
    this.#count += other.#count;
    this.#bytes += other.#bytes;
  }

  equals(other: LineMultiset): boolean {
    return this.#sum === other.#sum && this.#count === other.#count && this.#bytes === other.#bytes;
  }
}
