import {
  type AnyRelayError,
  type ByteSource,
  type DecodeLimits,
  type EncodedFrame,
  type EventSerializer,
  type FrameContext,
  type FrameScan,
  isRelayError,
  type SegmentContext,
} from '@relaykit/types';
import { check, checkEqual } from './check.ts';

/**
 * What a format promises to notice. `syntax`: bytes that are no text of the format. `checksum`: every flipped bit.
 * `authentication`: besides, frames that were moved, swapped, repeated or left out.
 */
export type DetectedDamage = 'syntax' | 'checksum' | 'authentication';

/** How plain JSON data, the events of the suite, is handed to a serializer and known again. */
export interface EventMapping {
  toEvent(value: unknown): unknown;
  toValue(event: unknown): unknown;
}

/** How the suite gets at an implementation. */
export interface EventSerializerHarness {
  /** A new one, always with the same settings and keys: each must read what the others wrote. Called once a test. */
  create(): EventSerializer<unknown> | Promise<EventSerializer<unknown>>;
  readonly detects: DetectedDamage;
  /** Defaults to handing over the JSON data as it is. */
  readonly events?: EventMapping;
  /** Where frames stand in the tests. Defaults to a spool and a segment of the suite's own. */
  readonly context?: { readonly spoolId?: string; readonly segmentId?: string };
  /** Start of the random tests; a failure names it. Defaults to another one in each run. */
  readonly seed?: number;
}

/** Frames of one segment, and the file that they make. */
export interface SampleFile {
  readonly bytes: Uint8Array;
  /** Where each frame begins, and where the last one ends; a closing frame lies behind. */
  readonly borders: readonly number[];
  /** The values in each frame. */
  readonly frames: readonly (readonly unknown[])[];
  readonly hasClosingFrame: boolean;
}

export interface Decoded {
  readonly values: readonly unknown[];
  readonly error: unknown;
}

/** One serializer under test, with the context and the events that it wants. */
export class SerializerSubject {
  readonly serializer: EventSerializer<unknown>;
  readonly detects: DetectedDamage;
  readonly #harness: EventSerializerHarness;
  readonly #mapping: EventMapping;
  readonly #place: Omit<FrameContext, 'frameIndex'>;

  static async create(harness: EventSerializerHarness): Promise<SerializerSubject> {
    return new SerializerSubject(await harness.create(), harness);
  }

