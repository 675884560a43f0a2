import { join } from 'node:path';
import {
  findSpoolIdSync,
  handleSource,
  isLedgerLine,
  LEDGER_FILE,
  readMetadataFile,
  readPieces,
  SPOOL_FILE,
  type SpoolFile,
} from '@relaykit/segments';
import { isRelayError } from '@relaykit/types';
import { describeError } from './describe-error.ts';
import type { Finding } from './findings.ts';
import type { SpoolView } from './open-spool.ts';

/** The spool's id as `spool.json` has it, or why it has none. */
export function verifySpoolFile({ directory, fileSystem }: SpoolView): { spoolId?: string; finding?: Finding } {
  const file = SPOOL_FILE;
  try {
    const spoolId = findSpoolIdSync(fileSystem, directory);
    if (spoolId !== undefined) return { spoolId };
    const code = fileSystem.statSync(join(directory, file)) ? 'spoolFileDamaged' : 'spoolFileMissing';
    const message = code === 'spoolFileMissing' ? 'missing' : 'cut off before its end';
    return { finding: { severity: 'damage', code, file, message: `${message}; relay repair restores it` } };
  } catch (error) {
    // Of a newer version nothing may be said.
    if (isRelayError(error, 'RELAY_SPOOL_UNSUPPORTED') && error.facts.foundVersion !== undefined) throw error;
    const message = `damaged: ${describeError(error)}`;
    return { finding: { severity: 'damage', code: 'spoolFileDamaged', file, message } };
  }
}

/** Every line of the ledger. */
export async function* verifyLedger({ directory, fileSystem }: SpoolView): AsyncGenerator<Finding> {
  const file = LEDGER_FILE;
  if ((await fileSystem.stat(join(directory, file))) === undefined) return;
  const handle = await fileSystem.openFile(join(directory, file), 'read');
  try {
    const { sizeBytes } = await handle.stat();
    const decoder = new TextDecoder();
    let rest = '';
    let line = 0;
    let positionBytes = 0;
    for await (const piece of readPieces(handleSource(handle, 0, sizeBytes))) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        line += 1;
        if (!isLedgerLine(text)) {
          const message = 'damaged: no record of ours; its events count as lost';
          const place = { positionBytes, lengthBytes: Buffer.byteLength(text) + 1, line };
          yield { severity: 'damage', code: 'ledgerLineDamaged', file, ...place, message };
        }
        positionBytes += Buffer.byteLength(text) + 1;
      }
    }
    if (rest === '') return;
    const message = 'its last line was cut off; it does not count, and the next append cuts it off';
    yield { severity: 'unfinished', code: 'tornTail', file, positionBytes, message };
  } finally {
    await handle.close();
  }
}

/** Metadata, export state and remains beside the segments. */
export async function* verifyCompanion(
  { kind, fileName: file, segment }: SpoolFile,
  { directory, fileSystem, ledger }: SpoolView,
  hasSegment: boolean,
): AsyncGenerator<Finding> {
  if (kind === 'gone') {
    yield {
      severity: 'unfinished',
      code: 'removalUnfinished',
      file,
      message: 'a removal that was cut off; recovery finishes it',
    };
  } else if (kind === 'temporary' || (kind === 'salvage' && !hasSegment)) {
    yield {
      severity: 'unfinished',
      code: 'leftover',
      file,
      message: 'left by a process that died; recovery removes it',
    };
  } else if (kind === 'metadata' && !hasSegment) {
    if (await ledger.find(segment.id)) return;
    const metadata = await readMetadataFile(fileSystem, directory, segment.id);
    if (metadata?.eventCount === 0) return;
    const events = metadata ? `${metadata.eventCount.toLocaleString('en-US')} events` : 'nobody knows how many events';
    yield { severity: 'damage', code: 'segmentMissing', file, message: `its segment is missing, with ${events}` };
  } else if (kind === 'exportState' && !(await isReadableState(join(directory, file), fileSystem))) {
    const message = 'damaged: counts as no attempt made; costs the wait, not the segment';
    yield { severity: 'damage', code: 'exportStateDamaged', file, message };
  }
}

async function isReadableState(path: string, fileSystem: SpoolView['fileSystem']): Promise<boolean> {
  const handle = await fileSystem.openFile(path, 'read').catch(() => undefined);
  if (!handle) return true;
  try {
    const { sizeBytes } = await handle.stat();
    const value: unknown = JSON.parse(new TextDecoder().decode(await handle.read(0, Math.min(sizeBytes, 64 * 1024))));
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}
