import type { ForeignPiece, FrameCodec } from '@relaykit/serializers/framed';
import type { ZstdEngine } from './zstd-engine.ts';
import { parseZstdFrame } from './zstd-frame.ts';

const SIGNATURE_BYTES = 4;
const NUMBERS_BYTES = 20;
/** Magic number, descriptor, one byte of window or size, one empty block (RFC 8878, section 3.1.1). */
const MIN_FRAME_BYTES = 9;

/** A skippable frame (RFC 8878, section 3.1.2) in front of each data frame. Its numbers follow: see the README. */
const PREFIX: Uint8Array = Uint8Array.of(
  ...[0x5b, 0x2a, 0x4d, 0x18], // magic number of a skippable frame
  ...[SIGNATURE_BYTES + NUMBERS_BYTES, 0, 0, 0], // its length
  ...[0x52, 0x4b, 0x5a, 0x31], // RKZ1
);

export function zstdCodec(engine: ZstdEngine, level: number): FrameCodec {
  const { compressOffThread, decompressOffThread } = engine;
  return {
    prefix: PREFIX,
    compress: (content) => engine.compress(content, level),
    ...(compressOffThread && { compressOffThread: (content: Uint8Array) => compressOffThread(content, level) }),
    decompress: (body, decodedBytes) => requireLength(engine.decompress(body, decodedBytes), decodedBytes),
    ...(decompressOffThread && {
      decompressOffThread: async (body: Uint8Array, decodedBytes: number) =>
        requireLength(await decompressOffThread(body, decodedBytes), decodedBytes),
    }),
    minBodyBytes: MIN_FRAME_BYTES,
    // Far beyond ZSTD_compressBound, since other encoders are less careful.
    maxBodyBytes: (decodedBytes) => decodedBytes + Math.ceil(decodedBytes / 4) + 1_024,
    readForeign: (bytes, maxDecodedBytes) => readForeign(engine, bytes, maxDecodedBytes),
  };
}

function requireLength(content: Uint8Array, decodedBytes: number): Uint8Array {
  if (content.byteLength === decodedBytes) return content;
  throw new Error(`the frame holds ${content.byteLength} bytes, its header says ${decodedBytes}`);
}

function readForeign(engine: ZstdEngine, bytes: Uint8Array, maxDecodedBytes: number): ForeignPiece {
  const frame = parseZstdFrame(bytes);
  // Blocks are walked and not decoded, so no more than the bytes themselves was gone through.
  if (frame.kind === 'incomplete') return { kind: 'incomplete', workBytes: bytes.byteLength };
  if (frame.kind === 'damaged') return { kind: 'damaged', reason: 'syntax', workBytes: bytes.byteLength };
  const { lengthBytes } = frame;
  if (frame.kind === 'skippable') return { kind: 'whole', lengthBytes, content: new Uint8Array(0) };
  // Decoders make room for what a frame says that it holds.
  if ((frame.contentBytes ?? 0) > maxDecodedBytes) return { kind: 'tooLarge', workBytes: lengthBytes };
  const contentBytes = Math.min(frame.maxContentBytes, maxDecodedBytes);
  try {
    const content = engine.decompress(bytes.subarray(0, lengthBytes), contentBytes);
    return { kind: 'whole', lengthBytes, content };
  } catch {
    const workBytes = lengthBytes + contentBytes;
    // It may be whole and simply not have fitted.
    if (frame.maxContentBytes > maxDecodedBytes) return { kind: 'tooLarge', workBytes };
    return { kind: 'damaged', reason: 'checksum', workBytes };
  }
}
