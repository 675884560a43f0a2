import { mixSeed, seededRandom } from '@relaykit/testing';

/** Runs `work` with writer and spool ids out of a seed, so that it can be repeated. */
export async function withSeededIds<T>(seed: number, work: () => Promise<T>): Promise<T> {
  const random = seededRandom(mixSeed(seed, 77));
  const { crypto } = globalThis;
  Object.defineProperty(crypto, 'getRandomValues', {
    configurable: true,
    value: (bytes: Uint8Array) => {
      for (let index = 0; index < bytes.length; index += 1) bytes[index] = random() * 256;
      return bytes;
    },
  });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(crypto, 'getRandomValues');
  }
}
