import { finished } from 'node:stream/promises';
import { createGunzip, type Gunzip } from 'node:zlib';

const magic = [0x1f, 0x8b] as const;
/** Unpacked at once; deflate makes at most 1,032 times as much of it. */
const PIECE_BYTES = 8 * 1024;

/**
 * The same bytes, unpacked where they begin as gzip does: no JSON text begins that way. A piece at a time, so that a bomb
 * costs 8 MiB at most.
 *
 * @throws Error - the compressed input is damaged or cut off. What came before was yielded, but for up to 16 KiB of lines
 *   that zlib was at when it met the damage, which it does not give out.
 */
export async function* unpackInput(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = input[Symbol.asyncIterator]();
  const head = await readHead(chunks);
  const rest = { [Symbol.asyncIterator]: () => chunks };
  const isGzip = magic.every((byte, index) => head[index] === byte);
  if (isGzip) yield* gunzip(head, rest);
  else {
    if (head.length > 0) yield head;
    yield* rest;
  }
}

/** The first two bytes at least, unless the input ends before. */
async function readHead(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < magic.length && (head.length === 0 || head[0] === magic[0])) {
    const next = await chunks.next();
    if (next.done === true) return head;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* gunzip(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const unpacker = createGunzip();
  // Taken as it comes: an error of the unpacker throws away what it holds.
  const unpacked: Uint8Array[] = [];
  unpacker.on('data', (chunk: Uint8Array) => unpacked.push(chunk));
  // Whoever waits for the unpacker is told, too; an error that nobody listens to would end the process.
  unpacker.on('error', () => undefined);
  let givenBytes = 0;
  try {
    for await (const piece of pieces(joined(head, rest))) {
      givenBytes += piece.length;
      await give(unpacker, piece);
      yield* unpacked.splice(0);
      if (unpacker.readableEnded) break;
    }
    if (!unpacker.readableEnded) await finished(unpacker.end());
    yield* unpacked.splice(0);
  } catch (cause) {
    yield* unpacked.splice(0);
    throw new Error('Standard input is damaged or cut off gzip; lines close before the damage may be missing, too', {
      cause,
    });
  } finally {
    unpacker.destroy();
  }
  // The unpacker ends without a word at whatever follows the last member and is none.
  const leftBytes = givenBytes - unpacker.bytesWritten;
  if (leftBytes > 0)
    throw new Error(
      `Standard input has ${leftBytes} bytes behind its gzip data that are no gzip; they are not stored.`,
    );
}

/**
 * Resolves once all of the piece is unpacked, or the unpacker has come to its end, of which the one who writes is not told;
 * nor is that one of an error.
 */
function give(unpacker: Gunzip, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      unpacker.off('end', settle);
      unpacker.off('close', settle);
      if (unpacker.errored) reject(unpacker.errored);
      else resolve();
    };
    unpacker.once('end', settle);
    unpacker.once('close', settle);
    unpacker.write(piece, settle);
  });
}

async function* pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) yield chunk.subarray(start, start + PIECE_BYTES);
  }
}

async function* joined(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}
