import type { EventSerializer, FrameContext } from '@relaykit/types';
import type { AeadEngine } from './aead-engine.ts';
import { sealFrame } from './frame-cipher.ts';
import type { KeyStore } from './key-store.ts';
import type { SecretKey } from './secret-key.ts';

/** What encrypting and decrypting share. */
export interface FrameFormat<TEvent> {
  readonly inner: EventSerializer<TEvent>;
  readonly store: KeyStore;
  readonly engine: AeadEngine;
}

/** A frame of events of the inner format, encrypted with the current key; no bytes for no events. */
export function sealEvents<TEvent>(
  { store, engine }: FrameFormat<TEvent>,
  { bytes: plaintext, eventCount }: { readonly bytes: Uint8Array; readonly eventCount: number },
  place: FrameContext,
): Uint8Array {
  if (eventCount === 0) return new Uint8Array(0);
  return sealFrame(engine, requireCurrent(store, place), { isClosing: false, eventCount, plaintext }, place);
}

/** @throws RelayError `RELAY_KEY_MISSING` */
export function requireCurrent(store: KeyStore, { segmentId }: Pick<FrameContext, 'segmentId'>): SecretKey {
  if (store.current) return store.current;
  throw store.noCurrentKey(segmentId);
}
