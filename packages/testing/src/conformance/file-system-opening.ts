import type { FileSystem } from '@relaykit/types';
import { checkEqual, errorOf, rejectionOf } from './check.ts';
import { checkCode, type FileSystemTest, get, put, textOf, utf8 } from './file-system-fixture.ts';

/** What creating and opening files promise. */
export function describeOpening(test: FileSystemTest): void {
  describeCreate(test);
  describeOpen(test);
}

function describeCreate(test: FileSystemTest): void {
  test('creates an empty file for reading and writing, mode 0600', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    checkEqual(handle.path, `${directory}/file`, 'path');
    const { kind, sizeBytes, mode } = handle.statSync();
    checkEqual({ kind, sizeBytes, mode }, { kind: 'file', sizeBytes: 0, mode: 0o600 }, 'stat');
    handle.writeSync(utf8('content'), 0);
    checkEqual(textOf(handle), 'content', 'content');
    handle.closeSync();
  });

  test('does not create what is there (EEXIST)', async ({ fileSystem, directory, placeSymlink }) => {
    put(fileSystem, `${directory}/file`, 'kept');
    fileSystem.createDirectorySync(`${directory}/folder`);
    placeSymlink?.(`${directory}/link`, `${directory}/nowhere`);
    for (const name of placeSymlink ? ['file', 'folder', 'link'] : ['file', 'folder']) {
      const path = `${directory}/${name}`;
      checkCode(
        errorOf(() => fileSystem.createFileSync(path), `creating ${name}`),
        'EEXIST',
        `creating ${name}`,
      );
    }
    checkEqual(get(fileSystem, `${directory}/file`), 'kept', 'content');
  });

  test('creates nothing in a directory that is missing (ENOENT)', async ({ fileSystem, directory }) => {
    const path = `${directory}/missing/file`;
    checkCode(
      errorOf(() => fileSystem.createFileSync(path), 'creating'),
      'ENOENT',
      'creating',
    );
  });
}

function describeOpen(test: FileSystemTest): void {
  const openings = {
    openFile: async (fileSystem: FileSystem, path: string, mode: 'read' | 'readWrite') =>
      fileSystem.openFile(path, mode),
    openFileSync: async (fileSystem: FileSystem, path: string, mode: 'read' | 'readWrite') =>
      fileSystem.openFileSync(path, mode),
  };
  for (const [name, open] of Object.entries(openings)) {
    test(`${name} opens for reading, and for both`, async ({ fileSystem, directory }) => {
      put(fileSystem, `${directory}/file`, 'content');
      const reader = await open(fileSystem, `${directory}/file`, 'read');
      checkEqual(textOf(reader), 'content', 'content');
      errorOf(() => reader.writeSync(utf8('x'), 0), 'writing through a handle for reading');
      reader.closeSync();
      const writer = await open(fileSystem, `${directory}/file`, 'readWrite');
      writer.writeSync(utf8('C'), 0);
      checkEqual(textOf(writer), 'Content', 'content');
      writer.closeSync();
    });

    test(`${name} opens regular files alone`, async ({ fileSystem, directory, placeSymlink, placeOther }) => {
      put(fileSystem, `${directory}/file`, 'content');
      fileSystem.createDirectorySync(`${directory}/folder`);
      placeSymlink?.(`${directory}/link`, `${directory}/file`);
      placeOther?.(`${directory}/other`);
      const codes = {
        missing: 'ENOENT',
        folder: 'EISDIR',
        ...(placeSymlink && { link: 'ELOOP' }),
        ...(placeOther && { other: 'EINVAL' }),
      };
      for (const [entry, code] of Object.entries(codes)) {
        const opening = open(fileSystem, `${directory}/${entry}`, 'readWrite');
        checkCode(await rejectionOf(opening, `opening ${entry}`), code, `opening ${entry}`);
      }
    });
  }

  test('follows links on the way to the last part', async ({ fileSystem, directory, placeSymlink }) => {
    if (placeSymlink === undefined) return;
    fileSystem.createDirectorySync(`${directory}/folder`);
    put(fileSystem, `${directory}/folder/file`, 'content');
    placeSymlink(`${directory}/link`, `${directory}/folder`);
    checkEqual(get(fileSystem, `${directory}/link/file`), 'content', 'content');
  });
}
