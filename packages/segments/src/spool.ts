import { join, resolve } from 'node:path';
import type { Clock, FileSystem, Logger } from '@relaykit/types';
import { Ledger } from './ledger.ts';
import { nodeFileSystem, type Ownership } from './node-file-system.ts';
import { ensureSpoolDirectorySync } from './spool-directory.ts';
import { readSpoolIdSync } from './spool-identity.ts';
import { systemClock } from './system-clock.ts';
import { toStorageError } from './system-error.ts';
import { UnreadableFiles } from './unreadable-files.ts';

/** Where a spool is, and which directories are taken for safe. */
export interface SpoolOptions {
  /** Where the segments are; created with its parents, mode 0700. */
  readonly directory: string;
  /** Defaults to the real one. */
  readonly fileSystem?: FileSystem;
  /** How the default file system shows who owns a file. Defaults to `kernelLock`; not beside `fileSystem`. */
  readonly ownership?: Ownership;
  /** Defaults to the machine's. */
  readonly clock?: Clock;
  /** Defaults to silence. */
  readonly logger?: Logger;
  /**
   * Accepts a directory that another user owns, that others may write, that is a symbolic link, or that is on a network
   * file system. Defaults to `false`.
   */
  readonly allowUnsafeDirectory?: boolean;
}

/** One spool directory: its identity, its ledger and the means to reach it. */
export class Spool {
  /** Absolute. */
  readonly directory: string;
  /** 32 hexadecimal digits, chosen once for each spool. */
  readonly spoolId: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  readonly ledger: Ledger;
  readonly allowUnsafeDirectory: boolean;
  /** For recovery, which looks again. */
  readonly unreadable: UnreadableFiles = new UnreadableFiles();

  private constructor(options: SpoolOptions, directory: string, spoolId: string, fileSystem: FileSystem) {
    this.directory = directory;
    this.spoolId = spoolId;
    this.fileSystem = fileSystem;
    this.clock = options.clock ?? systemClock();
    this.logger = options.logger;
    this.allowUnsafeDirectory = options.allowUnsafeDirectory ?? false;
    this.ledger = new Ledger({ directory: this.directory, fileSystem, clock: this.clock });
  }

  /**
   * Opens the spool or founds it. Before it returns, so that it works at exit too: a few calls on the directory and
   * `spool.json`, none that depends on what the spool holds.
   *
   * @throws RelayError `RELAY_SPOOL_UNSAFE`, `RELAY_SPOOL_UNSUPPORTED`, `RELAY_STORAGE_FAILED`, `RELAY_STORAGE_FULL`,
   *   `RELAY_LOCK_UNAVAILABLE`
   */
  static openSync(options: SpoolOptions): Spool {
    const { directory: path, ownership, allowUnsafeDirectory = false } = options;
    if (options.fileSystem && ownership !== undefined) {
      throw new TypeError('ownership must not stand beside fileSystem; give it to nodeFileSystem instead');
    }
    const fileSystem = options.fileSystem ?? nodeFileSystem(ownership === undefined ? {} : { ownership });
    if (typeof path !== 'string' || path === '' || path.includes('\0')) {
      throw new TypeError(`directory must be a path, got ${JSON.stringify(path)}`);
    }
    // The process may change its own while the spool is in use.
    const directory = resolve(path);
    ensureSpoolDirectorySync(fileSystem, directory, allowUnsafeDirectory);
    try {
      return new Spool(options, directory, readSpoolIdSync(fileSystem, directory), fileSystem);
    } catch (cause) {
      throw toStorageError(cause, { operation: 'open', path: join(directory, 'spool.json') });
    }
  }

  pathOf(fileName: string): string {
    return join(this.directory, fileName);
  }
}
