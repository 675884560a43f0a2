import { join } from 'node:path';
import { parseSpoolFile, SPOOL_FILE } from '@relaykit/segments';
import type { FileSystem } from '@relaykit/types';
import { describeError } from '../describe-error.ts';
import { formatBytes, formatCount } from '../format.ts';
import type { CheckResult } from './examine.ts';

const writableByOthers = 0o022;
const readableByOthers = 0o077;
/** Below this much room a spool of the default size does not fit. */
const wantedFreeBytes = 512 * 2 ** 20;

/** Whether a spool may be there: the rules of `RELAY_SPOOL_UNSAFE`. */
export function checkDirectory(fileSystem: FileSystem, directory: string): CheckResult {
  const check = 'directory';
  try {
    const found = fileSystem.statSync(directory);
    if (!found) return { check, status: 'warn', message: `${directory} does not exist yet; relay record creates it` };
    if (found.kind === 'symbolicLink')
      return { check, status: 'fail', message: 'a symbolic link; pass what it points to' };
    if (found.kind !== 'directory') return { check, status: 'fail', message: 'not a directory; choose another path' };
    const { ownerId, mode } = found;
    if (ownerId !== undefined && ownerId !== fileSystem.userId) {
      return {
        check,
        status: 'fail',
        message: `belongs to user ${ownerId}, and you are ${fileSystem.userId}; use one of your own`,
      };
    }
    const rights = mode.toString(8).padStart(4, '0');
    if (ownerId !== undefined && (mode & writableByOthers) !== 0) {
      return { check, status: 'fail', message: `others may change it (mode ${rights}); chmod 700 it` };
    }
    if (fileSystem.isNetworkDirectorySync?.(directory)) {
      return {
        check,
        status: 'fail',
        message: 'on a network file system, where locks and syncs may not hold; use a local disk',
      };
    }
    if (ownerId !== undefined && (mode & readableByOthers) !== 0) {
      return { check, status: 'warn', message: `others may list it (mode ${rights}); chmod 700 it` };
    }
    return { check, status: 'ok', message: `yours alone (mode ${rights}), on a local file system` };
  } catch (error) {
    return { check, status: 'fail', message: describeError(error) };
  }
}

export async function checkSpace(fileSystem: FileSystem, directory: string): Promise<CheckResult> {
  const check = 'space';
  try {
    const { freeBytes, totalBytes } = await fileSystem.freeSpace(directory);
    const message = `${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}`;
    if (freeBytes === 0) return { check, status: 'fail', message: `${message}; nothing can be recorded` };
    if (freeBytes < wantedFreeBytes)
      return { check, status: 'warn', message: `${message}; a full spool takes 512 MiB by default` };
    return { check, status: 'ok', message };
  } catch (error) {
    return { check, status: 'fail', message: describeError(error) };
  }
}

/** Whether others may read what is in the files. */
export async function checkFileModes(fileSystem: FileSystem, directory: string): Promise<CheckResult> {
  const check = 'files';
  const open: string[] = [];
  const foreign: string[] = [];
  let count = 0;
  for (const name of await fileSystem.list(directory)) {
    if (!parseSpoolFile(name) && name !== SPOOL_FILE && !name.startsWith('ledger.')) continue;
    const found = fileSystem.statSync(join(directory, name));
    if (!found) continue;
    count += 1;
    if (found.ownerId === undefined) continue;
    if ((found.mode & readableByOthers) !== 0) open.push(name);
    if (found.ownerId !== fileSystem.userId) foreign.push(name);
  }
  const [worst] = foreign.length > 0 ? foreign : open;
  if (worst === undefined) return { check, status: 'ok', message: `${formatCount(count, 'file')}, all private` };
  if (foreign.length > 0)
    return {
      check,
      status: 'fail',
      message: `${formatCount(foreign.length, 'file')} of other users, such as ${worst}`,
    };
  return {
    check,
    status: 'warn',
    message: `${formatCount(open.length, 'file')} that others may read, such as ${worst}; chmod 600`,
  };
}
