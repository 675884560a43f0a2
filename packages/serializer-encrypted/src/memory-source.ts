import type { ByteSource } from '@relaykit/types';

/** Decrypted bytes, for the inner serializer to read. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.subarray(positionBytes, positionBytes + lengthBytes),
  };
}
