import * as fs from 'node:fs';
import { promisify } from 'node:util';
import type { DiskUsage, FileHandle, FileStat, FileSystem } from '@relaykit/types';
import { tryKernelLock } from './kernel-lock.ts';
import { tryProcessLock } from './process-lock.ts';
import { digestWhole } from './whole-digest.ts';

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants;
// Missing on Windows, where opening does not block and links need a privilege.
const NO_FOLLOW = fs.constants.O_NOFOLLOW ?? 0;
const NO_BLOCK = O_NONBLOCK ?? 0;
/** Magic numbers of statfs(2): NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph, 9P, Lustre, GPFS. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x73757245, 0x00c36400, 0x01021997, 0x0bd00bd0, 0x47504653,
]);
const isWindows = process.platform === 'win32';

const close = promisify(fs.close);
const datasync = promisify(fs.fdatasync);
const ftruncate = promisify(fs.ftruncate);
const fsync = promisify(fs.fsync);
const lstat = promisify(fs.lstat);
const fstat = promisify(fs.fstat);
const open = promisify(fs.open);
const read = promisify(fs.read);
const readdir = promisify(fs.readdir);
const rename = promisify(fs.rename);
const statfs = promisify(fs.statfs);
const unlink = promisify(fs.unlink);

/**
 * - `kernelLock`: processes share a spool; a lock ends with its process. The default.
 * - `singleProcess`: the caller promises that no other process uses the spool; for platforms without kernel locks.
 */
export type Ownership = 'kernelLock' | 'singleProcess';

/** How `nodeFileSystem` knows whose a file is. */
export interface NodeFileSystemOptions {
  readonly ownership?: Ownership;
}

/** The real file system. The only place where this project touches `node:fs`. */
export function nodeFileSystem({ ownership = 'kernelLock' }: NodeFileSystemOptions = {}): FileSystem {
  if (ownership !== 'kernelLock' && ownership !== 'singleProcess') {
    throw new TypeError(`ownership must be 'kernelLock' or 'singleProcess', got ${String(ownership)}`);
  }
  return new NodeFileSystem(ownership);
}

class NodeFileSystem implements FileSystem {
  readonly userId: number | undefined = process.geteuid?.();
  readonly #ownership: Ownership;

  constructor(ownership: Ownership) {
    this.#ownership = ownership;
  }

