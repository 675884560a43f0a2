import type { DamageReason } from './errors.ts';
import type { BatchAddOutcome, RejectedEvent } from './event-persisting.ts';

/** What a file of encoded events is, to anyone who opens or receives it. */
export interface SegmentFormat {
  /** Stable name, kept in metadata: `jsonl`, `jsonl+gzip`, `jsonl+gzip+encrypted`. */
  readonly name: string;
  /** Without the leading dot, lower case: `ndjson`, `ndjson.gz`. Matches `/^[a-z0-9]+(\.[a-z0-9]+){0,3}$/`. */
  readonly fileExtension: string;
  /** Media type of the content once decoded from `contentEncoding`: `application/x-ndjson`. */
  readonly mediaType: string;
  /** HTTP content coding of the file as it is (`gzip`, `zstd`); `undefined` where there is none. */
  readonly contentEncoding?: string;
}

/** Where a frame will stand; formats that bind a frame to its place use all of it, plain ones nothing. */
export interface FrameContext {
  readonly spoolId: string;
  readonly segmentId: string;
  /** Position of the frame in its segment, from 0. */
  readonly frameIndex: number;
}

/** Which file is read. */
export interface SegmentContext {
  readonly spoolId: string;
  readonly segmentId: string;
  /** Sealed segments must be complete; an open one may end anywhere. */
  readonly isSealed: boolean;
  /** Index of the frame with which the source begins, where it is not the whole file. Defaults to 0. */
  readonly firstFrameIndex?: number;
}

/** Guards the disk against one event. */
export interface EncodeLimits {
  /** Largest encoded event in bytes, its terminator included; a larger one is rejected by itself. */
  readonly maxEventBytes: number;
}

/** Guards the memory of whoever decodes. */
export interface DecodeLimits {
  /** Most bytes that one frame may decode to. Exceeding it throws `RELAY_LIMIT_EXCEEDED` before they are allocated. */
  readonly maxDecodedBytes?: number;
}

/** One self-contained piece of a file. */
export interface EncodedFrame {
  /** Valid until the next call on what made it: copy or write it before. */
  readonly bytes: Uint8Array;
  readonly eventCount: number;
  readonly rejected: readonly RejectedEvent[];
}

/**
 * Encodes event by event into memory of its own. A builder is used again after `reset`.
 */
export interface FrameBuilder<TEvent> {
  /** Never throws for what an event contains. */
  add(event: TEvent): BatchAddOutcome;
  readonly eventCount: number;
  /** Exact bytes of the encoded events, before compression or encryption. */
  readonly sizeBytes: number;
  /** Never less than `sizeBytes`, and cheap to ask for after every event. Missing where `sizeBytes` itself is cheap. */
  readonly sizeBytesAtMost?: number;
  /** Makes the frame. The builder keeps its events, so that a failed write can ask again, for another place if need be. */
  finish(context: FrameContext): EncodedFrame | Promise<EncodedFrame>;
  /** The same without waiting. Where it is missing, the format cannot be used at exit. */
  finishSync?(context: FrameContext): EncodedFrame;
  /** Forgets the events and keeps the memory for the next ones. */
  reset(): void;
}

/** Random access to stored bytes. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Exactly `lengthBytes` bytes from `positionBytes`, fewer only at the end of the source. */
  read(positionBytes: number, lengthBytes: number): Promise<Uint8Array>;
}

/** Whole frames that lie next to each other. */
export interface IntactRange {
  readonly positionBytes: number;
  readonly lengthBytes: number;
  readonly eventCount: number;
  /** Index of the first frame; formats without frame borders count from 0 by range. */
  readonly firstFrameIndex: number;
  readonly frameCount: number;
}

/** Bytes that are no whole frame, with intact ones behind them. */
export interface DamagedRange {
  readonly positionBytes: number;
  readonly lengthBytes: number;
  readonly reason: DamageReason;
}

/**
 * What recovery acts on. The ranges and the torn tail cover the source without gap or overlap. Intact ranges that touch
 * are two where frames between them are missing.
 */
export interface FrameScan {
  readonly intact: readonly IntactRange[];
  /** Damage in front of intact frames. */
  readonly damaged: readonly DamagedRange[];
  /** Bytes at the end that are no whole frame: a write that was cut off. */
  readonly tornTailBytes: number;
  /** Events in all intact ranges. */
  readonly eventCount: number;
  /** Frames that could not be judged because this key is missing; nothing may be concluded about the file. */
  readonly missingKeyId?: string;
  /**
   * Key under which frames stand, their headers whole, and not one of them is authentic: other bytes than those that
   * encrypted are known by its name, or the file is of another spool or segment. Nothing may be concluded about the file.
   */
  readonly unopenedKeyId?: string;
  /**
   * Only of formats with a closing frame: whether the intact frames end with one that vouches for all before it. `false`
   * for a sealed segment means that something of it is missing.
   */
  readonly isClosed?: boolean;
  /** Key of the last intact frame, where the format encrypts. */
  readonly keyId?: string;
}

/** What the closing frame of a segment vouches for. */
export interface SealContext extends FrameContext {
  readonly eventCount: number;
  /** Bytes of all frames before the closing one. */
  readonly sizeBytes: number;
}

/**
 * A format for segment files. Frames one after another are a valid file. Implementations pass
 * `describeEventSerializer` of `@relaykit/testing/conformance`.
 */
export interface EventSerializer<TEvent> {
  readonly format: SegmentFormat;

  /**
   * Makes one self-contained frame. An event that cannot be encoded is reported in `rejected` with its index and does
   * not take its neighbours with it. No events make a frame of no bytes.
   */
  encode(events: readonly TEvent[], context: FrameContext, limits?: EncodeLimits): EncodedFrame | Promise<EncodedFrame>;

  /** The same without waiting; needed to store at exit what was not yet encoded. */
  encodeSync?(events: readonly TEvent[], context: FrameContext, limits?: EncodeLimits): EncodedFrame;

  /** The same event by event. Wrappers pass `add` through and do their work in `finish`. */
  createFrameBuilder?(limits?: EncodeLimits): FrameBuilder<TEvent>;

  /**
   * The last frame of a sealed segment, where the format has one. No promise after a frame was made by `encodeSync` or
   * `finishSync`: segments are sealed at exit, too.
   */
  closingFrame?(context: SealContext): Uint8Array | Promise<Uint8Array>;

  /** Identifier of the key that encrypted a frame, for the metadata. */
  keyIdOf?(frame: Uint8Array): string | undefined;

  /**
   * Yields the events in order.
   *
   * @throws RelayError `RELAY_SEGMENT_DAMAGED` - at the first damage; events before it were yielded.
   * @throws RelayError `RELAY_SEGMENT_TRUNCATED` - a sealed segment ends in the middle of a frame, or without the closing
   *   frame of its format; an open one just ends.
   * @throws RelayError `RELAY_LIMIT_EXCEEDED`, `RELAY_KEY_MISSING`
   */
  decode(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): AsyncIterable<TEvent>;

  /** Says which ranges are whole frames, which are damaged, how long the torn tail is. Never throws on damage. */
  scan(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): Promise<FrameScan>;

  /**
   * Copies an intact range into another segment, in pieces. Without it the bytes are copied as they are, which is right
   * for every format whose frames do not depend on their place.
   */
  reframe?(source: ByteSource, range: IntactRange, from: SegmentContext, to: FrameContext): AsyncIterable<EncodedFrame>;
}
