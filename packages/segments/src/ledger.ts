import { join } from 'node:path';
import type { Clock, FileHandle, FileSystem } from '@relaykit/types';
import { writeFileAtomic } from './atomic-file.ts';
import { acquireFileLock } from './file-lock.ts';
import { LedgerContent } from './ledger-content.ts';
import { counts, type LedgerRecord, type RequeueRecord } from './ledger-record.ts';
import { Mutex } from './mutex.ts';
import { salvageId } from './salvage.ts';
import { parseSegmentId } from './segment-id.ts';
import {
  LEDGER_FILE,
  LEDGER_LOCK_FILE,
  parseSpoolFile,
  QUARANTINE_DIRECTORY,
  temporaryFileName,
} from './spool-names.ts';
import { systemCodeOf, toStorageError } from './system-error.ts';

/** Lines after which the ledger is folded, where folding shortens it to less than half. */
export const FOLD_AFTER_LINES = 1_000;

const NEWLINE = 0x0a;
const READ_BYTES = 256 * 1024;
/** No record of a segment is nearly as long. */
const LONGEST_RECORD_BYTES = 1024 * 1024;
/** Enough to hold the time and the counts of a record, by which two ledgers differ. */
const COMPARED_BYTES = 256;

/** Whose ledger it is, and the machine. */
export interface LedgerOptions {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
}

/**
 * What became of each segment that is gone: JSON Lines, one record a segment, the first record of an id counts.
 *
 * Appended under the lock on `ledger.lock`, by any process, and synced before `record` resolves. What was read is kept,
 * and only what others appended since is read again.
 */
export class Ledger {
  readonly #fileSystem: FileSystem;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #path: string;
  readonly #mutex = new Mutex();
  #content = new LedgerContent();
  /** Lines of the last folding: what it left is no reason to fold again. */
  #foldedLines = 0;
  /** Identity of the file that was read, and how far: up to its last whole line. */
  #readFile = '';
  #readBytes = 0;
  /** How far was looked: behind the last line there may be the rest of another. */
  #seenBytes = 0;
  /** The last bytes that were read. A file system gives the same inode to another file once this one was replaced. */
  #lastRead: Uint8Array = new Uint8Array(0);
  #readModifiedAtMs = 0;
  /** Bytes that this object knows to be durable; what others wrote is synced before it is relied on. */
  #syncedBytes = 0;
  /** Whether the disk may hold bytes behind the last line, of an append that failed here or before this object was made. */
  #mayHoldRest = true;
  /** Identity of the file whose name this object knows to be durable. */
  #namedFile = '';

  constructor({ directory, fileSystem, clock }: LedgerOptions) {
    this.#directory = directory;
    this.#fileSystem = fileSystem;
    this.#clock = clock;
    this.#path = join(directory, LEDGER_FILE);
  }

  /** The first record of a segment, as far as it is written by now. */
  async find(id: string): Promise<LedgerRecord | undefined> {
    await this.#mutex.run(() => this.#catchUp());
    return this.#content.records.get(id);
  }

