import { join } from 'node:path';
import { handleSource, isUsableExtension, readMetadataFile, type Undecodable, undecodable } from '@relaykit/segments';
import type { RawJSONLine } from '@relaykit/serializers';
import {
  type DamageReason,
  type FileHandle,
  isRelayError,
  type SegmentContext,
  type SegmentMetadata,
  type SegmentName,
} from '@relaykit/types';
import { describeError } from './describe-error.ts';
import { describeKeys } from './describe-keys.ts';
import type { LineSerializer } from './formats.ts';
import type { SpoolView } from './open-spool.ts';
import { isSystemFailure } from './system-failure.ts';

/** Events that are handed on together. */
const gatheredEvents = 1_000;

/** What stands in a segment, piece by piece. */
export type TailPiece =
  /** Events next to each other; `sequence` is that of the first. */
  | { readonly kind: 'events'; readonly texts: readonly string[]; readonly sequence: number }
  | { readonly kind: 'damage'; readonly positionBytes: number; readonly reason: DamageReason }
  /** What follows cannot be opened; `reason` says which key is to blame, or what the system said. */
  | { readonly kind: 'unopened'; readonly reason: string };

export interface SegmentTailOptions {
  readonly view: SpoolView;
  readonly segment: SegmentName;
  readonly serializer: LineSerializer;
  /** Of the spool; `undefined` where it is not known, and each segment's own metadata says it. */
  readonly spoolId: string | undefined;
}

/**
 * Reads a segment from where it stopped the last time, sealed or being written. Takes no lock. Holds a frame and
 * `gatheredEvents` in memory.
 */
export class SegmentTail {
  readonly segment: SegmentName;
  readonly #view: SpoolView;
  readonly #serializer: LineSerializer;
  readonly #spoolId: string | undefined;
  #positionBytes = 0;
  #frameIndex = 0;
  #sequence: number;
  /** Opened the last frame so far. */
  #keyId: string | undefined;
  #state: 'reading' | 'finished' | 'gone' = 'reading';

  constructor({ view, segment, serializer, spoolId }: SegmentTailOptions) {
    this.segment = segment;
    this.#view = view;
    this.#serializer = serializer;
    this.#spoolId = spoolId;
    this.#sequence = segment.firstSequence;
  }

  /** `finished`: read to its end. `gone`: delivered, dropped or moved away before that. */
  get state(): 'reading' | 'finished' | 'gone' {
    return this.#state;
  }

  /** Yields what is new in the segment. */
  async *read(): AsyncGenerator<TailPiece, void, undefined> {
    try {
      yield* this.#readFile();
    } catch (cause) {
      if (!isSystemFailure(cause)) throw cause;
      this.#state = 'finished';
      yield { kind: 'unopened', reason: `it cannot be read: ${describeError(cause)}` };
    }
  }

