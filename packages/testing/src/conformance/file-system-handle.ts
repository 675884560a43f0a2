import type { FileHandle } from '@relaykit/types';
import { checkBytes, checkEqual, errorOf, rejectionOf } from './check.ts';
import { checkCode, type FileSystemTest, get, put, textOf, utf8 } from './file-system-fixture.ts';

/** What an open file promises, apart from its lock. */
export function describeFileHandle(test: FileSystemTest): void {
  describeWriting(test);
  describeReading(test);
  describeClosing(test);
}

function describeWriting(test: FileSystemTest): void {
  test('writes at a position, before it returns', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    handle.writeSync(utf8('0123456789'), 0);
    handle.writeSync(utf8('abc'), 4);
    handle.writeSync(utf8('+'), 10);
    handle.writeSync(new Uint8Array(0), 500);
    checkEqual(get(fileSystem, `${directory}/file`), '0123abc789+', 'content by name');
    handle.closeSync();
  });

  test('leaves zeros where nothing was written', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    handle.writeSync(utf8('end'), 5);
    checkBytes(handle.readSync(0, 100), new Uint8Array([0, 0, 0, 0, 0, ...utf8('end')]), 'content');
    handle.closeSync();
  });

  test('takes the bytes as they are: the caller may use its memory again', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    const memory = utf8('first');
    handle.writeSync(memory, 0);
    memory.fill(0x78);
    checkEqual(textOf(handle), 'first', 'content');
    const read = handle.readSync(0, 5);
    read.fill(0x78);
    checkEqual(textOf(handle), 'first', 'content after what was read was changed');
    handle.closeSync();
  });

  test('writes large pieces whole', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251);
    handle.writeSync(bytes, 7);
    await handle.syncData();
    const read = await handle.read(7, 400_000);
    checkEqual(read.byteLength, bytes.byteLength, 'length');
    checkEqual(
      bytes.findIndex((byte, index) => byte !== read[index]),
      -1,
      'first byte that differs',
    );
    handle.closeSync();
  });

  for (const isSync of [false, true]) {
    test(`truncates and extends${isSync ? ' before it returns' : ''}`, async ({ fileSystem, directory }) => {
      const handle = fileSystem.createFileSync(`${directory}/file`);
      const truncate = async (sizeBytes: number): Promise<void> =>
        isSync ? handle.truncateSync(sizeBytes) : handle.truncate(sizeBytes);
      handle.writeSync(utf8('0123456789'), 0);
      await truncate(4);
      checkEqual(textOf(handle), '0123', 'cut');
      await truncate(6);
      checkBytes(handle.readSync(0, 100), new Uint8Array([...utf8('0123'), 0, 0]), 'extended');
      await truncate(0);
      checkEqual(handle.statSync().sizeBytes, 0, 'size when empty');
      handle.closeSync();
    });
  }

  test('syncs in both ways', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    handle.writeSync(utf8('content'), 0);
    await handle.syncData();
    handle.syncDataSync();
    checkEqual(textOf(handle), 'content', 'content');
    handle.closeSync();
  });
}

function describeReading(test: FileSystemTest): void {
  test('reads a range, shorter only at the end of the file', async ({ fileSystem, directory }) => {
    put(fileSystem, `${directory}/file`, '0123456789');
    const handle = await fileSystem.openFile(`${directory}/file`, 'read');
    const ranges: readonly (readonly [number, number, string])[] = [
      [0, 10, '0123456789'],
      [3, 4, '3456'],
      [8, 100, '89'],
      [10, 5, ''],
      [50, 5, ''],
      [2, 0, ''],
    ];
    for (const [position, length, expected] of ranges) {
      checkBytes(await handle.read(position, length), utf8(expected), `read(${position}, ${length})`);
      checkBytes(handle.readSync(position, length), utf8(expected), `readSync(${position}, ${length})`);
    }
    await handle.close();
  });

  test('hashes the first bytes of a file, where it offers that', async ({ fileSystem, directory }) => {
    put(fileSystem, `${directory}/file`, '0123456789');
    const handle = await fileSystem.openFile(`${directory}/file`, 'read');
    for (const length of [0, 4, 10]) {
      const expected = await crypto.subtle.digest('SHA-256', new Uint8Array(utf8('0123456789'.slice(0, length))));
      const hex = [...new Uint8Array(expected)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      checkEqual((await handle.sha256?.(length)) ?? hex, hex, `sha256(${length})`);
    }
    await handle.close();
  });

  test('sees what another handle wrote', async ({ fileSystem, directory }) => {
    const writer = fileSystem.createFileSync(`${directory}/file`);
    const reader = fileSystem.openFileSync(`${directory}/file`, 'read');
    writer.writeSync(utf8('shared'), 0);
    checkEqual(textOf(reader), 'shared', 'content');
    writer.closeSync();
    reader.closeSync();
  });

  test('tells the same of a handle as of its name', async ({ fileSystem, directory }) => {
    const handle = fileSystem.createFileSync(`${directory}/file`);
    handle.writeSync(utf8('content'), 0);
    const named = fileSystem.statSync(`${directory}/file`);
    for (const stat of [handle.statSync(), await handle.stat()]) {
      checkEqual(
        [stat.kind, stat.sizeBytes, stat.linkCount, stat.mode, String(stat.inode), String(stat.device)],
        ['file', 7, 1, 0o600, String(named?.inode), String(named?.device)],
        'stat',
      );
    }
    handle.closeSync();
  });
}

function describeClosing(test: FileSystemTest): void {
  const calls: Readonly<Record<string, (handle: FileHandle) => unknown>> = {
    writeSync: (handle) => handle.writeSync(utf8('x'), 0),
    syncData: (handle) => handle.syncData(),
    syncDataSync: (handle) => handle.syncDataSync(),
    truncate: (handle) => handle.truncate(0),
    truncateSync: (handle) => handle.truncateSync(0),
    tryLock: (handle) => handle.tryLock(),
    stat: (handle) => handle.stat(),
    statSync: (handle) => handle.statSync(),
    read: (handle) => handle.read(0, 1),
    readSync: (handle) => handle.readSync(0, 1),
  };
  for (const isSync of [false, true]) {
    test(`refuses every call after ${isSync ? 'closeSync' : 'close'}`, async ({ fileSystem, directory }) => {
      const handle = fileSystem.createFileSync(`${directory}/file`);
      handle.writeSync(utf8('content'), 0);
      if (isSync) handle.closeSync();
      else await handle.close();
      for (const [name, call] of Object.entries(calls)) {
        const calling = (async () => call(handle))();
        checkCode(await rejectionOf(calling, `${name} when closed`), 'EBADF', `${name} when closed`);
      }
      await handle.close();
      handle.closeSync();
      checkEqual(get(fileSystem, `${directory}/file`), 'content', 'content');
    });
  }

  test('closes one handle and not its neighbour', async ({ fileSystem, directory }) => {
    const first = fileSystem.createFileSync(`${directory}/file`);
    const second = fileSystem.openFileSync(`${directory}/file`, 'readWrite');
    first.closeSync();
    second.writeSync(utf8('second'), 0);
    checkEqual(textOf(second), 'second', 'content');
    second.closeSync();
    errorOf(() => second.readSync(0, 1), 'reading when closed');
  });
}
