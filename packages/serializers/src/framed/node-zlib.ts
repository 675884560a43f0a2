/** Options of `node:zlib` that compressing frames needs. */
export interface ZlibOptions {
  readonly level?: number;
  readonly chunkSize?: number;
  /** A larger output throws with `ERR_BUFFER_TOO_LARGE`. */
  readonly maxOutputLength?: number;
  readonly params?: Readonly<Record<number, number>>;
}

type Transform = (bytes: Uint8Array, options: ZlibOptions) => Uint8Array;
type Callback = (error: Error | null, result: Uint8Array) => void;
type AsyncTransform = (bytes: Uint8Array, options: ZlibOptions, callback: Callback) => void;

/** As much of `node:zlib` as compressing frames needs. */
export interface NodeZlib {
  /** Node 20.15, 22.2 and later. */
  readonly crc32?: (bytes: Uint8Array, value?: number) => number;
  readonly deflateRawSync: Transform;
  readonly deflateRaw: AsyncTransform;
  readonly inflateRawSync: Transform;
  readonly inflateRaw: AsyncTransform;
  /** Zstandard came with Node 22.15 and 23.8. */
  readonly zstdCompressSync?: Transform;
  readonly zstdCompress?: AsyncTransform;
  readonly zstdDecompressSync?: Transform;
  readonly zstdDecompress?: AsyncTransform;
  readonly constants: Readonly<Record<string, number>>;
}

interface ProcessLike {
  readonly getBuiltinModule?: (name: string) => unknown;
}

/**
 * `node:zlib` where there is one. Asked for at run time: an import would keep these files out of browsers and would make
 * bundlers look for a replacement.
 */
export function nodeZlib(): NodeZlib | undefined {
  const { process } = globalThis as { process?: ProcessLike };
  return process?.getBuiltinModule?.('node:zlib') as NodeZlib | undefined;
}

/** One call of an asynchronous function of `node:zlib`, done on a thread of its pool. */
export function zlibCall(transform: AsyncTransform, bytes: Uint8Array, options: ZlibOptions): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    transform(bytes, options, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
