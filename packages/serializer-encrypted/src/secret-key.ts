import { isKeyId, MAX_KEY_ID_BYTES } from './key-id.ts';

/** XChaCha20 has one key size. */
export const KEY_BYTES = 32;

/** What is used of a `KeyObject` of `node:crypto`. */
export interface ExportableKey {
  readonly type: string;
  export(): Uint8Array;
}

/** A key as it is handed in. It is copied: what becomes of the bytes afterwards makes no difference. */
export interface EncryptionKey {
  /** 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ + = -`, beginning with a letter or digit. Stands in files in the clear. */
  readonly id: string;
  /** Exactly 32 bytes from a cryptographic source. Never a string: text cannot be wiped, and a password is no key. */
  readonly key: Uint8Array | ExportableKey;
}

/** Key bytes that `util.inspect`, `JSON.stringify` and spreading do not reach. */
export class SecretKey {
  readonly id: string;
  readonly #bytes: Uint8Array;
  #isWiped = false;

  private constructor(id: string, bytes: Uint8Array) {
    this.id = id;
    this.#bytes = bytes;
  }

  /**
   * @param name - What to call the key in messages, such as `keys.current`.
   * @throws TypeError, RangeError - no word of them is made of the key itself.
   */
  static from(name: string, value: EncryptionKey): SecretKey {
    if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be { id, key }`);
    const { id, key } = value;
    if (!isKeyId(id)) {
      throw new TypeError(
        `${name}.id must be 1 to ${MAX_KEY_ID_BYTES} characters of A-Z a-z 0-9 . _ : / @ + = -, beginning with a letter or digit`,
      );
    }
    return new SecretKey(id, copyOf(`${name}.key`, key));
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Whoever got the key before and waited for something since has to ask. */
  get isWiped(): boolean {
    return this.#isWiped;
  }

  hasBytesOf(other: SecretKey): boolean {
    let difference = 0;
    for (let index = 0; index < KEY_BYTES; index += 1)
      difference |= (this.#bytes[index] ?? 0) ^ (other.bytes[index] ?? 0);
    return difference === 0;
  }

  /** Overwrites this copy. The engine, the garbage collector and swap may hold others. */
  wipe(): void {
    this.#isWiped = true;
    this.#bytes.fill(0);
  }
}

function copyOf(name: string, key: unknown): Uint8Array {
  const bytes = isExportable(key) ? key.export() : key;
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`${name} must be a Uint8Array of ${KEY_BYTES} bytes or a secret KeyObject, got ${typeof key}`);
  }
  if (bytes.byteLength !== KEY_BYTES) {
    throw new RangeError(`${name} must be exactly ${KEY_BYTES} bytes, got ${bytes.byteLength}`);
  }
  return new Uint8Array(bytes);
}

function isExportable(key: unknown): key is ExportableKey {
  return (
    typeof key === 'object' &&
    key !== null &&
    'type' in key &&
    key.type === 'secret' &&
    'export' in key &&
    typeof key.export === 'function'
  );
}
