import { RelayError } from '@relaykit/types';
import type { KeyProvider, KeySet } from './key-ring.ts';
import { type EncryptionKey, SecretKey } from './secret-key.ts';

/** The keys of a ring, and whom to ask for more. */
export class KeyStore {
  readonly #keys = new Map<string, SecretKey>();
  readonly #provider: KeyProvider | undefined;
  /** Questions on their way to the provider, so that none is asked twice at once. */
  readonly #searches = new Map<string, Promise<SecretKey | undefined>>();
  #refreshing: Promise<void> | undefined;
  #current: SecretKey | undefined;
  /** How often the keys were wiped: what was asked before does not come back afterwards. */
  #wipes = 0;

  constructor(keys: KeySet | KeyProvider) {
    if (typeof keys !== 'object' || keys === null)
      throw new TypeError('keys must be a KeyRing, { current } or a provider');
    if (isProvider(keys)) {
      if (typeof keys.find !== 'function') throw new TypeError('keys.find must be a function beside keys.current');
      this.#provider = keys;
      return;
    }
    this.#current = this.#add('keys.current', keys.current);
    for (const [index, key] of (keys.others ?? []).entries()) this.#add(`keys.others[${index}]`, key);
  }

  get current(): SecretKey | undefined {
    return this.#current;
  }

  rotate(key: EncryptionKey): void {
    if (this.#provider) {
      throw new TypeError(
        'rotate must not be called beside a provider; let current() give the new key and call refresh()',
      );
    }
    this.#current = this.#add('key', key);
  }

  refresh(): Promise<void> {
    const provider = this.#provider;
    if (!provider) return Promise.resolve();
    if (this.#refreshing) return this.#refreshing;
    const refreshing = this.#askCurrent(provider).finally(() => {
      if (this.#refreshing === refreshing) this.#refreshing = undefined;
    });
    this.#refreshing = refreshing;
    return refreshing;
  }

  /** Whatever keeps a provider from answering counts as not found: the segment waits and is asked for again. */
  find(id: string): SecretKey | undefined | Promise<SecretKey | undefined> {
    const known = this.#keys.get(id);
    const provider = this.#provider;
    if (known || !provider) return known;
    const underway = this.#searches.get(id);
    if (underway) return underway;
    const search = this.#search(provider, id)
      .catch(() => undefined)
      .finally(() => {
        if (this.#searches.get(id) === search) this.#searches.delete(id);
      });
    this.#searches.set(id, search);
    return search;
  }

  wipe(): void {
    for (const key of this.#keys.values()) key.wipe();
    this.#keys.clear();
    this.#current = undefined;
    this.#wipes += 1;
    this.#refreshing = undefined;
    this.#searches.clear();
  }

  /** There is nothing to encrypt with. */
  noCurrentKey(segmentId: string): RelayError<'RELAY_KEY_MISSING'> {
    const why = this.#provider
      ? 'the key provider failed or was not asked yet, or the keys were wiped. Await refresh() of the key ring, then try again.'
      : 'the keys were wiped. Give the key ring one with rotate(), then try again.';
    return new RelayError('RELAY_KEY_MISSING', `No key to encrypt with: ${why}`, { segmentId, keyId: '' });
  }

  async #askCurrent(provider: KeyProvider): Promise<void> {
    const wipes = this.#wipes;
    let key: EncryptionKey;
    try {
      key = await provider.current();
    } catch {
      throw this.noCurrentKey('');
    }
    if (wipes !== this.#wipes) throw this.noCurrentKey('');
    this.#current = this.#add('the current key of the provider', key);
  }

  async #search(provider: KeyProvider, id: string): Promise<SecretKey | undefined> {
    const wipes = this.#wipes;
    const key = await provider.find(id);
    return key?.id === id && wipes === this.#wipes ? this.#add('the key of the provider', key) : undefined;
  }

  #add(name: string, value: EncryptionKey): SecretKey {
    const key = SecretKey.from(name, value);
    const known = this.#keys.get(key.id);
    if (!known) {
      this.#keys.set(key.id, key);
      return key;
    }
    const isSame = known.hasBytesOf(key);
    key.wipe();
    if (isSame) return known;
    throw new RangeError(`${name}.id must be new: the ring has another key under ${JSON.stringify(known.id)}`);
  }
}

function isProvider(keys: KeySet | KeyProvider): keys is KeyProvider {
  return typeof keys.current === 'function';
}
