import { type EventSerializer, type IntactRange, RelayError, type SegmentMetadata } from '@relaykit/types';
import type { ActiveSegmentFile } from './active-segment-file.ts';
import { handleSource, hashHandle } from './handle-source.ts';
import { writeMetadata } from './metadata-file.ts';
import { removeEmptied } from './removal.ts';
import { prepareSalvage, publishSalvage } from './salvage.ts';
import { type SegmentMark, START_OF_SEGMENT } from './segment-mark.ts';
import type { Spool } from './spool.ts';
import { sealedFileName } from './spool-names.ts';

interface MovePlan {
  /** Of the old file. */
  readonly metadata: SegmentMetadata;
  readonly tail: SegmentMetadata | undefined;
  readonly lostEvents: number;
}

/**
 * Ends a segment whose sync failed. The kernel may have dropped what was not durable, and a second sync would say that
 * all is well: the file ends where the last successful sync ended, and what was acknowledged behind that is read back,
 * checked, and written anew into a segment of its own. A format with a closing frame moves whole: the old file cannot be
 * given one any more.
 *
 * `commit` is the one point: before it, the events stand in the old file; after it, metadata says where the old file
 * ends and where it goes on, and whatever a crash interrupts is finished by recovery. Nothing else may be written by
 * this writer until then. Both steps may be called again after a failure. Once the metadata may stand on the disk, what
 * it names is not touched again: a `commit` that failed may have been made.
 */
export class UnsyncedMove {
  readonly #spool: Spool;
  readonly #segment: ActiveSegmentFile;
  readonly #serializer: EventSerializer<unknown>;
  #plan: MovePlan | undefined;
  #isCommitted = false;

  constructor(spool: Spool, segment: ActiveSegmentFile, serializer: EventSerializer<unknown>) {
    this.#spool = spool;
    this.#segment = segment;
    this.#serializer = serializer;
  }

  get segment(): ActiveSegmentFile {
    return this.#segment;
  }

  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** The segment that took over; `undefined` where nothing was left to move. */
  get tail(): SegmentMetadata | undefined {
    return this.#plan?.tail;
  }

  /** Acknowledged as `written`, and not readable any more after the failed sync. */
  get lostEvents(): number {
    return this.#plan?.lostEvents ?? 0;
  }

  async commit(): Promise<void> {
    if (this.#isCommitted) return;
    this.#plan ??= await this.#prepare();
    await writeMetadata(this.#spool, this.#plan.metadata);
    this.#isCommitted = true;
  }

  /** Publishes both parts. What is left undone here is done by the next recovery. */
  async finish(): Promise<SegmentMetadata | undefined> {
    if (!this.#plan || !this.#isCommitted) throw new Error('commit must come first');
    const { metadata, tail } = this.#plan;
    const { fileSystem, directory } = this.#spool;
    const { fileExtension } = this.#serializer.format;
    const { path, handle, id } = this.#segment;
    if (tail) await publishSalvage(this.#spool, tail.id, fileExtension);
    if (metadata.eventCount === 0) {
      await removeEmptied(this.#spool, id, path);
      await handle.close();
      return undefined;
    }
    if (fileSystem.statSync(path)) {
      await handle.truncate(metadata.bytes);
      await fileSystem.rename(path, this.#spool.pathOf(sealedFileName(id, fileExtension)));
    }
    await fileSystem.syncDirectory(directory);
    await handle.close();
    return metadata;
  }

  /** Everything that the metadata is going to rely on, durably; what an earlier attempt left is made anew. */
  async #prepare(): Promise<MovePlan> {
    const segment = this.#segment;
    const { end, handle } = segment;
    const kept = this.#serializer.closingFrame ? START_OF_SEGMENT : segment.synced;
    const ranges = end.sizeBytes > kept.sizeBytes ? await this.#intactBehind(kept) : [];
    const movedEvents = ranges.reduce((sum, { eventCount }) => sum + eventCount, 0);
    const tail =
      movedEvents === 0
        ? undefined
        : await prepareSalvage(
            this.#spool,
            {
              id: segment.id,
              handle,
              serializer: this.#serializer,
              fromBytes: kept.sizeBytes,
              fromFrameIndex: kept.frameCount,
              toBytes: end.sizeBytes,
              ranges,
              firstSequence: segment.firstSequence + kept.eventCount,
            },
            { sealReason: 'failure', ...segment.hold },
          );
    const metadata: SegmentMetadata = {
      ...segment.describe('failure'),
      eventCount: kept.eventCount,
      bytes: kept.sizeBytes,
      sha256: await hashHandle(handle, kept.sizeBytes),
      ...(tail ? { continuedIn: tail.id } : {}),
    };
    return { metadata, tail, lostEvents: end.eventCount - kept.eventCount - movedEvents };
  }

  async #intactBehind(kept: SegmentMark): Promise<readonly IntactRange[]> {
    const { end, handle, id } = this.#segment;
    const tail = handleSource(handle, kept.sizeBytes, end.sizeBytes);
    const context = {
      spoolId: this.#spool.spoolId,
      segmentId: id,
      isSealed: false,
      firstFrameIndex: kept.frameCount,
    };
    const { intact, missingKeyId, unopenedKeyId } = await this.#serializer.scan(tail, context);
    const keyId = missingKeyId ?? unopenedKeyId;
    if (keyId === undefined) return intact;
    const what = missingKeyId === undefined ? 'opens none of its frames' : 'is missing';
    const message = `Cannot move segment ${id}, which the disk refused to sync: the key ${keyId} ${what}; give the right one back.`;
    throw new RelayError('RELAY_KEY_MISSING', message, { segmentId: id, keyId });
  }
}
