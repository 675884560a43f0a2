/**
 * Mixes numbers into one well-spread 32-bit seed, so that small consecutive ones differ in half of their bits.
 * The step is the finalizer of MurmurHash3.
 */
export function mixSeed(...parts: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    hash = finalize(hash ^ (part | 0));
    // Seeds above 32 bits, such as a time in milliseconds, differ in their upper half as well.
    hash = finalize(hash ^ Math.trunc(part / 0x1_0000_0000));
  }
  return hash >>> 0;
}

/** Numbers in [0, 1) that depend on the seed alone: mulberry32 over the mixed seed. */
export function seededRandom(seed: number): () => number {
  let state = mixSeed(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A whole number in [0, bound). */
export function below(random: () => number, bound: number): number {
  return Math.floor(random() * bound);
}

function finalize(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
