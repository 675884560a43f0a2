import type { FileHandle, SegmentFormat, SegmentMetadata } from '@relaykit/types';
import { writeFileAtomic, writeFileAtomicSync } from './atomic-file.ts';
import type { ClosingFrame } from './closing-frame.ts';
import { isNamed } from './exclusive-file.ts';
import { type ExportHold, exportHold } from './export-hold.ts';
import { hashHandle, hashHandleSync } from './handle-source.ts';
import { createSegmentFileSync, type NewSegment } from './segment-creation.ts';
import { type SegmentMark, START_OF_SEGMENT } from './segment-mark.ts';
import { encodeMetadata, FORMAT_VERSION } from './segment-metadata.ts';
import type { Spool } from './spool.ts';
import { activeFileName, atomicFileName, heldFileName, metadataFileName, sealedFileName } from './spool-names.ts';

/** Bytes of one frame, and what is in it. */
export interface FrameToAppend {
  readonly bytes: Uint8Array;
  readonly eventCount: number;
}

/** What the metadata of a sealed segment says of its end. */
export interface SealOptions {
  readonly reason: string;
  readonly keyId?: string;
}

/** What an `ActiveSegmentFile` is created with. */
export interface ActiveSegmentFileOptions extends Omit<NewSegment, 'fileExtension'> {
  readonly spool: Spool;
  readonly format: SegmentFormat;
}

/** Frames below this size are gathered, so that many small batches make one call to the file system. */
const GATHER_BYTES = 64 * 1024;
const gathered = new Uint8Array(4 * GATHER_BYTES);

/**
 * The segment that is being written. Holds its lock from creation until it is sealed, discarded or the process ends.
 *
 * Writes are positional: what failed is written again at the same place, so it can neither tear nor repeat.
 */
export class ActiveSegmentFile {
  readonly id: string;
  readonly createdAtMs: number;
  /** On the monotonic clock, in milliseconds. */
  readonly createdMonotonicMs: number;
  readonly firstSequence: number;
  /** Whether it is held back from export until it is released. */
  readonly isHeld: boolean;
  readonly #spool: Spool;
  readonly #format: SegmentFormat;
  readonly #writerId: string;
  readonly #isAtomic: boolean;
  readonly #handle: FileHandle;
  #end: SegmentMark = START_OF_SEGMENT;
  #synced: SegmentMark = START_OF_SEGMENT;
  #hasRemains = false;
  /** How often something was cut off, and how much of that a sync has covered. */
  #cuts = 0;
  #syncedCuts = 0;
  /** Data syncs under way. */
  #dataSyncs = 0;
  /** Why the disk refused the data; for good. */
  #refusal: { readonly cause: unknown } | undefined;
  #isNameSynced = false;
  #isExposed = false;
  #closing: { readonly keyId?: string } | undefined;
  #metadata: SegmentMetadata | undefined;
  #isMetadataCommitted = false;

  constructor(options: ActiveSegmentFileOptions) {
    const { spool, format } = options;
    const created = createSegmentFileSync(spool, { ...options, fileExtension: format.fileExtension });
    this.id = created.id;
    this.createdAtMs = created.createdAtMs;
    this.createdMonotonicMs = spool.clock.monotonicMs();
    this.firstSequence = options.firstSequence;
    this.#spool = spool;
    this.#format = format;
    this.#writerId = options.writerId;
    this.#isAtomic = options.isAtomic;
    this.isHeld = options.isHeld ?? false;
    this.#handle = created.handle;
  }

  /** End of the last batch that was written whole. */
  get end(): SegmentMark {
    return this.#end;
  }

  /** What the last successful sync covers. */
  get synced(): SegmentMark {
    return this.#synced;
  }

  /** Whether the exit path relies on an atomic segment that is not sealed yet. */
  get isExposed(): boolean {
    return this.#isExposed;
  }

  get handle(): FileHandle {
    return this.#handle;
  }

  get path(): string {
    return this.#spool.pathOf(this.fileName);
  }

  get fileName(): string {
    const { fileExtension } = this.#format;
    return this.#isAtomic && !this.#isExposed ? atomicFileName(this.id, fileExtension) : this.#appendedName;
  }

  /**
   * Writes frames behind the last whole batch, all of them or, by the next successful call, none.
   *
   * @throws the file system's error; the end stays where it was.
   */
  appendSync(frames: readonly FrameToAppend[]): void {
    // A failed write may have left bytes behind the end: shorter ones written over them would leave a valid-looking rest.
    this.cutRemainsSync();
    this.#hasRemains = true;
    let { sizeBytes, eventCount } = this.#end;
    let gatheredBytes = 0;
    const flushGathered = (): void => {
      if (gatheredBytes === 0) return;
      this.#handle.writeSync(gathered.subarray(0, gatheredBytes), sizeBytes);
      sizeBytes += gatheredBytes;
      gatheredBytes = 0;
    };
    for (const { bytes, eventCount: count } of frames) {
      eventCount += count;
      if (gatheredBytes + bytes.byteLength > gathered.byteLength || bytes.byteLength > GATHER_BYTES) flushGathered();
      if (bytes.byteLength > GATHER_BYTES) {
        this.#handle.writeSync(bytes, sizeBytes);
        sizeBytes += bytes.byteLength;
      } else {
        gathered.set(bytes, gatheredBytes);
        gatheredBytes += bytes.byteLength;
      }
    }
    flushGathered();
    this.#hasRemains = false;
    this.#end = { sizeBytes, eventCount, frameCount: this.#end.frameCount + frames.length };
  }

