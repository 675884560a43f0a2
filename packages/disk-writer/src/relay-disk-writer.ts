import type { Clock, EventBatch, FileSystem, Logger, WriteOptions, WriteReceipt } from '@relaykit/types';
import { FileDiskWriter } from './file-disk-writer.ts';
import type { FlushFacts } from './file-disk-writer-options.ts';
import { FrameBatch } from './frame-batch.ts';

/** Where events go without configuration, below the current directory. */
export const DEFAULT_DIRECTORY = 'relay-spool';

/** What `RelayDiskWriter.configure` changes. */
export interface RelayDiskWriterOptions {
  /** Defaults to `DEFAULT_DIRECTORY`. */
  readonly directory?: string;
  /** Takes the line about each flush. Defaults to `console`. */
  readonly logger?: Logger;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
}

/**
 * The zero-configuration form for prototypes: a `FileDiskWriter` that needs no instance, writes JSON Lines below the
 * current directory and says so, one line a flush.
 *
 * The class itself is an `EventPersisting`: `new RelayEventBuffer({ persistence: RelayDiskWriter })`.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: the static form is the point of it.
export class RelayDiskWriter {
  static #options: RelayDiskWriterOptions = {};
  static #writer: FileDiskWriter<unknown> | undefined;

  /**
   * Sets another directory or logger. What is in batches by then goes where it was going; what was written before is
   * sealed once the promise resolves.
   */
  static async configure(options: RelayDiskWriterOptions): Promise<void> {
    const former = RelayDiskWriter.#writer;
    RelayDiskWriter.#writer = undefined;
    RelayDiskWriter.#options = options;
    await former?.rotate();
  }

  /** Stores `events`; promises and errors as in `FileDiskWriter.write`. */
  static write(events: readonly unknown[], options?: WriteOptions): Promise<WriteReceipt> {
    return RelayDiskWriter.#use().write(events, options);
  }

  static noteDropped(dropped: { readonly reason: string; readonly eventCount: number }): void {
    RelayDiskWriter.#use().noteDropped(dropped);
  }

  static openBatch(): EventBatch<unknown> {
    return RelayDiskWriter.#use().openBatch();
  }

  static commit(batch: EventBatch<unknown>, options?: WriteOptions): Promise<WriteReceipt> {
    return ownerOf(batch, RelayDiskWriter.#use).commit(batch, options);
  }

  static writeSync(events: readonly unknown[] | EventBatch<unknown>): WriteReceipt {
    const { writeSync } = ownerOf(events, RelayDiskWriter.#use);
    if (!writeSync) throw new TypeError('JSONEventSerializer must have encodeSync');
    return writeSync(events);
  }

  /**
   * Waits for what was written before and seals it. The class itself stays open: several buffers share it, and one that
   * closes must not end the others.
   */
  static async close(): Promise<void> {
    await RelayDiskWriter.#writer?.rotate();
  }

  static #use(): FileDiskWriter<unknown> {
    RelayDiskWriter.#writer ??= RelayDiskWriter.#create(RelayDiskWriter.#options);
    return RelayDiskWriter.#writer;
  }

  static #create({
    directory = DEFAULT_DIRECTORY,
    logger = console,
    ...others
  }: RelayDiskWriterOptions): FileDiskWriter<unknown> {
    return new FileDiskWriter<unknown>({
      ...others,
      directory,
      onFlushed: (flush) => logger.info(describeFlush(directory, flush)),
    });
  }
}

/** The writer that opened a batch; for events in an array, the present one. */
function ownerOf(batch: unknown, present: () => FileDiskWriter<unknown>): FileDiskWriter<unknown> {
  return batch instanceof FrameBatch && batch.owner instanceof FileDiskWriter ? batch.owner : present();
}

function describeFlush(directory: string, { eventCount, sizeBytes, segmentId, durationMs }: FlushFacts): string {
  const events = eventCount === 1 ? '1 event' : `${eventCount} events`;
  return `relay: flushed ${events}, ${sizeBytes} bytes, to ${directory}/${segmentId}.ndjson in ${durationMs.toFixed(1)} ms`;
}
