import type { EventSerializer, SealContext } from '@relaykit/types';

/** The last frame of a sealed segment, and the key that encrypted it. */
export interface ClosingFrame {
  readonly bytes: Uint8Array;
  readonly keyId?: string;
}

/** `undefined` for formats without one. */
export function closingFrameOf(
  serializer: EventSerializer<unknown>,
  context: SealContext,
): ClosingFrame | undefined | Promise<ClosingFrame> {
  const bytes = serializer.closingFrame?.(context);
  if (bytes === undefined) return undefined;
  return bytes instanceof Promise ? bytes.then(named) : named(bytes);

  function named(frame: Uint8Array): ClosingFrame {
    const keyId = serializer.keyIdOf?.(frame);
    return { bytes: frame, ...(keyId === undefined ? {} : { keyId }) };
  }
}
