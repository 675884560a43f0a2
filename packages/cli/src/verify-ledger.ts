import { join } from 'node:path';
import { handleSource, isLedgerLine, LEDGER_FILE, readPieces } from '@relaykit/segments';
import type { ByteSource } from '@relaykit/types';
import type { Finding } from './findings.ts';
import type { SpoolView } from './open-spool.ts';

const newline = 0x0a;

/** Every line of the ledger. */
export async function* verifyLedger({ directory, fileSystem }: SpoolView): AsyncGenerator<Finding> {
  const file = LEDGER_FILE;
  if ((await fileSystem.stat(join(directory, file))) === undefined) return;
  const handle = await fileSystem.openFile(join(directory, file), 'read');
  try {
    const { sizeBytes } = await handle.stat();
    const decoder = new TextDecoder();
    let line = 0;
    let endBytes = 0;
    for await (const { positionBytes, bytes } of wholeLines(handleSource(handle, 0, sizeBytes))) {
      line += 1;
      const lengthBytes = bytes.byteLength + 1;
      endBytes = positionBytes + lengthBytes;
      if (isLedgerLine(decoder.decode(bytes))) continue;
      const message = 'damaged: no record of ours; its events count as lost';
      yield { severity: 'damage', code: 'ledgerLineDamaged', file, positionBytes, lengthBytes, line, message };
    }
    if (endBytes === sizeBytes) return;
    const message = 'its last line was cut off; it does not count, and the next append cuts it off';
    yield { severity: 'unfinished', code: 'tornTail', file, positionBytes: endBytes, message };
  } finally {
    await handle.close();
  }
}

/**
 * The lines that have an end, without it. Of one that no piece has the end of nothing is held, and once the end is found
 * it is read again: each byte is looked at once and read twice at most, however long its line is.
 */
export async function* wholeLines(
  source: ByteSource,
): AsyncGenerator<{ readonly positionBytes: number; readonly bytes: Uint8Array }> {
  let lineBytes = 0;
  let pieceBytes = 0;
  for await (const piece of readPieces(source)) {
    for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, end + 1)) {
      const isWithin = lineBytes >= pieceBytes;
      const bytes = isWithin
        ? piece.subarray(lineBytes - pieceBytes, end)
        : await source.read(lineBytes, pieceBytes + end - lineBytes);
      yield { positionBytes: lineBytes, bytes };
      lineBytes = pieceBytes + end + 1;
    }
    pieceBytes += piece.byteLength;
  }
}
