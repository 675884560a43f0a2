import { createGunzip } from 'node:zlib';

const magic = [0x1f, 0x8b] as const;

/**
 * The same bytes, unpacked where they begin as gzip does: no JSON text begins that way. One chunk at a time, so that a
 * bomb costs no memory.
 *
 * @throws Error - the compressed input is damaged or cut off. What came before was yielded, up to the last chunks: what
 *   was unpacked and not yet taken goes with them.
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
  let givenBytes = 0;
  const feed = async (): Promise<void> => {
    for await (const chunk of joined(head, rest)) {
      givenBytes += chunk.length;
      if (unpacker.destroyed) return;
      if (!unpacker.write(chunk)) await drained();
    }
    unpacker.end();
  };
  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      const resume = (): void => {
        unpacker.off('drain', resume);
        unpacker.off('close', resume);
        resolve();
      };
      unpacker.once('drain', resume);
      unpacker.once('close', resume);
    });
  const feeding = feed().catch((error: unknown) => void unpacker.destroy(error as Error));
  try {
    yield* unpacker as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new Error('Standard input is damaged or cut off gzip; lines close before the damage may be missing, too', {
      cause,
    });
  } finally {
    unpacker.destroy();
  }
  await feeding;
  // The unpacker ends without a word at whatever follows the last member and is none.
  const leftBytes = givenBytes - unpacker.bytesWritten;
  if (leftBytes > 0)
    throw new Error(
      `Standard input has ${leftBytes} bytes behind its gzip data that are no gzip; they are not stored.`,
    );
}

async function* joined(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}
