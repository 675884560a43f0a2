import { hchacha } from '@noble/ciphers/chacha.js';
import type { AeadEngine } from './aead-engine.ts';
import { NONCE_BYTES, TAG_BYTES } from './frame-header.ts';

const ALGORITHM = 'chacha20-poly1305';
/** "expand 32-byte k", the constant of ChaCha. */
const SIGMA: Uint32Array = new Uint32Array(new TextEncoder().encode('expand 32-byte k').buffer);

/**
 * XChaCha20-Poly1305 out of what Node has (draft-irtf-cfrg-xchacha-03, section 2.3): HChaCha20 of the key and the first
 * 16 bytes of the nonce gives the key, four zero bytes and the last 8 bytes the nonce, of ChaCha20-Poly1305.
 */
export function createNativeEngine(): AeadEngine | undefined {
  const crypto = nodeCrypto();
  if (!crypto) return undefined;
  return {
    name: 'native',
    seal(key, nonce, associatedData, plaintext, output) {
      const subkey = subkeyOf(key, nonce);
      const cipher = crypto.createCipheriv(ALGORITHM, subkey, shortNonceOf(nonce), { authTagLength: TAG_BYTES });
      subkey.fill(0);
      cipher.setAAD(associatedData, { plaintextLength: plaintext.byteLength });
      output.set(cipher.update(plaintext));
      cipher.final();
      output.set(cipher.getAuthTag(), plaintext.byteLength);
    },
    open(key, nonce, associatedData, sealed) {
      const textBytes = sealed.byteLength - TAG_BYTES;
      const subkey = subkeyOf(key, nonce);
      const decipher = crypto.createDecipheriv(ALGORITHM, subkey, shortNonceOf(nonce), { authTagLength: TAG_BYTES });
      subkey.fill(0);
      decipher.setAAD(associatedData, { plaintextLength: textBytes });
      decipher.setAuthTag(sealed.subarray(textBytes));
      const plaintext = decipher.update(sealed.subarray(0, textBytes));
      try {
        decipher.final();
      } catch {
        // Nothing of it may be seen.
        plaintext.fill(0);
        return undefined;
      }
      return plaintext;
    },
  };
}

function subkeyOf(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const keyWords = new Uint32Array(new Uint8Array(key).buffer);
  const nonceWords = new Uint32Array(new Uint8Array(nonce.subarray(0, 16)).buffer);
  const subkey = new Uint32Array(8);
  hchacha(SIGMA, keyWords, nonceWords, subkey);
  keyWords.fill(0);
  return new Uint8Array(subkey.buffer);
}

function shortNonceOf(nonce: Uint8Array): Uint8Array {
  const short = new Uint8Array(12);
  short.set(nonce.subarray(16, NONCE_BYTES), 4);
  return short;
}

interface NodeCipher {
  setAAD(bytes: Uint8Array, options: { plaintextLength: number }): unknown;
  setAuthTag(tag: Uint8Array): unknown;
  update(bytes: Uint8Array): Uint8Array;
  final(): Uint8Array;
  getAuthTag(): Uint8Array;
}

type CreateCipher = (
  algorithm: string,
  key: Uint8Array,
  nonce: Uint8Array,
  options: { authTagLength: number },
) => NodeCipher;

interface NodeCrypto {
  readonly createCipheriv: CreateCipher;
  readonly createDecipheriv: CreateCipher;
  getCiphers(): readonly string[];
}

/** Without an import, so that bundlers for browsers have nothing to resolve. */
function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => NodeCrypto | undefined } };
  const crypto = process?.getBuiltinModule?.('node:crypto');
  return crypto?.getCiphers?.().includes(ALGORITHM) ? crypto : undefined;
}
