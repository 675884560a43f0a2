import { join } from 'node:path';
import type { ExportState } from '@relaykit/types';
import { writeFileAtomic } from './atomic-file.ts';
import { isCount } from './is-count.ts';
import type { Spool } from './spool.ts';
import { exportStateFileName } from './spool-names.ts';
import { systemCodeOf, toStorageError } from './system-error.ts';

const MAX_STATE_BYTES = 16 * 1024;
/** An error text is for people; longer ones are cut. */
const MAX_ERROR_LENGTH = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `undefined` where there is none or it is damaged: that costs the state, never the segment. */
export async function readExportState(
  { directory, fileSystem }: Pick<Spool, 'directory' | 'fileSystem'>,
  id: string,
): Promise<ExportState | undefined> {
  const path = join(directory, exportStateFileName(id));
  try {
    const handle = await fileSystem.openFile(path, 'read');
    try {
      return decode(await handle.read(0, MAX_STATE_BYTES + 1));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw toStorageError(cause, { operation: 'read', path });
  }
}

/** Durable once it resolves. The caller holds the segment's lock. */
export async function writeExportState(spool: Spool, id: string, state: ExportState): Promise<void> {
  const path = spool.pathOf(exportStateFileName(id));
  const lastError = state.lastError?.slice(0, MAX_ERROR_LENGTH);
  const kept = { ...state, ...(lastError === undefined ? {} : { lastError }) };
  try {
    await writeFileAtomic(spool.fileSystem, path, encoder.encode(`${JSON.stringify(kept)}\n`));
  } catch (cause) {
    throw toStorageError(cause, { operation: 'write', path });
  }
}

function decode(bytes: Uint8Array): ExportState | undefined {
  if (bytes.byteLength > MAX_STATE_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { attempts, firstFailureAtMs, nextAttemptAtMs, lastError } = value as Record<string, unknown>;
  return {
    attempts: toCount(attempts),
    firstFailureAtMs: toCount(firstFailureAtMs),
    nextAttemptAtMs: toCount(nextAttemptAtMs),
    ...(typeof lastError === 'string' ? { lastError: lastError.slice(0, MAX_ERROR_LENGTH) } : {}),
  };
}

function toCount(value: unknown): number {
  return isCount(value) ? value : 0;
}
