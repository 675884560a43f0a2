// Goal: the real file system keeps the contract that the storage is built on.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readFileSync,
  constants as realConstants,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFileSystem } from '@relaykit/testing/conformance';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { nodeFileSystem } from '../src/index.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const create = (ownership: 'kernelLock' | 'singleProcess') => () => {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
  const fileSystem = nodeFileSystem({ ownership });
  return { fileSystem, directory, dispose: () => rmSync(directory, { recursive: true, force: true }) };
};

describeFileSystem('nodeFileSystem', { create: create('kernelLock') }, { describe, it });
describeFileSystem(
  "nodeFileSystem with ownership 'singleProcess'",
  { create: create('singleProcess') },
  { describe, it },
);

describe('nodeFileSystem', () => {
  it('creates files with 0600 and directories with 0700 whatever the umask', () => {
    const directory = temporaryDirectory();
    for (const umask of [0, 0o022, 0o777]) {
      const before = process.umask(umask);
      try {
        const fileSystem = nodeFileSystem();
        fileSystem.createDirectorySync(join(directory, `d${umask}`));
        fileSystem.createFileSync(join(directory, `f${umask}`)).closeSync();
      } finally {
        process.umask(before);
      }
      expect(statSync(join(directory, `d${umask}`)).mode & 0o777).toBe(0o700);
      expect(statSync(join(directory, `f${umask}`)).mode & 0o777).toBe(0o600);
    }
  });

  it('does not follow a symbolic link', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'target'), 'x');
    symlinkSync(join(directory, 'target'), join(directory, 'link'));
    await expect(nodeFileSystem().openFile(join(directory, 'link'), 'read')).rejects.toMatchObject({ code: 'ELOOP' });
  });

  it('names the option, the rule and the value of a wrong ownership', () => {
    expect(() => nodeFileSystem({ ownership: 'mine' as never })).toThrow(
      "ownership must be 'kernelLock' or 'singleProcess', got mine",
    );
  });

  it('takes a socket for what it is, no file', async () => {
    const directory = temporaryDirectory();
    const socket = join(directory, 'socket');
    const server = createServer().listen(socket);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const fileSystem = nodeFileSystem();
    for (const mode of ['read', 'readWrite'] as const) {
      await expect(fileSystem.openFile(socket, mode)).rejects.toMatchObject({ code: 'EINVAL', path: socket });
      expect(() => fileSystem.openFileSync(socket, mode)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });

  it('opens regular files alone, and waits for no FIFO', async () => {
    const directory = temporaryDirectory();
    const fifo = join(directory, 'fifo');
    // A tool of the system, not of this workspace.
    const command = 'mkfifo';
    execFileSync(command, [fifo]);
    const fileSystem = nodeFileSystem();
    expect(fileSystem.statSync(fifo)?.kind).toBe('other');
    for (const mode of ['read', 'readWrite'] as const) {
      await expect(fileSystem.openFile(fifo, mode)).rejects.toMatchObject({ code: 'EINVAL', path: fifo });
      expect(() => fileSystem.openFileSync(fifo, mode)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
    await expect(fileSystem.openFile(directory, 'read')).rejects.toMatchObject({
      code: expect.stringMatching(/^E(ISDIR|INVAL)$/),
    });
  });

  it('does not take a failed removal for a missing file', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), '');
    const inside = join(directory, 'file', 'x');
    await expect(nodeFileSystem().remove(inside)).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(() => nodeFileSystem().removeSync(inside)).toThrow('ENOTDIR');
    await expect(nodeFileSystem().stat(inside)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

// Goal: what differs on other platforms is at least run here. Method: the module is loaded anew with what they lack.
describe('nodeFileSystem elsewhere', () => {
  afterEach(() => {
    vi.doUnmock('node:fs');
    vi.resetModules();
    vi.unstubAllGlobals();
  });

  async function loadWith(changes: Partial<typeof import('node:fs')>): Promise<typeof nodeFileSystem> {
    vi.resetModules();
    vi.doMock('node:fs', async (original) => ({ ...(await original<object>()), ...changes }));
    return (await import('../src/node-file-system.ts')).nodeFileSystem;
  }

  it('on Windows sets no modes, syncs no directories, and knows no owners', async () => {
    const called: string[] = [];
    const platform = vi.spyOn(process, 'platform', 'get').mockReturnValue('win32');
    onTestFinished(() => platform.mockRestore());
    const { O_NOFOLLOW: _, O_NONBLOCK: __, ...constants } = realConstants;
    const load = await loadWith({
      constants: constants as typeof realConstants,
      fchmodSync: () => void called.push('fchmod'),
      chmodSync: () => void called.push('chmod'),
      fsyncSync: () => void called.push('fsync'),
    });
    const fileSystem = load({ ownership: 'singleProcess' });
    const directory = join(temporaryDirectory(), 'spool');
    expect(fileSystem.createDirectorySync(directory)).toBe(true);
    fileSystem.createFileSync(join(directory, 'x')).closeSync();
    fileSystem.syncDirectorySync(directory);
    await fileSystem.syncDirectory(directory);
    expect(called).toEqual([]);
    expect(fileSystem.statSync(directory)?.ownerId).toBeUndefined();
    expect(fileSystem.isNetworkDirectorySync?.(directory)).toBe(false);
    (await fileSystem.openFile(join(directory, 'x'), 'read')).closeSync();
  });

  it('takes a write of no bytes for a failure, and does not try for ever', async () => {
    const load = await loadWith({ writeSync: () => 0 });
    const handle = load().createFileSync(join(temporaryDirectory(), 'x'));
    expect(() => handle.writeSync(new Uint8Array(3), 0)).toThrow(
      expect.objectContaining({ code: 'EIO', syscall: 'write' }),
    );
    handle.closeSync();
  });

  it('goes on behind what a short write took', async () => {
    const real = (await vi.importActual<typeof import('node:fs')>('node:fs')).writeSync;
    const short = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number =>
      real(fd, bytes, offset, Math.min(length, 2), position);
    const load = await loadWith({ writeSync: short as typeof real });
    const path = join(temporaryDirectory(), 'x');
    const handle = load().createFileSync(path);
    handle.writeSync(new TextEncoder().encode('0123456'), 0);
    handle.closeSync();
    expect(readFileSync(path, 'utf8')).toBe('0123456');
  });
});
