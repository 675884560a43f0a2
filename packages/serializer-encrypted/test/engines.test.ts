// Goal: both engines compute XChaCha20-Poly1305 as the IETF draft defines it, and each reads the other.
import { createCipheriv } from 'node:crypto';
import { hchacha } from '@noble/ciphers/chacha.js';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type AeadEngine, chooseEngine, javascriptEngine } from '../src/aead-engine.ts';

const native = chooseEngine('native');
const engines = [native, javascriptEngine];
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

function seal(
  engine: AeadEngine,
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const output = new Uint8Array(plaintext.byteLength + 16);
  engine.seal(key, nonce, associatedData, plaintext, output);
  return output;
}

/** draft-irtf-cfrg-xchacha-03, A.3.1. */
const vector = {
  key: hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  nonce: hex('404142434445464748494a4b4c4d4e4f5051525354555657'),
  associatedData: hex('50515253c0c1c2c3c4c5c6c7'),
  plaintext: new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  ),
  sealed: hex(
    'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb' +
      '731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452' +
      '2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
      '21f9664c97637da9768812f615c68b13b52e' +
      'c0875924c1c7987947deafd8780acf49',
  ),
};

describe('the vectors of draft-irtf-cfrg-xchacha-03', () => {
  it.for(engines)('A.3.1, XChaCha20-Poly1305: $name', (engine) => {
    const { key, nonce, associatedData, plaintext, sealed } = vector;
    expect(seal(engine, key, nonce, associatedData, plaintext)).toEqual(sealed);
    expect(Buffer.from(engine.open(key, nonce, associatedData, sealed) ?? [])).toEqual(Buffer.from(plaintext));
  });

  it('2.2.1, HChaCha20, on which the native engine rests', () => {
    const words = (text: string): Uint32Array => new Uint32Array(hex(text).buffer);
    const out = new Uint32Array(8);
    const key = words('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
    const sigma = words(Buffer.from('expand 32-byte k').toString('hex'));
    hchacha(sigma, key, words('000000090000004a0000000031415927'), out);
    expect(Buffer.from(out.buffer).toString('hex')).toBe(
      '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
    );
  });
});

describe('both engines', () => {
  it.for(engines)('refuse what is not authentic: $name', (engine) => {
    const { key, nonce, associatedData, sealed } = vector;
    const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => (index === 5 ? byte ^ 1 : byte));
    expect(engine.open(key, nonce, associatedData, flipped(sealed))).toBeUndefined();
    expect(engine.open(flipped(key), nonce, associatedData, sealed)).toBeUndefined();
    expect(engine.open(key, flipped(nonce), associatedData, sealed)).toBeUndefined();
    expect(engine.open(key, nonce, flipped(associatedData), sealed)).toBeUndefined();
    expect(engine.open(key, nonce, associatedData, sealed.subarray(0, -1))).toBeUndefined();
  });

  it('make the same bytes and read each other', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const anyBytes = fc.uint8Array({ maxLength: 700 });
    fc.assert(
      fc.property(bytes(32), bytes(24), anyBytes, anyBytes, (key, nonce, associatedData, plaintext) => {
        const sealed = seal(native, key, nonce, associatedData, plaintext);
        expect(sealed).toEqual(seal(javascriptEngine, key, nonce, associatedData, plaintext));
        for (const engine of engines) {
          const opened = engine.open(key, nonce, associatedData, sealed);
          expect(Buffer.from(opened ?? 'none')).toEqual(Buffer.from(plaintext));
        }
      }),
    );
  });
});

describe('the choice of an engine', () => {
  it('falls on the native one, in Node', () => {
    expect(chooseEngine(undefined).name).toBe('native');
    expect(chooseEngine('javascript').name).toBe('javascript');
  });

  it('refuses other names', () => {
    expect(() => chooseEngine('wasm' as 'native')).toThrow(
      new TypeError(`engine must be 'native' or 'javascript', got "wasm"`),
    );
  });

  it.for([
    ['is no Node', undefined],
    ['has no such cipher', { createCipheriv, getCiphers: () => ['aes-256-gcm'] }],
    [
      'computes something else',
      {
        getCiphers: () => ['chacha20-poly1305'],
        createCipheriv: (_: string, key: Uint8Array, nonce: Uint8Array, options: { authTagLength: number }) =>
          createCipheriv('chacha20-poly1305', key, nonce.slice().fill(9), options),
      },
    ],
  ] as const)('falls on JavaScript where the platform %s', async ([, crypto]) => {
    vi.resetModules();
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(crypto as never);
    const { chooseEngine: chooseAnew } = await import('../src/aead-engine.ts');
    expect(chooseAnew(undefined).name).toBe('javascript');
    expect(() => chooseAnew('native')).toThrow(RangeError);
    vi.restoreAllMocks();
  });
});
