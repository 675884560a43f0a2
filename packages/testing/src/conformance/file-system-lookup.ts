import type { FileSystem } from '@relaykit/types';
import { check, checkBytes, checkEqual, errorOf, rejectionOf } from './check.ts';
import { checkCode, type FileSystemTest, get, put, utf8 } from './file-system-fixture.ts';

/** What looking at names and directories promises. */
export function describeLookup(test: FileSystemTest): void {
  describeStat(test);
  describeDirectories(test);
}

function describeStat(test: FileSystemTest): void {
  test('tells what a name refers to, the same in both ways', async (fixture) => {
    const { fileSystem, directory } = fixture;
    put(fileSystem, `${directory}/file`, 'content');
    fileSystem.createDirectorySync(`${directory}/folder`);
    fixture.placeSymlink?.(`${directory}/link`, `${directory}/file`);
    fixture.placeOther?.(`${directory}/other`);
    const kinds = {
      file: 'file',
      folder: 'directory',
      ...(fixture.placeSymlink && { link: 'symbolicLink' }),
      ...(fixture.placeOther && { other: 'other' }),
    };
    for (const [name, kind] of Object.entries(kinds)) {
      const found = fileSystem.statSync(`${directory}/${name}`);
      checkEqual(found?.kind, kind, `kind of ${name}`);
      checkEqual(comparable(await fileSystem.stat(`${directory}/${name}`)), comparable(found), `stat of ${name}`);
    }
    checkEqual(fileSystem.statSync(`${directory}/file`)?.sizeBytes, 7, 'sizeBytes');
    checkEqual(fileSystem.statSync(`${directory}/file`)?.ownerId, fileSystem.userId, 'ownerId');
    checkEqual(fileSystem.statSync(`${directory}/folder`)?.mode, 0o700, 'mode of a directory');
  });

  test('tells nothing of a missing name', async ({ fileSystem, directory }) => {
    for (const path of [`${directory}/missing`, `${directory}/missing/file`]) {
      checkEqual(fileSystem.statSync(path), undefined, `statSync of ${path}`);
      checkEqual(await fileSystem.stat(path), undefined, `stat of ${path}`);
    }
  });

  test('tells by device and inode whether two are one file', async ({ fileSystem, directory }) => {
    const first = fileSystem.createFileSync(`${directory}/first`);
    const second = fileSystem.createFileSync(`${directory}/second`);
    check(identity(first.statSync()) !== identity(second.statSync()), 'two files: expected two identities');
    await fileSystem.rename(`${directory}/first`, `${directory}/moved`);
    checkEqual(identity(fileSystem.statSync(`${directory}/moved`)), identity(first.statSync()), 'after a rename');
    checkEqual(first.statSync().linkCount, 1, 'linkCount');
    first.closeSync();
    second.closeSync();
  });
}

function describeDirectories(test: FileSystemTest): void {
  test('creates one directory and tells whether it was there', async ({ fileSystem, directory }) => {
    checkEqual(fileSystem.createDirectorySync(`${directory}/folder`), true, 'created first');
    checkEqual(fileSystem.createDirectorySync(`${directory}/folder`), false, 'created again');
    const nested = `${directory}/missing/folder`;
    checkCode(
      errorOf(() => fileSystem.createDirectorySync(nested), 'creating'),
      'ENOENT',
      'creating',
    );
  });

  test('lists all names of a directory', async ({ fileSystem, directory }) => {
    checkEqual(await fileSystem.list(directory), [], 'names of an empty directory');
    const names = Array.from({ length: 100 }, (_, index) => `file-${String(index).padStart(3, '0')}`);
    for (const name of names) put(fileSystem, `${directory}/${name}`, '');
    checkEqual([...(await fileSystem.list(directory))].sort(), names, 'names');
    checkCode(await rejectionOf(fileSystem.list(`${directory}/missing`), 'listing'), 'ENOENT', 'listing');
  });

  test('syncs a directory in both ways', async ({ fileSystem, directory }) => {
    put(fileSystem, `${directory}/file`, 'content');
    await fileSystem.syncDirectory(directory);
    fileSystem.syncDirectorySync(directory);
    checkBytes(utf8(get(fileSystem, `${directory}/file`)), utf8('content'), 'content');
  });

  test('tells the room on the volume', async ({ fileSystem, directory }) => {
    const { freeBytes, totalBytes } = await fileSystem.freeSpace(directory);
    const isSensible = freeBytes >= 0 && totalBytes > 0 && freeBytes <= totalBytes;
    check(isSensible, `expected 0 <= freeBytes <= totalBytes, got ${freeBytes} and ${totalBytes}`);
  });
}

function identity(stat: { readonly device: bigint; readonly inode: bigint } | undefined): string {
  return `${stat?.device}/${stat?.inode}`;
}

/** JSON has no bigint. */
function comparable(stat: ReturnType<FileSystem['statSync']>): unknown {
  return stat && { ...stat, device: String(stat.device), inode: String(stat.inode) };
}