  /**
   * The same, durable before it resolves: another process may have been killed between its write and its sync, and what
   * is removed because of a record must not outlive it.
   */
  findDurable(id: string): Promise<LedgerRecord | undefined> {
    return this.#mutex.run(async () => {
      await this.#catchUp();
      const record = this.#content.records.get(id);
      const isDurable = this.#syncedBytes === this.#readBytes && this.#namedFile === this.#readFile;
      if ((!record && !this.#content.requeued.has(id)) || isDurable) return record;
      await this.#locked(async () => {
        const handle = await this.#openAndRead();
        try {
          await this.#syncKnown(handle);
        } finally {
          await handle.close();
        }
      });
      return this.#content.records.get(id);
    });
  }

  /** All that is written by now. Not to be changed. */
  async content(): Promise<LedgerContent> {
    await this.#mutex.run(() => this.#catchUp());
    return this.#content;
  }

  /**
   * Appends a record, synced. Resolves to the record that counts: an earlier one, where there is one.
   *
   * @throws RelayError `RELAY_STORAGE_FULL`, `RELAY_STORAGE_FAILED`, `RELAY_LOCK_BUSY` - nothing was recorded.
   */
  record(record: LedgerRecord): Promise<LedgerRecord> {
    return this.recording((append) => append(record));
  }

  /**
   * Runs `work` with the lock held and the ledger open: who gives something up for good begins only where its record can
   * follow. Of this ledger `work` may ask nothing but to record. What it throws passes as it is.
   *
   * @throws RelayError as `record` - where the lock or the ledger is out of reach, before `work` begins.
   */
  recording<T>(work: (record: (record: LedgerRecord) => Promise<LedgerRecord>) => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      const lock = await this.#lock();
      try {
        const handle = await this.#told(() => this.#openAndRead());
        let result: T;
        try {
          result = await work((record) => this.#told(() => this.#recordIn(handle, record)));
        } finally {
          await handle.close();
        }
        // What is recorded is recorded: a folding that fails is tried again with the next record.
        await this.#foldIfLong().catch(() => undefined);
        return result;
      } finally {
        await lock.close();
      }
    });
  }

  /**
   * Takes back the record of a segment that left quarantine, synced. From then on it counts as waiting.
   *
   * @throws RelayError as `record` - nothing was taken back.
   */
  requeue(id: string): Promise<void> {
    return this.#mutex.run(() =>
      this.#locked(async () => {
        const handle = await this.#openAndRead();
        try {
          const isKnown = this.#content.records.get(id)?.outcome === 'quarantined';
          const at = new Date(this.#clock.now()).toISOString();
          if (isKnown) await this.#append(handle, { kind: 'requeued', id, at });
          await this.#syncKnown(handle);
        } finally {
          await handle.close();
        }
      }),
    );
  }

  /** Founds the ledger and its lock while there is room: what needs a record on a full disk needs them to be there. */
  async found(): Promise<void> {
    const isThere = [LEDGER_LOCK_FILE, LEDGER_FILE].every((name) =>
      this.#fileSystem.statSync(join(this.#directory, name)),
    );
    if (!isThere) await this.recording(async () => undefined);
  }

  /** Removes what is left of a folding that a crash cut off. */
  async removeRemains(): Promise<void> {
    const temporary = join(this.#directory, temporaryFileName(LEDGER_FILE));
    if (!this.#fileSystem.statSync(temporary)) return;
    await this.#mutex.run(() => this.#locked(() => this.#fileSystem.remove(temporary)));
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = await this.#lock();
    try {
      return await this.#told(work);
    } finally {
      await lock.close();
    }
  }

  async #lock(): Promise<FileHandle> {
    const path = join(this.#directory, LEDGER_LOCK_FILE);
    return acquireFileLock(this.#fileSystem, path, this.#clock).catch((cause: unknown) => {
      throw toStorageError(cause, { operation: 'write', path });
    });
  }

  /** Says of what fails that it was the ledger. */
  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw toStorageError(cause, { operation: 'write', path: this.#path });
    }
  }

  async #openAndRead(): Promise<FileHandle> {
    const handle = openOrCreate(this.#fileSystem, this.#path);
    try {
      await this.#read(handle);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #recordIn(handle: FileHandle, record: LedgerRecord): Promise<LedgerRecord> {
    const known = this.#content.records.get(record.id);
    const isNew = counts(record, known);
    if (isNew) await this.#append(handle, record);
    await this.#syncKnown(handle);
    return known && !isNew ? known : record;
  }

  /** Keeps the file short: records of segments that are gone become sums. Under the lock. */
  async #foldIfLong(): Promise<void> {
    if (this.#content.lineCount < FOLD_AFTER_LINES + 2 * this.#foldedLines) return;
    const { isGone, isPresent } = await this.#filesLeft();
    const folded = this.#content.fold(isGone, isPresent);
    this.#foldedLines = folded.lineCount;
    if (folded.lineCount * 2 > this.#content.lineCount) return;
    // The removals must be durable before the records go that would finish them.
    await this.#fileSystem.syncDirectory(this.#directory);
    const quarantine = join(this.#directory, QUARANTINE_DIRECTORY);
    if (this.#fileSystem.statSync(quarantine)) await this.#fileSystem.syncDirectory(quarantine);
    await writeFileAtomic(this.#fileSystem, this.#path, new TextEncoder().encode(folded.toLines()));
  }

  async #filesLeft(): Promise<{ isGone: (id: string) => boolean; isPresent: (writerId: string) => boolean }> {
    const quarantine = join(this.#directory, QUARANTINE_DIRECTORY);
    const inQuarantine = async (): Promise<readonly string[]> =>
      this.#fileSystem.statSync(quarantine) ? this.#fileSystem.list(quarantine) : [];
    // Looked into before and after: segments move both ways, and one on its way must be seen somewhere.
    const names = [
      ...(await inQuarantine()),
      ...(await this.#fileSystem.list(this.#directory)),
      ...(await inQuarantine()),
    ];
    const files = names.map(parseSpoolFile).filter((file) => file !== undefined);
    const left = new Set(files.map(({ segment }) => segment.id));
    // A salvaged segment may be gone while the damaged one it came from still waits to be moved aside.
    for (const { segment } of files) left.add(salvageId(segment.id, segment.firstSequence));
    const writers = new Set(files.map(({ segment }) => segment.writerId));
    // Nor may one be forgotten that took over the end of a file which recovery has not come to: it would be missed there.
    const unsealed = files.filter(({ kind }) => kind === 'active' || kind === 'atomic');
    const successors = new Set(unsealed.map(({ segment }) => placeOf(segment.writerId, segment.createdAtMs + 1)));
    return {
      isGone: (id) => {
        const parts = parseSegmentId(id);
        if (!parts || left.has(id)) return false;
        return !successors.has(placeOf(parts.writerId, parts.createdAtMs));
      },
      isPresent: (writerId) => writers.has(writerId),
    };
  }

  async #append(handle: FileHandle, record: LedgerRecord | RequeueRecord): Promise<void> {
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    const position = this.#readBytes;
    // What stands behind the last whole line is the rest of an append that a crash cut off. Until the cut is durable, a
    // power cut could mix it with what is written in its place: into a record of something that never was.
    if (handle.statSync().sizeBytes > position) await handle.truncate(position);
    if (this.#mayHoldRest) await handle.syncData();
    this.#mayHoldRest = false;
    try {
      await this.#rewriteUnsynced(handle);
      handle.writeSync(line, position);
      await handle.syncData();
    } catch (error) {
      this.#mayHoldRest = true;
      await handle.truncate(position).catch(() => undefined);
      throw error;
    }
    this.#readBytes = position + line.byteLength;
    this.#seenBytes = this.#readBytes;
    this.#lastRead = line.slice(-COMPARED_BYTES);
    this.#readModifiedAtMs = handle.statSync().modifiedAtMs;
    this.#syncedBytes = this.#readBytes;
    this.#content.takeLine(JSON.stringify(record));
  }

  /** Makes durable what was read, and the file's name: whoever created it may have died before it was. */
  async #syncKnown(handle: FileHandle): Promise<void> {
    if (this.#syncedBytes < this.#readBytes) {
      await this.#rewriteUnsynced(handle);
      await handle.syncData();
      this.#syncedBytes = this.#readBytes;
    }
    if (this.#namedFile === this.#readFile) return;
    await this.#fileSystem.syncDirectory(this.#directory);
    this.#namedFile = this.#readFile;
  }

  /**
   * Writes what others wrote over itself: the sync of one that died may have failed, and then the kernel takes what it
   * dropped for written until it is written again.
   */
  async #rewriteUnsynced(handle: FileHandle): Promise<void> {
    const from = this.#syncedBytes;
    if (from >= this.#readBytes) return;
    handle.writeSync(await handle.read(from, this.#readBytes - from), from);
    this.#readModifiedAtMs = handle.statSync().modifiedAtMs;
  }

  async #catchUp(): Promise<void> {
    const found = this.#fileSystem.statSync(this.#path);
    if (!found) return;
    const isSameFile = this.#readFile === `${found.device}:${found.inode}`;
    // A rest may be cut off and a line of its length be written within one tick of the file's clock, so it is looked at
    // again; but no line is as long as this one, and it stays what it was.
    const hasRest = this.#readBytes !== this.#seenBytes && this.#seenBytes - this.#readBytes < LONGEST_RECORD_BYTES;
    const isUnchanged =
      this.#seenBytes === found.sizeBytes && !hasRest && this.#readModifiedAtMs === found.modifiedAtMs;
    if (isSameFile && isUnchanged) return;
    try {
      const handle = await this.#fileSystem.openFile(this.#path, 'read');
      try {
        await this.#read(handle);
      } finally {
        await handle.close();
      }
    } catch (cause) {
      throw toStorageError(cause, { operation: 'read', path: this.#path });
    }
  }

  async #read(handle: FileHandle): Promise<void> {
    const { device, inode, sizeBytes, modifiedAtMs } = handle.statSync();
    const file = `${device}:${inode}`;
    if (file !== this.#readFile || !(await this.#continues(handle))) {
      this.#content = new LedgerContent();
      this.#readFile = file;
      this.#readBytes = 0;
      this.#lastRead = new Uint8Array(0);
      this.#syncedBytes = 0;
      this.#mayHoldRest = true;
    }
    this.#readModifiedAtMs = modifiedAtMs;
    for (let position = this.#readBytes; position < sizeBytes; ) {
      const piece = await handle.read(position, READ_BYTES);
      if (piece.byteLength === 0) break;
      const endBytes = position + piece.lastIndexOf(NEWLINE) + 1;
      const isWithin = position === this.#readBytes;
      position += piece.byteLength;
      // Of a line that no piece has the end of nothing is held, however long it is.
      if (endBytes === position - piece.byteLength) continue;
      const from = this.#readBytes;
      this.#takeLines(isWithin ? piece : await handle.read(from, endBytes - from));
    }
    this.#seenBytes = sizeBytes;
  }

  /** Whether the file still holds what was read of it. */
  async #continues(handle: FileHandle): Promise<boolean> {
    const { byteLength } = this.#lastRead;
    const found = await handle.read(this.#readBytes - byteLength, byteLength);
    return found.byteLength === byteLength && found.every((byte, index) => byte === this.#lastRead[index]);
  }

  /** Takes in the whole lines that are there. */
  #takeLines(bytes: Uint8Array): void {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    const text = new TextDecoder().decode(bytes.subarray(0, end));
    for (const line of text.split('\n')) if (line !== '') this.#content.takeLine(line);
    this.#readBytes += end;
    if (end > 0) this.#lastRead = bytes.slice(Math.max(0, end - COMPARED_BYTES), end);
  }
}

/** By which the segment that takes over from another is known, wherever in it the other ends. */
function placeOf(writerId: string, createdAtMs: number): string {
  return `${createdAtMs}-${writerId}`;
}

function openOrCreate(fileSystem: FileSystem, path: string): FileHandle {
  try {
    return fileSystem.openFileSync(path, 'readWrite');
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    return fileSystem.createFileSync(path);
  }
}
