import type {
  AfterDelivery,
  ByteSource,
  ExportState,
  FileHandle,
  SegmentInfo,
  SegmentLease,
  SegmentOutcome,
} from '@relaykit/types';
import { archiveSegment } from './archive.ts';
import { assertArchiveApartSync } from './archive-directory.ts';
import { readExportState, writeExportState } from './export-state.ts';
import { handleSource } from './handle-source.ts';
import type { Quarantine } from './quarantine.ts';
import { removeSegment } from './removal.ts';
import type { Spool } from './spool.ts';
import { sealedFileName } from './spool-names.ts';
import { toStorageError } from './system-error.ts';

/** A segment under its kernel lock. */
export class FileSegmentLease implements SegmentLease {
  readonly segment: SegmentInfo;
  readonly content: ByteSource;
  readonly #spool: Spool;
  readonly #quarantine: Quarantine;
  readonly #handle: FileHandle;
  readonly #fileName: string;
  readonly #onEnd: (lease: FileSegmentLease) => void;
  #hasEnded = false;
  #settling: Promise<unknown> | undefined;

  constructor(
    spool: Spool,
    quarantine: Quarantine,
    segment: SegmentInfo,
    handle: FileHandle,
    onEnd: (lease: FileSegmentLease) => void,
  ) {
    this.#spool = spool;
    this.#quarantine = quarantine;
    this.#onEnd = onEnd;
    this.#handle = handle;
    this.#fileName = sealedFileName(segment.id, segment.fileExtension);
    this.segment = segment;
    // Metadata says where the segment ends: a cut that a power cut undid must not be delivered. A shorter file is damage.
    this.content = handleSource(handle, 0, Math.min(segment.metadata.bytes, handle.statSync().sizeBytes));
  }

  readState(): Promise<ExportState | undefined> {
    return readExportState(this.#spool, this.segment.id);
  }

  writeState(state: ExportState): Promise<void> {
    return writeExportState(this.#spool, this.segment.id, state);
  }

  async settle(outcome: SegmentOutcome, options?: { readonly afterDelivery?: AfterDelivery }): Promise<void> {
    if (this.#hasEnded) throw new TypeError(`lease of ${this.segment.id} must not be settled after it has ended`);
    const settled = this.#settle(outcome, options);
    this.#settling = settled.catch(() => undefined);
    await settled;
    await this.#end();
  }

  /** Waits for a settlement that is under way: without its lock and its file that would end half-way. */
  async release(): Promise<void> {
    await this.#settling;
    await this.#end();
  }

  async #settle(outcome: SegmentOutcome, options?: { readonly afterDelivery?: AfterDelivery }): Promise<void> {
    const removed = { metadata: this.segment.metadata, fileName: this.#fileName, handle: this.#handle };
    const after = options?.afterDelivery ?? 'delete';
    if (after !== 'delete') {
      assertArchiveApartSync(this.#spool.fileSystem, this.#spool.directory, after.archiveDirectory);
    }
    try {
      if (outcome.status === 'delivered' && after !== 'delete') {
        await archiveSegment(
          this.#spool.fileSystem,
          after.archiveDirectory,
          this.#fileName,
          this.segment,
          this.content,
        );
      }
      if (outcome.status === 'quarantined') await this.#quarantine.add(removed, outcome.reason);
      else await removeSegment(this.#spool, removed, outcome);
    } catch (cause) {
      throw toStorageError(cause, { operation: 'remove', path: this.#spool.pathOf(this.#fileName) });
    }
  }

  async #end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this);
    await this.#handle.close();
  }
}
