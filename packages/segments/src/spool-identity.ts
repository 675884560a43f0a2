import { dirname, join, resolve } from 'node:path';
import { type FileHandle, type FileSystem, RelayError } from '@relaykit/types';
import { writeFileAtomic } from './atomic-file.ts';
import { FORMAT_VERSION } from './segment-metadata.ts';
import { SPOOL_FILE } from './spool-names.ts';
import { systemCodeOf, toStorageError } from './system-error.ts';

/** `spool.json` is below a hundred bytes; what is larger is not ours. */
const MAX_SPOOL_FILE_BYTES = 4096;
/** Each turn waits a millisecond for another process that is writing the file: a few hundred bytes and a sync. */
const MAX_TURNS = 5000;
/** A directory of others, or one of a kind that cannot be synced. */
const CLOSED_TO_US: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS']);
const SPOOL_ID = /^[0-9a-f]{32}$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Reads the spool's random id, or gives it one. The file is locked while it is written, so that two processes that
 * start together agree; one that a crash left unfinished is written again, which harms nothing: no segment is created
 * before it is durable.
 *
 * @throws RelayError `RELAY_SPOOL_UNSUPPORTED` - written by a newer version, or not a spool of ours.
 */
export function readSpoolIdSync(fileSystem: FileSystem, directory: string): string {
  const path = join(directory, SPOOL_FILE);
  const known = readKnownId(fileSystem, path);
  if (known !== undefined) return known;
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    if (turn > 0) sleepSync(1);
    const found = openOrCreate(fileSystem, path);
    if (!found) continue;
    const { handle, isNew } = found;
    try {
      const id = isNew ? undefined : parse(handle, path);
      if (id !== undefined) return id;
      // Whoever holds the lock is writing it just now.
      if (handle.tryLock()) return parse(handle, path) ?? write(fileSystem, directory, handle);
    } finally {
      handle.closeSync();
    }
  }
  throw unsupported(path, undefined, 'another process keeps it locked and unfinished; end that process');
}

/**
 * The spool's id, for who only reads; `undefined` where it has none yet.
 *
 * @throws RelayError `RELAY_SPOOL_UNSUPPORTED`, `RELAY_STORAGE_FAILED`
 */
export function findSpoolIdSync(fileSystem: FileSystem, directory: string): string | undefined {
  const path = join(directory, SPOOL_FILE);
  try {
    return readKnownId(fileSystem, path);
  } catch (cause) {
    throw toStorageError(cause, { operation: 'open', path });
  }
}

/** The usual case, which must work where nothing can be written. */
function readKnownId(fileSystem: FileSystem, path: string): string | undefined {
  let handle: FileHandle;
  try {
    handle = fileSystem.openFileSync(path, 'read');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return parse(handle, path);
  } finally {
    handle.closeSync();
  }
}

function openOrCreate(fileSystem: FileSystem, path: string): { handle: FileHandle; isNew: boolean } | undefined {
  try {
    return { handle: fileSystem.openFileSync(path, 'readWrite'), isNew: false };
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
  try {
    return { handle: fileSystem.createFileSync(path), isNew: true };
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
    return undefined;
  }
}

/** `undefined` where the file is unfinished: it ends before its final newline, or holds zeros for what never arrived. */
function parse(handle: FileHandle, path: string): string | undefined {
  const text = decoder.decode(handle.readSync(0, MAX_SPOOL_FILE_BYTES + 1));
  if ((!text.endsWith('\n') && text.length < MAX_SPOOL_FILE_BYTES) || text.includes('\0')) return undefined;
  let value: { formatVersion?: unknown; spoolId?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    throw unsupported(path, undefined, 'it is damaged; restore it from a backup, or move the directory away');
  }
  const { formatVersion, spoolId } = value ?? {};
  if (formatVersion !== FORMAT_VERSION) {
    const version = typeof formatVersion === 'number' ? formatVersion : undefined;
    throw unsupported(path, version, 'it was written by another version; use that version, or another directory');
  }
  if (typeof spoolId !== 'string' || !SPOOL_ID.test(spoolId)) {
    throw unsupported(path, FORMAT_VERSION, 'it names no spool id; restore it, or move the directory away');
  }
  return spoolId;
}

/**
 * Gives a spool whose `spool.json` is damaged or gone its id back, as the metadata of its segments has it. Frames that
 * are bound to the id can be read again then.
 *
 * @throws TypeError - `spoolId` is none.
 * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED`
 */
export async function restoreSpoolId(fileSystem: FileSystem, directory: string, spoolId: string): Promise<void> {
  if (!SPOOL_ID.test(spoolId))
    throw new TypeError(`spoolId must be 32 hexadecimal digits, got ${JSON.stringify(spoolId)}`);
  const text = `${JSON.stringify({ formatVersion: FORMAT_VERSION, spoolId })}\n`;
  const path = join(directory, SPOOL_FILE);
  try {
    await writeFileAtomic(fileSystem, path, encoder.encode(text));
  } catch (cause) {
    throw toStorageError(cause, { operation: 'write', path });
  }
}

function write(fileSystem: FileSystem, directory: string, handle: FileHandle): string {
  const spoolId = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  syncAncestorsSync(fileSystem, directory);
  handle.truncateSync(0);
  handle.writeSync(encoder.encode(`${JSON.stringify({ formatVersion: FORMAT_VERSION, spoolId })}\n`), 0);
  handle.syncDataSync();
  fileSystem.syncDirectorySync(directory);
  return spoolId;
}

/**
 * Whoever created the directories may have died, or failed, before they were durable. Once in the life of a spool; what
 * may not be looked into was there before.
 */
function syncAncestorsSync(fileSystem: FileSystem, directory: string): void {
  const path = resolve(directory);
  const parent = dirname(path);
  if (parent === path) return;
  syncAncestorsSync(fileSystem, parent);
  try {
    fileSystem.syncDirectorySync(parent);
  } catch (error) {
    if (!CLOSED_TO_US.has(systemCodeOf(error))) throw error;
  }
}

/** Opening must also work at exit, where nothing asynchronous happens any more. */
function sleepSync(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

function unsupported(path: string, foundVersion: number | undefined, what: string): RelayError {
  return new RelayError('RELAY_SPOOL_UNSUPPORTED', `Cannot use the spool of ${path}: ${what}.`, {
    path,
    foundVersion,
    supportedVersion: FORMAT_VERSION,
  });
}
