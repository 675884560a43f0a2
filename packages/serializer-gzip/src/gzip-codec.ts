import { crc32, type FrameCodec } from '@relaykit/serializers/framed';
import { readForeignMember } from './foreign-member.ts';
import type { GzipEngine } from './gzip-engine.ts';

const TRAILER_BYTES = 8;
const NUMBERS_BYTES = 20;
/** A last block that is empty, with fixed codes: 10 bits (RFC 1951, section 3.2.6). */
const MIN_DEFLATED_BYTES = 2;

/**
 * A gzip header (RFC 1952) with one extra subfield, `RK`: no time, no system, no name. Its numbers follow: see the README.
 * The header's own CRC (FHCRC) is not used: older gzip, and DuckDB, refuse files that have it.
 */
const PREFIX: Uint8Array = Uint8Array.of(
  ...[0x1f, 0x8b, 0x08, 0x04], // magic, deflate, FEXTRA
  ...[0, 0, 0, 0, 0, 0xff], // no time, no hints, unknown system
  ...[4 + NUMBERS_BYTES, 0], // length of the extra field
  ...[0x52, 0x4b, NUMBERS_BYTES, 0], // RK, length of the subfield
);

export function gzipCodec(engine: GzipEngine, level: number): FrameCodec {
  const { deflateOffThread, inflateOffThread } = engine;
  return {
    prefix: PREFIX,
    compress: (content) => withTrailer(engine.deflate(content, level), content),
    ...(deflateOffThread && {
      compressOffThread: async (content: Uint8Array) => withTrailer(await deflateOffThread(content, level), content),
    }),
    decompress: (body, decodedBytes) => checked(body, engine.inflate(deflatedOf(body), decodedBytes)),
    ...(inflateOffThread && {
      decompressOffThread: async (body: Uint8Array, decodedBytes: number) =>
        checked(body, await inflateOffThread(deflatedOf(body), decodedBytes)),
    }),
    minBodyBytes: MIN_DEFLATED_BYTES + TRAILER_BYTES,
    // Far beyond zlib's deflateBound, since other encoders are less careful.
    maxBodyBytes: (decodedBytes) => decodedBytes + Math.ceil(decodedBytes / 4) + 1_024,
    readForeign: readForeignMember,
  };
}

function withTrailer(deflated: Uint8Array, content: Uint8Array): Uint8Array {
  const body = new Uint8Array(deflated.byteLength + TRAILER_BYTES);
  body.set(deflated);
  const view = new DataView(body.buffer, deflated.byteLength);
  view.setUint32(0, crc32(content), true);
  view.setUint32(4, content.byteLength, true);
  return body;
}

function deflatedOf(body: Uint8Array): Uint8Array {
  return body.subarray(0, body.byteLength - TRAILER_BYTES);
}

function checked(body: Uint8Array, content: Uint8Array): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset + body.byteLength - TRAILER_BYTES, TRAILER_BYTES);
  if (view.getUint32(0, true) === crc32(content) && view.getUint32(4, true) === content.byteLength) return content;
  throw new Error('the CRC-32 or size in the trailer does not fit the content');
}
