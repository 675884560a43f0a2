import { crc32 } from './crc32.ts';

/** Behind a prefix of the format's own, five numbers of 32 bits, little-endian. */
const NUMBER_BYTES = 4;
const NUMBERS_BYTES: number = 5 * NUMBER_BYTES;
const MAX_NUMBER = 0xffff_ffff;

/** What the header of a frame says. */
export interface FrameHeader {
  /** The whole frame, header included. */
  readonly frameBytes: number;
  readonly eventCount: number;
  /** What the body decodes to. */
  readonly decodedBytes: number;
  /** CRC-32 of the body as it is stored. */
  readonly bodyCrc: number;
}

export function headerBytes(prefix: Uint8Array): number {
  return prefix.byteLength + NUMBERS_BYTES;
}

/** The frame: prefix, frame length, event count, decoded length, CRC-32 of the body, CRC-32 of the header so far; body. */
export function assembleFrame(
  prefix: Uint8Array,
  body: Uint8Array,
  { eventCount, decodedBytes }: Pick<FrameHeader, 'eventCount' | 'decodedBytes'>,
): Uint8Array {
  const bodyAt = headerBytes(prefix);
  const frameBytes = bodyAt + body.byteLength;
  if (frameBytes > MAX_NUMBER || decodedBytes > MAX_NUMBER) {
    throw new RangeError(
      `a frame must hold less than 4 GiB, got ${decodedBytes} bytes of events; encode fewer at once`,
    );
  }
  const frame = new Uint8Array(frameBytes);
  frame.set(prefix);
  frame.set(body, bodyAt);
  const view = new DataView(frame.buffer);
  let position = prefix.byteLength;
  for (const number of [frameBytes, eventCount, decodedBytes, crc32(body)]) {
    view.setUint32(position, number, true);
    position += NUMBER_BYTES;
  }
  view.setUint32(position, crc32(frame.subarray(0, position)), true);
  return frame;
}

/** `undefined` where `bytes` do not begin with a header whose check fits. */
export function parseHeader(prefix: Uint8Array, bytes: Uint8Array): FrameHeader | undefined {
  const bodyAt = headerBytes(prefix);
  if (bytes.byteLength < bodyAt || matchingBytes(prefix, bytes) < prefix.byteLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bodyAt);
  const number = (index: number): number => view.getUint32(prefix.byteLength + index * NUMBER_BYTES, true);
  if (number(4) !== crc32(bytes.subarray(0, bodyAt - NUMBER_BYTES))) return undefined;
  const header = { frameBytes: number(0), eventCount: number(1), decodedBytes: number(2), bodyCrc: number(3) };
  return header.frameBytes < bodyAt ? undefined : header;
}

/** How many bytes of the prefix `bytes` has in their places. */
export function matchingBytes(prefix: Uint8Array, bytes: Uint8Array): number {
  let matching = 0;
  for (const [index, byte] of prefix.entries()) if (bytes[index] === byte) matching += 1;
  return matching;
}