  async *#readFile(): AsyncGenerator<TailPiece> {
    const { directory, fileSystem } = this.#view;
    const metadata = await readMetadataFile(fileSystem, directory, this.segment.id);
    const handle = await this.#open();
    if (!handle) {
      this.#state = 'gone';
      return;
    }
    try {
      yield* this.#readFrom(handle, metadata);
    } finally {
      await handle.close();
    }
  }

  async #open(): Promise<FileHandle | undefined> {
    const { id, fileExtension } = this.segment;
    const { directory, fileSystem } = this.#view;
    if (!isUsableExtension(fileExtension)) return undefined;
    for (const name of [`${id}.${fileExtension}.open`, `${id}.${fileExtension}`]) {
      try {
        return await fileSystem.openFile(join(directory, name), 'read');
      } catch (cause) {
        if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
      }
    }
    return undefined;
  }

  async *#readFrom(handle: FileHandle, metadata: SegmentMetadata | undefined): AsyncGenerator<TailPiece> {
    const { sizeBytes } = await handle.stat();
    const isSealed = metadata !== undefined;
    const endBytes = Math.min(sizeBytes, metadata?.bytes ?? sizeBytes);
    const isCut = isSealed && endBytes < metadata.bytes;
    if (endBytes > this.#positionBytes) yield* this.#readRange(handle, endBytes, metadata);
    if (!isSealed) return;
    if (isCut && this.#state === 'reading') yield { kind: 'damage', positionBytes: endBytes, reason: 'syntax' };
    this.#state = 'finished';
  }

  async *#readRange(
    handle: FileHandle,
    endBytes: number,
    metadata: SegmentMetadata | undefined,
  ): AsyncGenerator<TailPiece> {
    const from = this.#positionBytes;
    const source = handleSource(handle, from, endBytes);
    const context: SegmentContext = {
      spoolId: this.#spoolId ?? metadata?.spoolId ?? '',
      segmentId: this.segment.id,
      isSealed: false,
      firstFrameIndex: this.#frameIndex,
    };
    const scan = await this.#serializer.scan(source, context);
    let readBytes = 0;
    for (const range of scan.intact) {
      const damage = scan.damaged.find(
        ({ positionBytes }) => positionBytes >= readBytes && positionBytes < range.positionBytes,
      );
      if (damage) yield { kind: 'damage', positionBytes: from + damage.positionBytes, reason: damage.reason };
      readBytes = range.positionBytes + range.lengthBytes;
      const piece = { fromBytes: from + range.positionBytes, toBytes: from + readBytes };
      yield* this.#readEvents(handle, piece, { ...context, firstFrameIndex: range.firstFrameIndex });
      this.#frameIndex = range.firstFrameIndex + range.frameCount;
    }
    this.#positionBytes = from + readBytes;
    this.#keyId = scan.keyId ?? this.#keyId;
    // What a key that opened the frames before does not open is no longer a matter of keys.
    const isKnownKey = scan.unopenedKeyId !== undefined && scan.unopenedKeyId === this.#keyId;
    const reason = isKnownKey ? undefined : describeKeys(scan);
    if (reason !== undefined) {
      this.#state = 'finished';
      yield { kind: 'unopened', reason };
    } else if (metadata && (scan.tornTailBytes > 0 || scan.isClosed === false)) {
      this.#state = 'finished';
      yield { kind: 'damage', positionBytes: from + readBytes, reason: 'syntax' };
    }
  }

  /** Many at a time: each generator that an event passes through costs as much as its printing. */
  async *#readEvents(
    handle: FileHandle,
    { fromBytes, toBytes }: { readonly fromBytes: number; readonly toBytes: number },
    context: SegmentContext,
  ): AsyncGenerator<TailPiece> {
    for (let position = fromBytes; position < toBytes; ) {
      let texts: string[] = [];
      let found: Undecodable | undefined;
      try {
        for await (const event of this.#serializer.decode(handleSource(handle, position, toBytes), context)) {
          texts.push(textOf(event));
          if (texts.length < gatheredEvents) continue;
          yield this.#take(texts);
          texts = [];
        }
      } catch (error) {
        if (!isRelayError(error)) throw error;
        // Removed while it was read: its bytes were taken away, not damaged.
        if (await this.#isThere()) {
          found = undecodable(error, toBytes - position);
          if (!found) throw error;
        } else this.#state = 'gone';
      }
      if (texts.length > 0) yield this.#take(texts);
      if (!found) return;
      yield { kind: 'damage', positionBytes: position + found.positionBytes, reason: found.reason };
      position += found.nextBytes;
    }
  }

  #take(texts: readonly string[]): TailPiece {
    const sequence = this.#sequence;
    this.#sequence += texts.length;
    return { kind: 'events', texts, sequence };
  }

  async #isThere(): Promise<boolean> {
    const handle = await this.#open();
    await handle?.close();
    return handle !== undefined;
  }
}

const decoder = new TextDecoder();

function textOf(event: RawJSONLine): string {
  return typeof event === 'string' ? event : decoder.decode(event);
}
