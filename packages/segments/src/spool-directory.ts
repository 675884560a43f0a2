import { dirname, resolve } from 'node:path';
import { type FileSystem, RelayError, type SpoolSafetyRule } from '@relaykit/types';
import { toStorageError } from './system-error.ts';

const WRITABLE_BY_OTHERS = 0o022;

const WAY_OUT: Readonly<Record<SpoolSafetyRule, string>> = {
  notADirectory: 'choose another path',
  symbolicLink: 'pass the directory it points to',
  ownedByAnotherUser: 'use a directory of your own',
  writableByOthers: 'take the rights of others away (chmod go-w)',
  networkFileSystem: 'use a local disk',
};

/**
 * Creates the directory with its missing parents, each durable in its own parent, and refuses one that somebody else
 * may change: whoever can rename files in a spool can make us deliver, or delete, what is not ours.
 *
 * @throws RelayError `RELAY_SPOOL_UNSAFE` - unless `allowUnsafe`; a path that is no directory is always refused.
 * @throws RelayError `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`
 */
export function ensureSpoolDirectorySync(fileSystem: FileSystem, path: string, allowUnsafe: boolean): void {
  // With a slash behind it, a path is looked through where it is a link.
  const directory = resolve(path);
  try {
    createWithParents(fileSystem, directory);
  } catch (cause) {
    throw toStorageError(cause, { operation: 'createDirectory', path: directory });
  }
  assertSafeSync(fileSystem, directory, allowUnsafe);
}

/**
 * The same for a directory that is there already.
 *
 * @throws RelayError `RELAY_SPOOL_UNSAFE`
 */
export function assertSafeSync(fileSystem: FileSystem, directory: string, allowUnsafe: boolean): void {
  const rule = brokenRule(fileSystem, directory);
  if (rule === undefined || (allowUnsafe && rule !== 'notADirectory')) return;
  const others = rule === 'notADirectory' ? '' : ', or accept it with allowUnsafeDirectory: true';
  throw new RelayError('RELAY_SPOOL_UNSAFE', `Cannot use ${directory} (${rule}): ${WAY_OUT[rule]}${others}.`, {
    path: directory,
    rule,
  });
}

function createWithParents(fileSystem: FileSystem, directory: string): void {
  if (fileSystem.statSync(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) createWithParents(fileSystem, parent);
  if (fileSystem.createDirectorySync(directory)) fileSystem.syncDirectorySync(parent);
}

function brokenRule(fileSystem: FileSystem, directory: string): SpoolSafetyRule | undefined {
  const found = fileSystem.statSync(directory);
  if (found?.kind === 'symbolicLink') return 'symbolicLink';
  if (found?.kind !== 'directory') return 'notADirectory';
  if (found.ownerId !== undefined && found.ownerId !== fileSystem.userId) return 'ownedByAnotherUser';
  // Windows reports rights that mean nothing there.
  if (found.ownerId !== undefined && (found.mode & WRITABLE_BY_OTHERS) !== 0) return 'writableByOthers';
  if (fileSystem.isNetworkDirectorySync?.(directory)) return 'networkFileSystem';
  return undefined;
}
