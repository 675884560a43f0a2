import { KeyStore } from './key-store.ts';
import type { EncryptionKey } from './secret-key.ts';

/** Keys that are all known from the start. */
export interface KeySet {
  /** Encrypts from now on. */
  readonly current: EncryptionKey;
  /** Only decrypt. Defaults to none. */
  readonly others?: readonly EncryptionKey[];
}

/**
 * Where keys come from, such as a key management service. Both may take their time; limit it yourself. What they throw
 * is not passed on, because it may hold credentials: log it where it is thrown.
 */
export interface KeyProvider {
  /** The key that encrypts from now on. Asked by `refresh`, and by the first write where nobody did. */
  current(): EncryptionKey | Promise<EncryptionKey>;
  /** The key with this id; `undefined` where there is none. Asked once for each id that is met and found. */
  find(id: string): EncryptionKey | undefined | Promise<EncryptionKey | undefined>;
}

/** Of keys, to the rest of this package alone. */
export let storeOf: (ring: KeyRing) => KeyStore;

/**
 * Keys by their ids: one that encrypts, any number that decrypt. Nothing that prints or serializes a ring shows a key.
 */
export class KeyRing {
  readonly #store: KeyStore;

  static {
    storeOf = (ring) => ring.#store;
  }

  /** @throws TypeError, RangeError - a key breaks its rules. */
  constructor(keys: KeySet | KeyProvider) {
    this.#store = new KeyStore(keys);
  }

  /** Id of the key that encrypts; `undefined` while a provider has not given one. */
  get currentId(): string | undefined {
    return this.#store.current?.id;
  }

  /**
   * Encrypts with `key` from the next frame on; the one before stays for decrypting. For key sets; a provider says
   * itself what is current.
   *
   * @throws RangeError - the ring has another key of the same id, whose frames could not be read any more.
   */
  rotate(key: EncryptionKey): void {
    this.#store.rotate(key);
  }

  /**
   * Asks the provider for the current key; does nothing for a key set. Await it before the first event, since `writeSync`
   * cannot wait for a key, and again whenever the key may have changed.
   *
   * @throws RelayError `RELAY_KEY_MISSING` - the provider failed; the key that was current stays so.
   * @throws TypeError, RangeError - it gave a key that breaks the rules.
   */
  async refresh(): Promise<void> {
    await this.#store.refresh();
  }

  /**
   * Overwrites and forgets all keys, as well as JavaScript can; other copies may be in memory still. What is read just then
   * fails as if the key were missing, and what a provider was asked before does not come back. A provider is asked anew by
   * whatever needs a key afterwards, so close what uses the ring before.
   */
  wipe(): void {
    this.#store.wipe();
  }
}
