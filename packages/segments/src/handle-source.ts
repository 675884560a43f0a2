import type { ByteSource, FileHandle } from '@relaykit/types';
import { sha256 } from './sha256.ts';

/** How much is read at a time. */
export const READ_BYTES: number = 256 * 1024;

/** A range of an open file as a source of its own. */
export function handleSource(handle: FileHandle, fromBytes: number, toBytes: number): ByteSource {
  const sizeBytes = toBytes - fromBytes;
  return {
    sizeBytes,
    read: (positionBytes, lengthBytes) =>
      handle.read(fromBytes + positionBytes, Math.max(0, Math.min(lengthBytes, sizeBytes - positionBytes))),
  };
}

/** The source's bytes in pieces, from the start. Ends early where the file is shorter than the source says. */
export async function* readPieces(source: ByteSource, pieceBytes: number = READ_BYTES): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < source.sizeBytes; ) {
    const piece = await source.read(position, Math.min(pieceBytes, source.sizeBytes - position));
    if (piece.byteLength === 0) return;
    position += piece.byteLength;
    yield piece;
  }
}

/** SHA-256 of the source, 64 lower-case hexadecimal digits. */
export async function hashSource(source: ByteSource): Promise<string> {
  const hash = sha256();
  for await (const piece of readPieces(source)) hash.update(piece);
  return hash.digestHex();
}

/** SHA-256 of the first bytes of a file, off the event loop where the file system can do that. */
export async function hashHandle(handle: FileHandle, sizeBytes: number): Promise<string> {
  return (await handle.sha256?.(sizeBytes)) ?? hashSource(handleSource(handle, 0, sizeBytes));
}

/** The same before it returns. */
export function hashHandleSync(handle: FileHandle, sizeBytes: number): string {
  const hash = sha256();
  for (let position = 0; position < sizeBytes; ) {
    const piece = handle.readSync(position, Math.min(READ_BYTES, sizeBytes - position));
    if (piece.byteLength === 0) break;
    hash.update(piece);
    position += piece.byteLength;
  }
  return hash.digestHex();
}
