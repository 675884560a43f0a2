import { crc32 } from './crc32.ts';
import { isKeyId, MAX_KEY_ID_BYTES } from './key-id.ts';

/** 0x9E is no beginning of UTF-8 text; "RKE" follows. */
export const MAGIC: Uint8Array = Uint8Array.of(0x9e, 0x52, 0x4b, 0x45);
export const FRAME_VERSION = 1;
/** XChaCha20-Poly1305, draft-irtf-cfrg-xchacha-03. */
const SUITE_XCHACHA20_POLY1305 = 1;
const FLAG_CLOSING = 1;

export const NONCE_BYTES = 24;
export const TAG_BYTES = 16;
/** All of the header but the key id. */
export const FIXED_HEADER_BYTES = 48;
export const MAX_HEADER_BYTES: number = FIXED_HEADER_BYTES + MAX_KEY_ID_BYTES;
const KEY_ID_AT = 44;
const MAX_UINT32 = 0xffff_ffff;

/** What stands in front of the ciphertext, in the clear and authenticated. */
export interface FrameHeader {
  /** Whether this is the last frame of a sealed segment, which holds no events. */
  readonly isClosing: boolean;
  readonly keyId: string;
  readonly frameIndex: number;
  readonly eventCount: number;
  /** Of the plaintext; the ciphertext has the same length, and the tag follows. */
  readonly payloadBytes: number;
  readonly nonce: Uint8Array;
}

/** A header that was read: whole and with the right checksum, and nothing more can be said before it is authenticated. */
export interface FoundHeader extends FrameHeader {
  readonly headerBytes: number;
  /** Header, ciphertext and tag. */
  readonly frameBytes: number;
}

export function headerBytesOf({ keyId }: Pick<FrameHeader, 'keyId'>): number {
  return FIXED_HEADER_BYTES + keyId.length;
}

/** Writes the header to the beginning of `frame`, all numbers little-endian. */
export function writeHeader(frame: Uint8Array, header: FrameHeader): void {
  const { isClosing, keyId, frameIndex, eventCount, payloadBytes, nonce } = header;
  requireUint32('frameIndex', frameIndex);
  requireUint32('eventCount', eventCount);
  requireUint32('payloadBytes', payloadBytes);
  const view = viewOf(frame);
  frame.set(MAGIC, 0);
  frame.set([FRAME_VERSION, SUITE_XCHACHA20_POLY1305, isClosing ? FLAG_CLOSING : 0, keyId.length], 4);
  view.setUint32(8, frameIndex, true);
  view.setUint32(12, eventCount, true);
  view.setUint32(16, payloadBytes, true);
  frame.set(nonce, 20);
  for (let index = 0; index < keyId.length; index += 1) frame[KEY_ID_AT + index] = keyId.charCodeAt(index);
  const checksumAt = KEY_ID_AT + keyId.length;
  view.setUint32(checksumAt, crc32(frame.subarray(0, checksumAt)), true);
}

/** `short`: what is there may be the beginning of a header. `none`: it is no header of this version. */
export function readHeader(bytes: Uint8Array): FoundHeader | 'short' | 'none' {
  if (MAGIC.some((byte, index) => index < bytes.byteLength && bytes[index] !== byte)) return 'none';
  if (bytes.byteLength < FIXED_HEADER_BYTES) return 'short';
  const [version, suite, flags = 0, keyIdBytes = 0] = bytes.subarray(4, 8);
  if (version !== FRAME_VERSION || suite !== SUITE_XCHACHA20_POLY1305 || (flags & ~FLAG_CLOSING) !== 0) return 'none';
  if (keyIdBytes === 0 || keyIdBytes > MAX_KEY_ID_BYTES) return 'none';
  const headerBytes = FIXED_HEADER_BYTES + keyIdBytes;
  if (bytes.byteLength < headerBytes) return 'short';
  const view = viewOf(bytes);
  const checksumAt = KEY_ID_AT + keyIdBytes;
  if (view.getUint32(checksumAt, true) !== crc32(bytes.subarray(0, checksumAt))) return 'none';
  const keyId = String.fromCharCode(...bytes.subarray(KEY_ID_AT, checksumAt));
  // It reaches messages, and whoever may write to the spool may have written it.
  if (!isKeyId(keyId)) return 'none';
  const payloadBytes = view.getUint32(16, true);
  return {
    isClosing: (flags & FLAG_CLOSING) !== 0,
    keyId,
    frameIndex: view.getUint32(8, true),
    eventCount: view.getUint32(12, true),
    payloadBytes,
    nonce: bytes.slice(20, 20 + NONCE_BYTES),
    headerBytes,
    frameBytes: headerBytes + payloadBytes + TAG_BYTES,
  };
}

function requireUint32(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= MAX_UINT32) return;
  throw new RangeError(`${name} must be a whole number from 0 to ${MAX_UINT32}, got ${String(value)}`);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
