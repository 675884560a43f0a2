/** What compresses; either reads what the other wrote. */
export type ZstdEngineName = 'native' | 'wasm';

/** Whole Zstandard frames (RFC 8878). Made by `nativeZstd` and `loadZstdWasm`. */
export interface ZstdEngine {
  readonly name: ZstdEngineName;
  compress(content: Uint8Array, level: number): Uint8Array;
  compressOffThread?(content: Uint8Array, level: number): Promise<Uint8Array>;
  /**
   * One frame.
   *
   * @throws Error - it is damaged, or decodes to more than `maxContentBytes`, which are never allocated.
   */
  decompress(frame: Uint8Array, maxContentBytes: number): Uint8Array;
  decompressOffThread?(frame: Uint8Array, maxContentBytes: number): Promise<Uint8Array>;
}
