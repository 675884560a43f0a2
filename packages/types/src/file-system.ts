/** What a name refers to; symbolic links are never followed. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symbolicLink' | 'other';
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  /** With `inode`, tells whether two names or handles are one file. */
  readonly device: bigint;
  readonly inode: bigint;
  readonly linkCount: number;
  /** Permission bits, `0o777` at most. */
  readonly mode: number;
  /** User id of the owner; `undefined` where the platform has none. */
  readonly ownerId: number | undefined;
}

/** Room on the volume of a directory. */
export interface DiskUsage {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * An open file. Errors are those of Node (`code: 'ENOSPC'` …). A handle that was closed rejects every call.
 */
export interface FileHandle {
  readonly path: string;
  /**
   * Writes all bytes at a position, before it returns: they survive the process from then on. Or throws; what lies in
   * the written range and beyond is then unspecified until it has been truncated or written again.
   */
  writeSync(bytes: Uint8Array, positionBytes: number): void;
  /**
   * Makes data and size durable: what was written before the call survives a power cut once it resolves. Not the name:
   * that takes `syncDirectory`. After a failure the kernel may have dropped the data and a second call proves nothing.
   */
  syncData(): Promise<void>;
  /** The same before it returns. */
  syncDataSync(): void;
  truncate(sizeBytes: number): Promise<void>;
  /** The same before it returns. */
  truncateSync(sizeBytes: number): void;
  /**
   * Takes the exclusive kernel lock on the file without waiting. It is on the file and not on its name, holds against
   * other handles of this process too, and ends when the handle closes or the process ends. Only on a handle opened
   * for writing.
   *
   * @returns Whether this handle holds the lock now; asking again changes nothing.
   * @throws RelayError `RELAY_LOCK_UNAVAILABLE` - the platform has no such lock.
   */
  tryLock(): boolean;
  stat(): Promise<FileStat>;
  /** The same before it returns. */
  statSync(): FileStat;
  /** Up to `lengthBytes` bytes from `positionBytes`, fewer only at the end of the file. */
  read(positionBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** The same before it returns. */
  readSync(positionBytes: number, lengthBytes: number): Uint8Array;
  /**
   * Where offered: SHA-256 of the first `lengthBytes` bytes, 64 lower-case hexadecimal digits, without holding the event
   * loop; `undefined` for a file that is too large to be taken whole. Without it, what is read is hashed in pieces.
   */
  sha256?(lengthBytes: number): Promise<string | undefined>;
  /** Releases the lock, too. Calling it again is harmless. */
  close(): Promise<void>;
  /** The same before it returns. */
  closeSync(): void;
}

/**
 * The file system, as narrow as the storage needs it, so that a simulated disk can keep all of its promises. Files are
 * created with mode 0600, directories with 0700, whatever the umask. Symbolic links are not followed at the last part
 * of a path: opening one fails with `ELOOP`.
 */
export interface FileSystem {
  /** Creates a file that must not exist (`EEXIST`), for reading and writing, before it returns. */
  createFileSync(path: string): FileHandle;
  /** Opens an existing regular file (`ENOENT`, `ELOOP`, `EISDIR`; `EINVAL` for anything that is no file). */
  openFile(path: string, mode: 'read' | 'readWrite'): Promise<FileHandle>;
  /** The same before it returns. */
  openFileSync(path: string, mode: 'read' | 'readWrite'): FileHandle;
  /** Replaces what stands at `to`. Durable after `syncDirectory` of the folder (of both, where they differ). */
  rename(from: string, to: string): Promise<void>;
  /** The same before it returns. */
  renameSync(from: string, to: string): void;
  /** Removes a file's name. Resolves where it is missing already. */
  remove(path: string): Promise<void>;
  /** The same before it returns. */
  removeSync(path: string): void;
  /** Names in a directory, in no particular order. */
  list(directory: string): Promise<readonly string[]>;
  /** `undefined` where nothing has this name. A path below a file may also fail with `ENOTDIR`. */
  stat(path: string): Promise<FileStat | undefined>;
  /** The same before it returns. */
  statSync(path: string): FileStat | undefined;
  /** Creates one directory, not its parents, before it returns. Tells whether it was created now;
   * `false`: the name was taken, by whatever kind of file. */
  createDirectorySync(path: string): boolean;
  /** Makes names created, renamed and removed in the directory durable. Does nothing on Windows. */
  syncDirectory(path: string): Promise<void>;
  /** The same before it returns. */
  syncDirectorySync(path: string): void;
  freeSpace(directory: string): Promise<DiskUsage>;
  /**
   * Whether the directory is on a volume of another machine, where locks and syncs may not hold what they promise.
   * Missing where the platform does not tell.
   */
  isNetworkDirectorySync?(directory: string): boolean;
  /** User id of this process; `undefined` where the platform has none. */
  readonly userId: number | undefined;
}
