/** What compresses; either reads what the other wrote. */
export type GzipEngineName = 'native' | 'fflate';

/** Raw deflate (RFC 1951), without gzip's header and trailer. */
export interface GzipEngine {
  readonly name: GzipEngineName;
  deflate(content: Uint8Array, level: number): Uint8Array;
  deflateOffThread?(content: Uint8Array, level: number): Promise<Uint8Array>;
  /**
   * Exactly `decodedBytes` bytes, and never memory for much more.
   *
   * @throws Error - it is no deflate stream, or one of another length.
   */
  inflate(deflated: Uint8Array, decodedBytes: number): Uint8Array;
  inflateOffThread?(deflated: Uint8Array, decodedBytes: number): Promise<Uint8Array>;
}

export function requireLength(content: Uint8Array, decodedBytes: number): Uint8Array {
  if (content.byteLength === decodedBytes) return content;
  throw new Error(`the deflate stream holds ${content.byteLength} bytes or more, its header says ${decodedBytes}`);
}