  private constructor(serializer: EventSerializer<unknown>, harness: EventSerializerHarness) {
    const { detects, events, context } = harness;
    this.serializer = serializer;
    this.#harness = harness;
    this.detects = detects;
    this.#mapping = events ?? { toEvent: (value) => value, toValue: (event) => event };
    this.#place = {
      spoolId: context?.spoolId ?? 'conformance',
      segmentId: context?.segmentId ?? '20261122T164058107Z-000000000000-k3f9q2',
    };
  }

  /** One that shares nothing with this one but settings and keys. */
  another(): Promise<SerializerSubject> {
    return SerializerSubject.create(this.#harness);
  }

  /** Whether every flipped bit is noticed, so that frames are whole or none. */
  get verifiesFrames(): boolean {
    return this.detects !== 'syntax';
  }

  place(frameIndex: number = 0, segmentId: string = this.#place.segmentId): FrameContext {
    return { ...this.#place, segmentId, frameIndex };
  }

  segment(isSealed: boolean, segmentId: string = this.#place.segmentId, firstFrameIndex?: number): SegmentContext {
    const context = { ...this.#place, segmentId, isSealed };
    return firstFrameIndex === undefined ? context : { ...context, firstFrameIndex };
  }

  eventOf(value: unknown): unknown {
    return this.#mapping.toEvent(value);
  }

  /** The frame's bytes are a copy. */
  async encode(values: readonly unknown[], context: FrameContext, maxEventBytes?: number): Promise<EncodedFrame> {
    const limits = maxEventBytes === undefined ? undefined : { maxEventBytes };
    const events = values.map((value) => this.eventOf(value));
    const frame = await this.serializer.encode(events, context, limits);
    return { ...frame, bytes: frame.bytes.slice() };
  }

  /** A sealed file of a frame for each of `frames`. */
  async file(frames: readonly (readonly unknown[])[], segmentId?: string): Promise<SampleFile> {
    const pieces: Uint8Array[] = [];
    for (const [index, values] of frames.entries()) {
      const { bytes, eventCount } = await this.encode(values, this.place(index, segmentId));
      checkEqual(eventCount, values.length, `eventCount of frame ${index}`);
      pieces.push(bytes);
    }
    return this.seal(pieces, frames, segmentId);
  }

  /** Frames one after another and, where the format has one, the closing frame. */
  async seal(
    pieces: readonly Uint8Array[],
    frames: readonly (readonly unknown[])[],
    segmentId?: string,
  ): Promise<SampleFile> {
    const borders = [0];
    for (const { byteLength } of pieces) borders.push((borders.at(-1) ?? 0) + byteLength);
    const { serializer } = this;
    const closing = await serializer.closingFrame?.({
      ...this.place(pieces.length, segmentId),
      eventCount: frames.flat().length,
      sizeBytes: borders.at(-1) ?? 0,
    });
    const bytes = joinBytes(closing ? [...pieces, closing] : pieces);
    return { bytes, borders, frames, hasClosingFrame: closing !== undefined };
  }

  /** Everything before the end or the first error, and that error. */
  async decode(bytes: Uint8Array | ByteSource, context: SegmentContext, limits?: DecodeLimits): Promise<Decoded> {
    const values: unknown[] = [];
    try {
      const source = bytes instanceof Uint8Array ? sourceOf(bytes) : bytes;
      for await (const event of this.serializer.decode(source, context, limits)) {
        values.push(this.#mapping.toValue(event));
      }
    } catch (error) {
      return { values, error };
    }
    return { values, error: undefined };
  }

  async checkDecodes(
    bytes: Uint8Array,
    context: SegmentContext,
    expected: readonly unknown[],
    what: string,
  ): Promise<void> {
    const { values, error } = await this.decode(bytes, context);
    check(error === undefined, `${what}: expected no error, got ${String(error)}`);
    checkEqual(values, expected, what);
  }

  /**
   * Scans, checks that the ranges cover the source without gap or overlap, and that each intact one decodes to as many
   * events as it says. Resolves to their values, range by range.
   */
  async checkedScan(
    bytes: Uint8Array,
    context: SegmentContext,
    what: string,
    limits?: DecodeLimits,
  ): Promise<{ scan: FrameScan; values: readonly unknown[] }> {
    const scan = await this.serializer.scan(sourceOf(bytes), context, limits);
    checkCoverage(scan, bytes.byteLength, what);
    const values: unknown[] = [];
    for (const range of scan.intact) {
      const part = bytes.slice(range.positionBytes, range.positionBytes + range.lengthBytes);
      const from = { ...context, isSealed: false, firstFrameIndex: range.firstFrameIndex };
      const { values: ofRange, error } = await this.decode(part, from, limits);
      const where = `${what}: intact range at byte ${range.positionBytes}`;
      check(error === undefined, `${where}: expected it to decode, got ${String(error)}`);
      checkEqual(ofRange.length, range.eventCount, `${where}: eventCount`);
      values.push(...ofRange);
    }
    return { scan, values };
  }
}

function checkCoverage(scan: FrameScan, sizeBytes: number, what: string): void {
  const ranges = [...scan.intact, ...scan.damaged].sort((a, b) => a.positionBytes - b.positionBytes);
  let position = 0;
  for (const { positionBytes, lengthBytes } of ranges) {
    checkEqual(positionBytes, position, `${what}: the next range begins where the last one ends`);
    check(lengthBytes > 0, `${what}: expected no empty range, got one at byte ${positionBytes}`);
    position += lengthBytes;
  }
  checkEqual(position + scan.tornTailBytes, sizeBytes, `${what}: ranges and torn tail cover the source`);
  const { intact, damaged } = scan;
  for (const { positionBytes } of damaged) {
    check(
      intact.some((range) => range.positionBytes > positionBytes),
      `${what}: damage at byte ${positionBytes} has nothing intact behind it; it is the torn tail`,
    );
  }
  const eventCount = intact.reduce((sum, range) => sum + range.eventCount, 0);
  checkEqual(scan.eventCount, eventCount, `${what}: eventCount of the scan`);
}

/** The reasons a reader may give for bytes that are not what was written. */
const DAMAGE_CODES = [
  'RELAY_SEGMENT_DAMAGED',
  'RELAY_SEGMENT_TRUNCATED',
  'RELAY_LIMIT_EXCEEDED',
  'RELAY_KEY_MISSING',
] as const;

export function checkDamageError(error: unknown, what: string): void {
  check(error !== undefined, `${what}: expected an error, and it decoded`);
  check(
    DAMAGE_CODES.some((code) => isRelayError(error, code)),
    `${what}: expected a RelayError about the bytes, got ${String(error)}`,
  );
}

export function checkCode(error: unknown, code: AnyRelayError['code'], what: string): void {
  check(isRelayError(error, code), `${what}: expected ${code}, got ${String(error)}`);
}

/** `values` are the first ones of `all`. */
export function checkPrefix(values: readonly unknown[], all: readonly unknown[], what: string): void {
  checkEqual(values, all.slice(0, values.length), `${what}: a prefix of the events`);
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.slice(positionBytes, positionBytes + lengthBytes),
  };
}

export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let position = 0;
  for (const piece of pieces) {
    joined.set(piece, position);
    position += piece.byteLength;
  }
  return joined;
}

/** Defines one test on a fresh serializer. */
export type SerializerTest = (title: string, run: (subject: SerializerSubject) => Promise<void>) => void;
