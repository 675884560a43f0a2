import { type NodeZlib, nodeZlib, type ZlibOptions, zlibCall } from '@relaykit/serializers/framed';
import { type GzipEngine, requireLength } from './gzip-engine.ts';

/** zlib's own smallest. */
const MIN_CHUNK_BYTES = 64;
/** 64 KiB: what a frame compresses to fits into one piece of output. */
const OUTPUT_CHUNK_BYTES: number = 64 * 1024;

/** `node:zlib`; `undefined` outside Node. */
export function nativeEngine(): GzipEngine | undefined {
  const zlib = nodeZlib();
  return zlib && makeEngine(zlib);
}

function makeEngine(zlib: NodeZlib): GzipEngine {
  return {
    name: 'native',
    deflate: (content, level) => zlib.deflateRawSync(content, { level, chunkSize: OUTPUT_CHUNK_BYTES }),
    deflateOffThread: (content, level) => zlibCall(zlib.deflateRaw, content, { level, chunkSize: OUTPUT_CHUNK_BYTES }),
    inflate: (deflated, decodedBytes) =>
      requireLength(zlib.inflateRawSync(deflated, bounded(decodedBytes)), decodedBytes),
    inflateOffThread: async (deflated, decodedBytes) =>
      requireLength(await zlibCall(zlib.inflateRaw, deflated, bounded(decodedBytes)), decodedBytes),
  };
}

/** Room for one byte more makes the end of the stream visible in the first piece of output. */
function bounded(decodedBytes: number): ZlibOptions {
  return { maxOutputLength: Math.max(1, decodedBytes), chunkSize: Math.max(MIN_CHUNK_BYTES, decodedBytes + 1) };
}
