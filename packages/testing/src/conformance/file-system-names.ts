import type { FileSystem } from '@relaykit/types';
import { checkEqual, rejectionOf } from './check.ts';
import { checkCode, type FileSystemTest, get, put, textOf, utf8 } from './file-system-fixture.ts';

/** What renaming and removing promise. */
export function describeNames(test: FileSystemTest): void {
  describeRename(test);
  describeRemove(test);
}

function describeRename(test: FileSystemTest): void {
  const renames = {
    rename: (fileSystem: FileSystem, from: string, to: string) => fileSystem.rename(from, to),
    renameSync: async (fileSystem: FileSystem, from: string, to: string) => fileSystem.renameSync(from, to),
  };
  for (const [name, rename] of Object.entries(renames)) {
    test(`${name} replaces what stands at the new name`, async ({ fileSystem, directory }) => {
      put(fileSystem, `${directory}/from`, 'new');
      put(fileSystem, `${directory}/to`, 'old');
      const replaced = fileSystem.openFileSync(`${directory}/to`, 'readWrite');
      await rename(fileSystem, `${directory}/from`, `${directory}/to`);
      checkEqual(await fileSystem.list(directory), ['to'], 'names');
      checkEqual(get(fileSystem, `${directory}/to`), 'new', 'content at the name');
      checkEqual(textOf(replaced), 'old', 'content of the handle on the replaced file');
      checkEqual(replaced.statSync().linkCount, 0, 'links of the replaced file');
      replaced.closeSync();
    });

    test(`${name} moves between directories, open handles go on`, async ({ fileSystem, directory }) => {
      fileSystem.createDirectorySync(`${directory}/folder`);
      const handle = fileSystem.createFileSync(`${directory}/file`);
      await rename(fileSystem, `${directory}/file`, `${directory}/folder/moved`);
      handle.writeSync(utf8('after'), 0);
      checkEqual(get(fileSystem, `${directory}/folder/moved`), 'after', 'content');
      checkEqual(await fileSystem.list(directory), ['folder'], 'names');
      handle.closeSync();
    });

    test(`${name} of a missing file fails (ENOENT) and touches nothing`, async ({ fileSystem, directory }) => {
      put(fileSystem, `${directory}/to`, 'kept');
      const renaming = rename(fileSystem, `${directory}/from`, `${directory}/to`);
      checkCode(await rejectionOf(renaming, 'renaming'), 'ENOENT', 'renaming');
      checkEqual(get(fileSystem, `${directory}/to`), 'kept', 'content');
    });
  }
}

function describeRemove(test: FileSystemTest): void {
  const removals = {
    remove: (fileSystem: FileSystem, path: string) => fileSystem.remove(path),
    removeSync: async (fileSystem: FileSystem, path: string) => fileSystem.removeSync(path),
  };
  for (const [name, remove] of Object.entries(removals)) {
    test(`${name} takes the name, and open handles go on`, async ({ fileSystem, directory }) => {
      const handle = fileSystem.createFileSync(`${directory}/file`);
      handle.writeSync(utf8('before'), 0);
      await remove(fileSystem, `${directory}/file`);
      checkEqual(await fileSystem.list(directory), [], 'names');
      checkEqual(handle.statSync().linkCount, 0, 'links');
      handle.writeSync(utf8(' and after'), 6);
      checkEqual(textOf(handle), 'before and after', 'content');
      handle.closeSync();
    });

    test(`${name} does nothing where nothing is`, async ({ fileSystem, directory }) => {
      await remove(fileSystem, `${directory}/missing`);
    });

    test(`${name} takes a link and not what it leads to`, async ({ fileSystem, directory, placeSymlink }) => {
      if (placeSymlink === undefined) return;
      put(fileSystem, `${directory}/file`, 'kept');
      placeSymlink(`${directory}/link`, `${directory}/file`);
      await remove(fileSystem, `${directory}/link`);
      checkEqual(await fileSystem.list(directory), ['file'], 'names');
    });
  }
}
