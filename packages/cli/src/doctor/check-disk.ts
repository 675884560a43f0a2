import { join } from 'node:path';
import type { FileHandle, FileSystem } from '@relaykit/types';
import { describeError } from '../describe-error.ts';
import { formatDuration } from '../format.ts';
import type { CheckResult } from './examine.ts';

/** A file of our own, of a name that means nothing in a spool. */
const probeName = 'relay-doctor.probe';
/** How far the clock of a file system may be from ours before somebody should know. */
const maxSkewMs = 60_000;

/** Tries what a spool needs of the disk: create, write, sync, lock, rename, read back, remove. */
export async function checkDisk(fileSystem: FileSystem, directory: string): Promise<CheckResult[]> {
  const path = join(directory, `${probeName}-${process.pid}`);
  const results: CheckResult[] = [];
  try {
    const handle = fileSystem.createFileSync(path);
    try {
      results.push(await checkWrites(fileSystem, directory, path, handle));
      results.push(checkLocks(fileSystem, path, handle));
      results.push(checkSkew(handle));
    } finally {
      await handle.close();
      await fileSystem.remove(path);
    }
  } catch (error) {
    results.push({ check: 'writing', status: 'fail', message: describeError(error) });
  }
  return results;
}

async function checkWrites(
  fileSystem: FileSystem,
  directory: string,
  path: string,
  handle: FileHandle,
): Promise<CheckResult> {
  const check = 'writing';
  const bytes = new TextEncoder().encode('probe\n');
  handle.writeSync(bytes, 0);
  const startedMs = performance.now();
  await handle.syncData();
  await fileSystem.syncDirectory(directory);
  const syncMs = performance.now() - startedMs;
  const readBack = handle.readSync(0, bytes.byteLength);
  if (Buffer.compare(readBack, bytes) !== 0) {
    return { check, status: 'fail', message: `${path} does not read back as it was written` };
  }
  return { check, status: 'ok', message: `written, synced in ${syncMs.toFixed(1)} ms, read back` };
}

function checkLocks(fileSystem: FileSystem, path: string, handle: FileHandle): CheckResult {
  const check = 'locks';
  try {
    if (!handle.tryLock()) return { check, status: 'fail', message: 'a new file cannot be locked' };
    const other = fileSystem.openFileSync(path, 'readWrite');
    try {
      if (other.tryLock())
        return { check, status: 'fail', message: 'two owners get the same lock; use another file system' };
    } finally {
      other.closeSync();
    }
    return { check, status: 'ok', message: 'kernel locks hold' };
  } catch (error) {
    return { check, status: 'fail', message: describeError(error) };
  }
}

function checkSkew(handle: FileHandle): CheckResult {
  const check = 'disk clock';
  const skewMs = Math.abs(handle.statSync().modifiedAtMs - Date.now());
  return skewMs > maxSkewMs
    ? { check, status: 'warn', message: `${formatDuration(skewMs)} off this machine's clock` }
    : { check, status: 'ok', message: "agrees with this machine's clock" };
}
