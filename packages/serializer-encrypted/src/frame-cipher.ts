import { type FrameContext, RelayError } from '@relaykit/types';
import type { AeadEngine } from './aead-engine.ts';
import { DEFAULT_MAX_DECODED_BYTES } from './decode-limit.ts';
import {
  type FoundHeader,
  type FrameHeader,
  headerBytesOf,
  NONCE_BYTES,
  TAG_BYTES,
  writeHeader,
} from './frame-header.ts';
import type { SecretKey } from './secret-key.ts';

export interface FrameContent {
  readonly isClosing: boolean;
  readonly eventCount: number;
  readonly plaintext: Uint8Array;
}

/** Which file a frame stands in. */
export type FramePlace = Pick<FrameContext, 'spoolId' | 'segmentId'>;

const encoder = new TextEncoder();
const MAX_ID_BYTES = 0xffff;

/**
 * A frame, encrypted for one place under a nonce of its own.
 *
 * @throws RelayError `RELAY_LIMIT_EXCEEDED` - the frame would be larger than readers accept by default.
 */
export function sealFrame(engine: AeadEngine, key: SecretKey, content: FrameContent, place: FrameContext): Uint8Array {
  const payloadBytes = content.plaintext.byteLength;
  if (payloadBytes > DEFAULT_MAX_DECODED_BYTES) {
    const message = `Cannot encrypt a frame of ${payloadBytes} bytes, ${DEFAULT_MAX_DECODED_BYTES} are the most; encode fewer events at once.`;
    throw new RelayError('RELAY_LIMIT_EXCEEDED', message, { limit: 'frameBytes', maximum: DEFAULT_MAX_DECODED_BYTES });
  }
  // One frame in 256 is made twice, so that a zero at the end is always what a torn write left: see `isTorn`.
  for (;;) {
    const frame = sealOnce(engine, key, content, place);
    if (frame.at(-1) !== 0) return frame;
  }
}

function sealOnce(
  engine: AeadEngine,
  key: SecretKey,
  { isClosing, eventCount, plaintext }: FrameContent,
  place: FrameContext,
): Uint8Array {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const payloadBytes = plaintext.byteLength;
  const { frameIndex } = place;
  const header: FrameHeader = { isClosing, keyId: key.id, frameIndex, eventCount, payloadBytes, nonce };
  const headerBytes = headerBytesOf(header);
  const frame = new Uint8Array(headerBytes + payloadBytes + TAG_BYTES);
  writeHeader(frame, header);
  const associatedData = associatedDataOf(frame.subarray(0, headerBytes), place);
  engine.seal(key.bytes, nonce, associatedData, plaintext, frame.subarray(headerBytes));
  return frame;
}

/**
 * The plaintext of a whole frame; `undefined` where a bit of it, or its place, is not what it was, or where somebody cut
 * the file while it was read.
 */
export function openFrame(
  engine: AeadEngine,
  key: SecretKey,
  frame: Uint8Array,
  { frameBytes, headerBytes, nonce }: FoundHeader,
  place: FramePlace,
): Uint8Array | undefined {
  if (frame.byteLength < frameBytes) return undefined;
  const associatedData = associatedDataOf(frame.subarray(0, headerBytes), place);
  return engine.open(key.bytes, nonce, associatedData, frame.subarray(headerBytes));
}

/** Sectors of 512 bytes arrive or do not; ciphertext has as many zeros in a row once in 10⁷⁷ bytes. */
const TORN_RUN_BYTES = 32;

/** Whether a frame shows what a write that was cut off leaves: zeros to its end, or in the place of a part of it. */
export function isTorn(frame: Uint8Array): boolean {
  if (frame.at(-1) === 0) return true;
  let zeros = 0;
  for (const byte of frame) {
    zeros = byte === 0 ? zeros + 1 : 0;
    if (zeros === TORN_RUN_BYTES) return true;
  }
  return false;
}

/** The header as it stands in the file, then both ids, each behind its length in two bytes, little-endian. */
function associatedDataOf(header: Uint8Array, { spoolId, segmentId }: FramePlace): Uint8Array {
  const [spool, segment] = [idBytes('spoolId', spoolId), idBytes('segmentId', segmentId)];
  const bytes = new Uint8Array(header.byteLength + 4 + spool.byteLength + segment.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(header, 0);
  let position = header.byteLength;
  for (const id of [spool, segment]) {
    view.setUint16(position, id.byteLength, true);
    bytes.set(id, position + 2);
    position += 2 + id.byteLength;
  }
  return bytes;
}

function idBytes(name: string, id: string): Uint8Array {
  const bytes = encoder.encode(id);
  if (bytes.byteLength <= MAX_ID_BYTES) return bytes;
  throw new RangeError(`${name} must be at most ${MAX_ID_BYTES} bytes, got ${bytes.byteLength}`);
}