  /** Whether the closing frame of the format is written. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Writes the closing frame of the format behind all others. */
  appendClosingSync({ bytes, keyId }: ClosingFrame): void {
    this.appendSync([{ bytes, eventCount: 0 }]);
    this.#closing = keyId === undefined ? {} : { keyId };
  }

  /** Gives up what lies behind a mark: batches that were written and will not be acknowledged. */
  rollBackTo(mark: SegmentMark): void {
    if (mark.sizeBytes === this.#end.sizeBytes) return;
    this.#end = mark;
    if (this.#synced.sizeBytes > mark.sizeBytes) this.#synced = mark;
    this.#closing = undefined;
    this.#hasRemains = true;
  }

  /**
   * Cuts off what failed or rolled-back writes left behind the end, before it returns. Nothing may be written elsewhere
   * before that: after a crash it would stand in two places.
   */
  cutRemainsSync(): void {
    if (!this.#hasRemains) return;
    this.#handle.truncateSync(this.#end.sizeBytes);
    this.#hasRemains = false;
    this.#cuts += 1;
  }

  /**
   * Whether a power cut may bring back what failed or rolled-back writes left. Until a sync has covered the cut, those
   * events must not be written elsewhere, nor others in their place: they could be found twice, or mixed.
   */
  get hasUnsyncedCut(): boolean {
    return this.#hasRemains || this.#syncedCuts < this.#cuts;
  }

  /**
   * Whether the disk has refused the data. What lies behind `synced` may be gone then although another sync would
   * succeed, so none is made any more.
   */
  get isRefused(): boolean {
    return this.#refusal !== undefined;
  }

  /**
   * Makes everything appended so far durable, the file's name included.
   *
   * @throws the file system's error; `isRefused` tells whether the data met it, and then every later call throws it, too.
   *   The sync of the name may be tried again.
   */
  async sync(): Promise<void> {
    const [mark, cuts] = [this.#end, this.#cuts];
    this.#throwRefusal();
    if (mark.sizeBytes > this.#synced.sizeBytes || cuts > this.#syncedCuts) {
      await this.#syncData();
      this.#synced = mark;
      this.#syncedCuts = cuts;
    }
    if (!this.#isNameSynced) {
      await this.#spool.fileSystem.syncDirectory(this.#spool.directory);
      this.#isNameSynced = true;
    }
  }

  async #syncData(): Promise<void> {
    this.#dataSyncs += 1;
    try {
      await this.#handle.syncData();
    } catch (cause) {
      this.#refusal ??= { cause };
    } finally {
      this.#dataSyncs -= 1;
    }
    // Also where another sync of the file has heard of the failure: the kernel tells it once.
    this.#throwRefusal();
  }

  /** The same for the data alone, before it returns. Beside a sync under way it proves nothing, and `synced` stays. */
  syncDataSync(): void {
    this.#throwRefusal();
    try {
      this.#handle.syncDataSync();
    } catch (cause) {
      this.#refusal = { cause };
      throw cause;
    }
    if (this.#dataSyncs > 0) return;
    this.#synced = this.#end;
    this.#syncedCuts = this.#cuts;
  }

  #throwRefusal(): void {
    if (this.#refusal) throw this.#refusal.cause;
  }

  /**
   * Commits metadata and gives the file its final name; data must be synced by `sync` before. May be called again after
   * a failure, and goes on where it stopped. Releases the lock at the end.
   */
  async seal(options: SealOptions): Promise<SegmentMetadata> {
    await this.commitMetadata(options);
    const metadata = this.#metadata;
    if (!metadata) throw new Error('the segment is sealed without metadata');
    const { fileSystem, directory } = this.#spool;
    const sealed = this.#spool.pathOf(sealedFileName(this.id, this.#format.fileExtension));
    // After a failed directory sync the rename is done already.
    if (fileSystem.statSync(this.path)) await this.#renameTo(sealed);
    await fileSystem.syncDirectory(directory);
    await this.#handle.close();
    return metadata;
  }

  /**
   * The first half of `seal`, which may run beside that of other segments: from here on recovery finishes what a crash
   * cuts off. Data must be synced by `sync` before.
   */
  async commitMetadata(options: SealOptions): Promise<void> {
    if (this.#isMetadataCommitted) return;
    this.cutRemainsSync();
    this.#metadata ??= {
      ...this.describe(options.reason),
      ...toMembers(options),
      // Of what is in the file, and not while it is written: there it would cost the writer a sixth of its time.
      sha256: await hashHandle(this.#handle, this.#end.sizeBytes),
    };
    const { fileSystem } = this.#spool;
    await writeFileAtomic(fileSystem, this.#spool.pathOf(metadataFileName(this.id)), encodeMetadata(this.#metadata));
    this.#isMetadataCommitted = true;
  }

  async #renameTo(sealed: string): Promise<void> {
    const { fileSystem } = this.#spool;
    const from = this.path;
    try {
      await fileSystem.rename(from, sealed);
    } catch (error) {
      // Unless the exit path gave it its other name meanwhile.
      if (from === this.path) throw error;
      await fileSystem.rename(this.path, sealed);
    }
  }

  /** The same for a file just written, sync included, before it returns: what is sealed at exit. */
  sealSync(options: SealOptions): SegmentMetadata {
    const { fileSystem, directory } = this.#spool;
    this.syncDataSync();
    if (this.#synced !== this.#end) throw new Error('another sync of the file is under way');
    if (!this.#isNameSynced) {
      // Metadata without its file would count as a segment that went missing.
      fileSystem.syncDirectorySync(directory);
      this.#isNameSynced = true;
    }
    // Kept: where this fails, `seal` goes on with it.
    this.#metadata ??= {
      ...this.describe(options.reason),
      ...toMembers(options),
      sha256: hashHandleSync(this.#handle, this.#end.sizeBytes),
    };
    const metadata = this.#metadata;
    writeFileAtomicSync(fileSystem, this.#spool.pathOf(metadataFileName(this.id)), encodeMetadata(metadata));
    fileSystem.renameSync(this.path, this.#spool.pathOf(sealedFileName(this.id, this.#format.fileExtension)));
    fileSystem.syncDirectorySync(directory);
    this.#handle.closeSync();
    return metadata;
  }

  /**
   * At exit, while an atomic segment is being sealed: gives it the name under which recovery keeps what is in it, for
   * its events will be acknowledged as `written`. What of the seal is still on its way does no harm under that name.
   */
  exposeSync(): void {
    if (this.#isExposed || !this.#spool.fileSystem.statSync(this.path)) return;
    this.#spool.fileSystem.renameSync(this.path, this.#spool.pathOf(this.#appendedName));
    // Not before: where the rename fails, the file is found under its old name still.
    this.#isExposed = true;
  }

  /**
   * Takes a segment back whose seal failed and whose events will not be acknowledged: afterwards it never was. Each step
   * is durable before the next: metadata goes while the file bears a name under which it counts for nothing without, and
   * the file goes last. May be called again after a failure.
   */
  undoSync(): void {
    const { fileSystem, directory } = this.#spool;
    // A rename that reported an error may have been made.
    for (const name of [sealedFileName(this.id, this.#format.fileExtension), this.#appendedName]) {
      const path = this.#spool.pathOf(name);
      if (path !== this.path && fileSystem.statSync(path)) fileSystem.renameSync(path, this.path);
    }
    fileSystem.syncDirectorySync(directory);
    fileSystem.removeSync(this.#spool.pathOf(metadataFileName(this.id)));
    fileSystem.syncDirectorySync(directory);
    fileSystem.removeSync(this.path);
    fileSystem.syncDirectorySync(directory);
    this.#handle.closeSync();
  }

  /** Whether the file still has its name; without one, all that is in it ends with this process. */
  isNamed(): boolean {
    return isNamed(this.#spool.fileSystem, this.path, this.#handle);
  }

  /** Removes a file that holds no event, and lets go of it also where that fails: recovery removes it then. */
  async discard(): Promise<void> {
    try {
      await this.#spool.fileSystem.remove(this.path);
    } finally {
      await this.#handle.close();
    }
  }

  discardSync(): void {
    try {
      this.#spool.fileSystem.removeSync(this.path);
    } finally {
      this.#handle.closeSync();
    }
  }

  /** Lets go of the file as it is; recovery finds it. */
  async abandon(): Promise<void> {
    await this.#handle.close();
  }

  /** The name under which a crash leaves a prefix of its events. */
  get #appendedName(): string {
    const nameOf = this.isHeld ? heldFileName : activeFileName;
    return nameOf(this.id, this.#format.fileExtension);
  }

  /** What its metadata says of its export, and that of the segment which takes over its events. */
  get hold(): ExportHold {
    return exportHold(this.isHeld);
  }

  /** Metadata of the segment as it is, without a digest. */
  describe(reason: string): SegmentMetadata {
    return {
      formatVersion: FORMAT_VERSION,
      id: this.id,
      spoolId: this.#spool.spoolId,
      writerId: this.#writerId,
      firstSequence: this.firstSequence,
      eventCount: this.#end.eventCount,
      bytes: this.#end.sizeBytes,
      sha256: '',
      format: this.#format,
      createdAt: new Date(this.createdAtMs).toISOString(),
      sealedAt: new Date(this.#spool.clock.now()).toISOString(),
      sealReason: reason,
      ...this.hold,
      ...this.#closing,
    };
  }
}

function toMembers({ reason: _, ...members }: SealOptions): Partial<SegmentMetadata> {
  return members;
}
