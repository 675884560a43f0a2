import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { createNativeEngine } from './native-engine.ts';

/** XChaCha20-Poly1305 by one implementation; all give the same bytes. */
export interface AeadEngine {
  readonly name: EngineName;
  /** Writes ciphertext and tag, 16 bytes more than `plaintext`, to `output`. */
  seal(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array, output: Uint8Array): void;
  /** The plaintext of ciphertext and tag; `undefined` where they are not authentic. */
  open(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** `native` is `node:crypto`, `javascript` is `@noble/ciphers`; the bytes are the same. */
export type EngineName = 'native' | 'javascript';

export const javascriptEngine: AeadEngine = {
  name: 'javascript',
  seal(key, nonce, associatedData, plaintext, output) {
    output.set(xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext));
  },
  open(key, nonce, associatedData, sealed) {
    const cipher = xchacha20poly1305(key, nonce, associatedData);
    try {
      return cipher.decrypt(sealed);
    } catch {
      return undefined;
    }
  },
};

let nativeEngine: AeadEngine | null | undefined;

/**
 * The one asked for; without a wish the native one, several times as fast, wherever it works.
 *
 * @throws TypeError - `engine` is neither name. RangeError - `native` is asked for where the platform does not offer it.
 */
export function chooseEngine(engine: EngineName | undefined): AeadEngine {
  if (engine === 'javascript') return javascriptEngine;
  if (engine !== undefined && engine !== 'native') {
    throw new TypeError(`engine must be 'native' or 'javascript', got ${JSON.stringify(engine) ?? typeof engine}`);
  }
  nativeEngine ??= findNativeEngine() ?? null;
  if (nativeEngine) return nativeEngine;
  if (engine === undefined) return javascriptEngine;
  throw new RangeError("engine must not be 'native' here: this platform has no chacha20-poly1305; leave it out");
}

/** Taken only where it agrees with the other engine: platforms that imitate Node, and FIPS builds, may not. */
function findNativeEngine(): AeadEngine | undefined {
  const native = createNativeEngine();
  const [key, nonce, text] = [new Uint8Array(32).fill(1), new Uint8Array(24).fill(2), new Uint8Array(70).fill(3)];
  const sealed = [new Uint8Array(86), new Uint8Array(86)] as const;
  try {
    native?.seal(key, nonce, text, text, sealed[0]);
    javascriptEngine.seal(key, nonce, text, text, sealed[1]);
    const opened = native?.open(key, nonce, text, sealed[1]);
    const isEqual = sealed[0].every((byte, index) => byte === sealed[1][index]);
    return isEqual && opened?.every((byte) => byte === 3) ? native : undefined;
  } catch {
    return undefined;
  }
}