  createFileSync(path: string): FileHandle {
    const fd = fs.openSync(path, O_RDWR | O_CREAT | O_EXCL | NO_FOLLOW, 0o600);
    // The umask may have taken more bits away than we can work with.
    if (!isWindows) fs.fchmodSync(fd, 0o600);
    return new NodeFileHandle(path, fd, this.#ownership);
  }

  async openFile(path: string, mode: 'read' | 'readWrite'): Promise<FileHandle> {
    const fd = await open(path, openFlags(mode)).catch((error: unknown) => rethrow(error, path));
    try {
      if (!(await fstat(fd)).isFile()) throw notAFile(path);
    } catch (error) {
      await close(fd);
      throw error;
    }
    return new NodeFileHandle(path, fd, this.#ownership);
  }

  openFileSync(path: string, mode: 'read' | 'readWrite'): FileHandle {
    let fd: number;
    try {
      fd = fs.openSync(path, openFlags(mode));
    } catch (error) {
      rethrow(error, path);
    }
    try {
      if (!fs.fstatSync(fd).isFile()) throw notAFile(path);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    return new NodeFileHandle(path, fd, this.#ownership);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  renameSync(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  async remove(path: string): Promise<void> {
    await unlink(path).catch(ignoreMissing);
  }

  removeSync(path: string): void {
    try {
      fs.unlinkSync(path);
    } catch (error) {
      ignoreMissing(error);
    }
  }

  list(directory: string): Promise<readonly string[]> {
    return readdir(directory);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    try {
      return toFileStat(await lstat(path, { bigint: true }));
    } catch (error) {
      return ignoreMissing(error);
    }
  }

  statSync(path: string): FileStat | undefined {
    const found = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return found && toFileStat(found);
  }

  createDirectorySync(path: string): boolean {
    try {
      fs.mkdirSync(path, 0o700);
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
    if (!isWindows) fs.chmodSync(path, 0o700);
    return true;
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows neither opens directories this way nor needs it: NTFS keeps names in its journal.
    if (isWindows) return;
    // Opening and closing take microseconds; as work of the thread pool each would cost a turn of the event loop, and what
    // syncs a directory is a chain of such steps.
    const fd = fs.openSync(path, O_RDONLY);
    try {
      await fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  syncDirectorySync(path: string): void {
    if (isWindows) return;
    const fd = fs.openSync(path, O_RDONLY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  isNetworkDirectorySync(directory: string): boolean {
    // Only Linux gives these numbers their meaning.
    return process.platform === 'linux' && NETWORK_FILE_SYSTEMS.has(fs.statfsSync(directory).type);
  }

  async freeSpace(directory: string): Promise<DiskUsage> {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }
}

class NodeFileHandle implements FileHandle {
  readonly path: string;
  readonly #fd: number;
  readonly #ownership: Ownership;
  #isClosed = false;
  #releaseProcessLock: (() => void) | undefined;

  constructor(path: string, fd: number, ownership: Ownership) {
    this.path = path;
    this.#fd = fd;
    this.#ownership = ownership;
  }

  writeSync(bytes: Uint8Array, positionBytes: number): void {
    const fd = this.#openFd();
    let written = 0;
    // write(2) may take fewer bytes than it was given, at 2 GiB or when a disk is nearly full.
    while (written < bytes.byteLength) {
      const taken = fs.writeSync(fd, bytes, written, bytes.byteLength - written, positionBytes + written);
      if (taken === 0) throw systemError('EIO', 'write', this.path, 'the file system took no bytes');
      written += taken;
    }
  }

  async syncData(): Promise<void> {
    await datasync(this.#openFd());
  }

  syncDataSync(): void {
    fs.fdatasyncSync(this.#openFd());
  }

  async truncate(sizeBytes: number): Promise<void> {
    await ftruncate(this.#openFd(), sizeBytes);
  }

  truncateSync(sizeBytes: number): void {
    fs.ftruncateSync(this.#openFd(), sizeBytes);
  }

  tryLock(): boolean {
    const fd = this.#openFd();
    if (this.#ownership === 'kernelLock') return tryKernelLock(fd, this.path);
    const { device, inode } = this.statSync();
    this.#releaseProcessLock ??= tryProcessLock(device, inode);
    return this.#releaseProcessLock !== undefined;
  }

  async stat(): Promise<FileStat> {
    return toFileStat(await fstat(this.#openFd(), { bigint: true }));
  }

  statSync(): FileStat {
    return toFileStat(fs.fstatSync(this.#openFd(), { bigint: true }));
  }

  async read(positionBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes);
    return bytes.subarray(0, await this.#fill(bytes, positionBytes));
  }

  sha256(lengthBytes: number): Promise<string | undefined> {
    return digestWhole(lengthBytes, (memory) => this.#fill(memory, 0));
  }

  readSync(positionBytes: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    let filled = 0;
    while (filled < lengthBytes) {
      const taken = fs.readSync(this.#openFd(), bytes, filled, lengthBytes - filled, positionBytes + filled);
      if (taken === 0) break;
      filled += taken;
    }
    return bytes.subarray(0, filled);
  }

  async close(): Promise<void> {
    if (this.#markClosed()) await close(this.#fd);
  }

  closeSync(): void {
    if (this.#markClosed()) fs.closeSync(this.#fd);
  }

  /** Bytes read; fewer than there is room for only at the end of the file. */
  async #fill(bytes: Uint8Array, positionBytes: number): Promise<number> {
    let filled = 0;
    while (filled < bytes.byteLength) {
      const left = bytes.byteLength - filled;
      const { bytesRead } = await read(this.#openFd(), bytes, filled, left, positionBytes + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  /** Descriptors are reused by the kernel, so a number must never be used or closed after its close. */
  #markClosed(): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#releaseProcessLock?.();
    return true;
  }

  #openFd(): number {
    if (this.#isClosed) throw systemError('EBADF', 'use', this.path, 'the handle is closed');
    return this.#fd;
  }
}

function openFlags(mode: 'read' | 'readWrite'): number {
  // Without O_NONBLOCK opening a FIFO that somebody placed in the spool would wait for ever.
  return (mode === 'read' ? O_RDONLY : O_RDWR) | NO_FOLLOW | NO_BLOCK;
}

function toFileStat(stats: fs.BigIntStats): FileStat {
  return {
    kind: stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'directory'
        : stats.isSymbolicLink()
          ? 'symbolicLink'
          : 'other',
    sizeBytes: Number(stats.size),
    modifiedAtMs: Number(stats.mtimeMs),
    device: stats.dev,
    inode: stats.ino,
    linkCount: Number(stats.nlink),
    mode: Number(stats.mode & 0o777n),
    ownerId: isWindows ? undefined : Number(stats.uid),
  };
}

function notAFile(path: string): Error {
  return systemError('EINVAL', 'open', path, 'not a regular file');
}

/** What a socket, or a device without its driver, says to `open` is no failure of the disk. */
function rethrow(error: unknown, path: string): never {
  throw hasCode(error, 'ENXIO') || hasCode(error, 'EOPNOTSUPP') || hasCode(error, 'ENODEV') ? notAFile(path) : error;
}

function systemError(code: string, syscall: string, path: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}, ${syscall} '${path}'`), { code, syscall, path });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function ignoreMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}
