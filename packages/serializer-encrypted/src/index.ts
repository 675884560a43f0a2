export type { EngineName } from './aead-engine.ts';
export { DEFAULT_MAX_DECODED_BYTES } from './decode-limit.ts';
export { EncryptedSerializer, type EncryptedSerializerOptions } from './encrypted-serializer.ts';
export { MAX_KEY_ID_BYTES } from './key-id.ts';
export { type KeyProvider, KeyRing, type KeySet } from './key-ring.ts';
export { type EncryptionKey, type ExportableKey, KEY_BYTES } from './secret-key.ts';
