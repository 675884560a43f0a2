import { RelayError, type Removal } from '@relaykit/types';
import { takeOwnership } from './exclusive-file.ts';
import { readMetadata } from './metadata-file.ts';
import { finishRemoval, reasonInName, removeSegment, type SegmentToRemove } from './removal.ts';
import { isOf } from './segment-copies.ts';
import type { SegmentIndex } from './segment-index.ts';
import type { Spool } from './spool.ts';
import { goneFileName, sealedFileName } from './spool-names.ts';
import { isDiskFull, messageOf } from './system-error.ts';

/** One segment that was given up. */
export interface DroppedSegment {
  readonly id: string;
  /** Events in it; 0 where its metadata was lost. */
  readonly eventCount: number;
  readonly bytes: number;
  readonly reason: string;
}

export interface SegmentDropperOptions {
  readonly spool: Spool;
  readonly index: SegmentIndex;
  readonly onDropped: (segment: DroppedSegment) => void;
}

/**
 * - `removed`: it is gone, and recorded.
 * - `gone`: somebody else has removed it, or is about to.
 * - `inUse`: it cannot be taken; another one may go instead.
 * - `refused`: the ledger is out of reach. It is untouched, and so would every other be.
 * - `begun`: it cannot be had back, and its removal stopped half-way.
 */
export type DropOutcome = 'removed' | 'gone' | 'inUse' | 'refused' | 'begun';

/**
 * What the records of a few segments take, with blocks of any size. Who has freed as much and still finds no room for
 * one record frees it for somebody else.
 */
const RECORD_ROOM_BYTES = 64 * 1024;

interface BegunRemoval {
  readonly metadata: SegmentToRemove['metadata'];
  readonly reason: string;
}

/** Gives single segments up, each with a record, and then an announcement. */
export class SegmentDropper {
  readonly #options: SegmentDropperOptions;
  /** Segments that could not be removed, each logged once. */
  readonly #stuck = new Set<string>();
  #begun: BegunRemoval[] = [];
  #begunBytes = 0;
  #lacksRoom = false;

  constructor(options: SegmentDropperOptions) {
    this.#options = options;
  }

  /** Whether a removal stopped half-way. */
  get hasBegun(): boolean {
    return this.#begun.length > 0;
  }

  /** Whether the room that another segment makes may be all that is missing. */
  get isShortOfRoom(): boolean {
    return this.hasBegun && this.#lacksRoom && this.#begunBytes < RECORD_ROOM_BYTES;
  }

  async drop({ id, reason }: Removal): Promise<DropOutcome> {
    const { spool, index } = this.#options;
    const indexed = index.get(id);
    if (!indexed) return 'gone';
    const fileName = sealedFileName(id, indexed.name.fileExtension);
    const path = spool.pathOf(fileName);
    const ownership = await takeOwnership(spool.fileSystem, path).catch((error: unknown) => this.#warn(id, error));
    if (!ownership || ownership.status === 'busy') return 'inUse';
    if (ownership.status === 'gone') {
      index.remove(id);
      return 'gone';
    }
    const { handle } = ownership;
    try {
      if (await spool.ledger.findDurable(id)) {
        index.remove(id);
        return 'gone';
      }
      const known = await readMetadata(spool, id);
      if (known && !isOf(known, indexed.name)) {
        index.remove(id);
        return 'gone';
      }
      const { firstSequence } = indexed.name;
      const metadata = known ?? { id, firstSequence, eventCount: 0, bytes: handle.statSync().sizeBytes };
      return await this.#remove({ metadata, fileName, handle }, reason);
    } catch (error) {
      this.#warn(id, error);
      // What the ledger refuses is no fault of this segment.
      return error instanceof RelayError ? 'refused' : 'inUse';
    } finally {
      await handle.close();
    }
  }

  async #remove(segment: SegmentToRemove, reason: string): Promise<DropOutcome> {
    const { spool, index } = this.#options;
    const { metadata, fileName } = segment;
    const isDecided = (): boolean => spool.fileSystem.statSync(spool.pathOf(fileName)) === undefined;
    try {
      await removeSegment(spool, segment, { status: 'dropped', reason });
    } catch (error) {
      if (!isDecided()) throw error;
      index.remove(metadata.id);
      this.#warn(metadata.id, error);
      this.#begun.push({ metadata, reason });
      this.#begunBytes += metadata.bytes;
      this.#lacksRoom = isDiskFull(error);
      return 'begun';
    }
    index.remove(metadata.id);
    this.#announce(metadata, reason);
    return 'removed';
  }

  /** Goes on with removals that stopped half-way. Resolves to whether none is left. */
  async finishBegun(): Promise<boolean> {
    for (const begun of [...this.#begun]) {
      try {
        if (!(await this.#finish(begun))) return false;
      } catch (error) {
        this.#lacksRoom = isDiskFull(error);
        return false;
      }
      this.#announce(begun.metadata, begun.reason);
      this.#begun = this.#begun.filter((other) => other !== begun);
      this.#begunBytes -= begun.metadata.bytes;
    }
    return true;
  }

  /** Resolves to whether it is recorded and gone; where a recovery came first, too. */
  async #finish({ metadata, reason }: BegunRemoval): Promise<boolean> {
    const { spool } = this.#options;
    const fileName = goneFileName(metadata.id, reasonInName(reason));
    const ownership = await takeOwnership(spool.fileSystem, spool.pathOf(fileName));
    if (ownership.status !== 'owned') return ownership.status === 'gone';
    const { handle } = ownership;
    try {
      // Content must not go before the new name is durable, and that may be the step that failed.
      await spool.fileSystem.syncDirectory(spool.directory);
      await finishRemoval(spool, { metadata, fileName, handle }, { status: 'dropped', reason });
      return true;
    } finally {
      await handle.close();
    }
  }

  #announce({ id, eventCount, bytes }: SegmentToRemove['metadata'], reason: string): void {
    const { spool, onDropped } = this.#options;
    spool.logger?.warn('segment dropped', { segment: id, events: eventCount, bytes, reason });
    onDropped({ id, eventCount, bytes, reason });
  }

  #warn(id: string, error: unknown): void {
    const facts = { segment: id, error: messageOf(error) };
    if (!this.#stuck.has(id)) this.#options.spool.logger?.warn('a segment could not be removed', facts);
    this.#stuck.add(id);
  }
}
