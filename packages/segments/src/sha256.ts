import { createHash } from 'node:crypto';

/** A running SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** 64 lower-case hexadecimal digits. The hash cannot be used afterwards. */
  digestHex(): string;
}

export function sha256(): Sha256 {
  const hash = createHash('sha256');
  return {
    update: (bytes) => void hash.update(bytes),
    digestHex: () => hash.digest('hex'),
  };
}
