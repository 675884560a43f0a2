import { type NodeZlib, nodeZlib, type ZlibOptions, zlibCall } from '@relaykit/serializers/framed';
import type { ZstdEngine } from './zstd-engine.ts';

type ZstdZlib = NodeZlib &
  Required<Pick<NodeZlib, 'zstdCompressSync' | 'zstdCompress' | 'zstdDecompressSync' | 'zstdDecompress'>>;

/** zlib's own smallest. */
const MIN_CHUNK_BYTES = 64;
/** 64 KiB: what a frame compresses to fits into one piece of output. */
const OUTPUT_CHUNK_BYTES: number = 64 * 1024;

/** `node:zlib`, where it has Zstandard: Node 22.15, 24 and later. `undefined` elsewhere. */
export function nativeZstd(): ZstdEngine | undefined {
  const zlib = nodeZlib();
  return zlib && hasZstd(zlib) ? makeEngine(zlib) : undefined;
}

function hasZstd(zlib: NodeZlib): zlib is ZstdZlib {
  return zlib.zstdCompressSync !== undefined && zlib.zstdDecompress !== undefined;
}

function makeEngine(zlib: ZstdZlib): ZstdEngine {
  const { ZSTD_c_compressionLevel: levelKey, ZSTD_c_checksumFlag: checksumKey } = zlib.constants as Record<
    'ZSTD_c_compressionLevel' | 'ZSTD_c_checksumFlag',
    number
  >;
  const compression = (level: number): ZlibOptions => ({
    params: { [levelKey]: level, [checksumKey]: 1 },
    chunkSize: OUTPUT_CHUNK_BYTES,
  });
  return {
    name: 'native',
    compress: (content, level) => zlib.zstdCompressSync(content, compression(level)),
    compressOffThread: (content, level) => zlibCall(zlib.zstdCompress, content, compression(level)),
    decompress: (frame, maxContentBytes) => zlib.zstdDecompressSync(frame, bounded(maxContentBytes)),
    decompressOffThread: (frame, maxContentBytes) => zlibCall(zlib.zstdDecompress, frame, bounded(maxContentBytes)),
  };
}

/** Room for one byte more makes the end of the frame visible in the first piece of output. */
function bounded(maxContentBytes: number): ZlibOptions {
  return { maxOutputLength: Math.max(1, maxContentBytes), chunkSize: Math.max(MIN_CHUNK_BYTES, maxContentBytes + 1) };
}
