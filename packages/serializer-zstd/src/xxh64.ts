/** Multipliers of XXH64, high and low half (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */
const PRIME_1 = [0x9e3779b1, 0x85ebca87] as const;
const PRIME_2 = [0xc2b2ae3d, 0x27d4eb4f] as const;
const PRIME_3 = [0x165667b1, 0x9e3779f9] as const;
const PRIME_4 = [0x85ebca77, 0xc2b2ae63] as const;
const PRIME_5 = [0x27d4eb2f, 0x165667c5] as const;

const STRIPE_BYTES = 32;
const LANE_BYTES = 8;

/**
 * The low 32 bits of XXH64 with seed 0, which is the checksum of a Zstandard frame (RFC 8878, section 3.1.1). In halves of
 * 32 bits: the arithmetic of `BigInt` is twenty times as slow.
 */
export function xxh64Low(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { byteLength } = bytes;
  const hash = new Word();
  let at = 0;
  if (byteLength < STRIPE_BYTES) {
    hash.add(...PRIME_5);
  } else {
    const lanes = [
      new Word().add(...PRIME_1).add(...PRIME_2),
      new Word().add(...PRIME_2),
      new Word(),
      new Word().subtract(...PRIME_1),
    ] as const;
    for (; at <= byteLength - STRIPE_BYTES; at += STRIPE_BYTES) {
      for (let lane = 0; lane < 4; lane += 1) {
        (lanes[lane] as Word).round(view.getUint32(at + lane * 8 + 4, true), view.getUint32(at + lane * 8, true));
      }
    }
    for (const [index, lane] of lanes.entries()) {
      const { high, low } = lane;
      lane.rotate([1, 7, 12, 18][index] as number);
      hash.add(lane.high, lane.low);
      lane.set(high, low);
    }
    for (const { high, low } of lanes) {
      const word = new Word().round(high, low);
      hash
        .xor(word.high, word.low)
        .multiply(...PRIME_1)
        .add(...PRIME_4);
    }
  }
  hash.add(0, byteLength);
  for (; at <= byteLength - LANE_BYTES; at += LANE_BYTES) {
    const word = new Word().round(view.getUint32(at + 4, true), view.getUint32(at, true));
    hash
      .xor(word.high, word.low)
      .rotate(27)
      .multiply(...PRIME_1)
      .add(...PRIME_4);
  }
  if (at <= byteLength - 4) {
    const word = new Word().set(0, view.getUint32(at, true)).multiply(...PRIME_1);
    hash
      .xor(word.high, word.low)
      .rotate(23)
      .multiply(...PRIME_2)
      .add(...PRIME_3);
    at += 4;
  }
  for (; at < byteLength; at += 1) {
    const word = new Word().set(0, view.getUint8(at)).multiply(...PRIME_5);
    hash
      .xor(word.high, word.low)
      .rotate(11)
      .multiply(...PRIME_1);
  }
  hash.xor(0, hash.high >>> 1).multiply(...PRIME_2);
  // Shifted right by 29 and by 32.
  hash.xor(hash.high >>> 29, (hash.high << 3) | (hash.low >>> 29)).multiply(...PRIME_3);
  return (hash.low ^ hash.high) >>> 0;
}

/** 64 bits in two halves. */
class Word {
  high = 0;
  low = 0;

  set(high: number, low: number): this {
    this.high = high | 0;
    this.low = low | 0;
    return this;
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    this.low = sum | 0;
    return this;
  }

  subtract(high: number, low: number): this {
    return this.add(~high, ~low).add(0, 1);
  }

  xor(high: number, low: number): this {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  rotate(bits: number): this {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
    return this;
  }

  /** Schoolbook multiplication in digits of 16 bits, of which no intermediate sum exceeds 32 bits. */
  multiply(high: number, low: number): this {
    const [a0, a1, b0, b1] = [this.low & 0xffff, this.low >>> 16, low & 0xffff, low >>> 16];
    const second = a1 * b0 + ((a0 * b0) >>> 16);
    const third = a0 * b1 + (second & 0xffff);
    const carried = a1 * b1 + (second >>> 16) + (third >>> 16);
    this.high = (carried + Math.imul(this.low, high) + Math.imul(this.high, low)) | 0;
    this.low = Math.imul(this.low, low);
    return this;
  }

  round(high: number, low: number): this {
    const { high: ownHigh, low: ownLow } = this;
    this.set(high, low)
      .multiply(...PRIME_2)
      .add(ownHigh, ownLow);
    return this.rotate(31).multiply(...PRIME_1);
  }
}
