/** How one compressed format makes frames and reads them. */
export interface FrameCodec {
  /** With what each frame of ours begins; a tool that knows the format takes it and the numbers behind for a header. */
  readonly prefix: Uint8Array;
  /** The frame's body, which with prefix and numbers in front is a valid piece of a file of the format. */
  compress(content: Uint8Array): Uint8Array;
  /** The same off the thread, where the platform can. `content` must not change meanwhile. */
  compressOffThread?(content: Uint8Array): Promise<Uint8Array>;
  /**
   * What a body, already checked, decodes to. Never allocates much more than `decodedBytes`.
   *
   * @throws Error - the body decodes to something else, or not at all.
   */
  decompress(body: Uint8Array, decodedBytes: number): Uint8Array;
  decompressOffThread?(body: Uint8Array, decodedBytes: number): Promise<Uint8Array>;
  /** The smallest body there is, that of no content. */
  readonly minBodyBytes: number;
  /** The largest body that `decodedBytes` can make. */
  maxBodyBytes(decodedBytes: number): number;
  /** Reads the piece, made by another program, with which `bytes` begins. */
  readForeign(bytes: Uint8Array, maxDecodedBytes: number): ForeignPiece;
}

/**
 * What `readForeign` found at the beginning of the bytes. `workBytes` is what it went through in vain: bytes read and bytes
 * they made.
 */
export type ForeignPiece =
  | { readonly kind: 'whole'; readonly lengthBytes: number; readonly content: Uint8Array }
  /** It may go on behind the bytes. */
  | { readonly kind: 'incomplete'; readonly workBytes: number }
  | { readonly kind: 'tooLarge'; readonly workBytes: number }
  | { readonly kind: 'damaged'; readonly reason: 'checksum' | 'syntax'; readonly workBytes: number };
