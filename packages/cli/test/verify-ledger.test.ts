// Goal: the lines of a ledger keep their places whatever bytes are in them, and long ones cost what short ones cost.
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteSource } from '@relaykit/types';
import { expect, it } from 'vitest';
import { wholeLines } from '../src/verify-ledger.ts';
import { jsonLines, relay } from './in-process.ts';
import { newSpool } from './spool.ts';

const pieceBytes = 256 * 1024;

/** A source in memory that counts what is read of it. */
function countedSource(content: Buffer): ByteSource & { readonly readBytes: number; readonly longestRead: number } {
  let readBytes = 0;
  let longestRead = 0;
  return {
    sizeBytes: content.byteLength,
    read: async (positionBytes, lengthBytes) => {
      const bytes = content.subarray(positionBytes, positionBytes + lengthBytes);
      readBytes += bytes.byteLength;
      longestRead = Math.max(longestRead, bytes.byteLength);
      return bytes;
    },
    get readBytes() {
      return readBytes;
    },
    get longestRead() {
      return longestRead;
    },
  };
}

async function linesOf(source: ByteSource): Promise<{ position: number; text: string }[]> {
  const lines: { position: number; text: string }[] = [];
  for await (const { positionBytes, bytes } of wholeLines(source)) {
    lines.push({ position: positionBytes, text: Buffer.from(bytes).toString() });
  }
  return lines;
}

it.each([0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 5 * pieceBytes])(
  'finds each line around one of %i bytes, and reads no byte more than twice',
  async (length) => {
    const long = 'x'.repeat(length);
    const content = Buffer.from(`a\n${long}\n\nb\nrest`);
    const source = countedSource(content);
    expect(await linesOf(source)).toEqual([
      { position: 0, text: 'a' },
      { position: 2, text: long },
      { position: length + 3, text: '' },
      { position: length + 4, text: 'b' },
    ]);
    expect(source.readBytes).toBeLessThanOrEqual(2 * content.byteLength);
  },
);

it('holds nothing of a line without an end', async () => {
  const source = countedSource(Buffer.alloc(40 * pieceBytes, 'x'));
  expect(await linesOf(source)).toEqual([]);
  expect(source).toMatchObject({ readBytes: 40 * pieceBytes, longestRead: pieceBytes });
});

it('names the place of a line by bytes, behind lines that are no text', async () => {
  const spool = await newSpool();
  await relay(['record', '--dir', spool], { stdin: '1\n' });
  const path = join(spool, 'ledger.ndjson');
  await writeFile(path, Buffer.from([0xff, 0xfe, 0x80, 0x0a]));
  await appendFile(path, 'no record\ntorn');
  expect(await readFile(path)).toHaveLength(18);
  const found = jsonLines(await relay(['verify', '--dir', spool, '--json'])).filter(
    ({ file }) => file === 'ledger.ndjson',
  );
  expect(found).toMatchObject([
    { code: 'ledgerLineDamaged', line: 1, positionBytes: 0, lengthBytes: 4 },
    { code: 'ledgerLineDamaged', line: 2, positionBytes: 4, lengthBytes: 10 },
    { code: 'tornTail', positionBytes: 14 },
  ]);
});
