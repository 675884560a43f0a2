import type {
  ByteSource,
  DecodeLimits,
  EncodedFrame,
  EncodeLimits,
  EventSerializer,
  FrameBuilder,
  FrameContext,
  FrameScan,
  SegmentContext,
  SegmentFormat,
} from '@relaykit/types';
import { decodeLines } from './decode-lines.ts';
import { tooLarge, unserializable } from './event-errors.ts';
import { jsonLinesFormat } from './json-lines-format.ts';
import { decode, parse } from './judge-lines.ts';
import { LineEncoder } from './line-encoder.ts';
import { LineFrameBuilder, requireFits } from './line-frame-builder.ts';
import { isTooDeep } from './nesting.ts';
import { scanLines } from './scan-lines.ts';

/** One JSON value on one line, as text or as its UTF-8 bytes, without the final line feed. */
export type RawJSONLine = string | Uint8Array;

/**
 * JSON Lines for events that are JSON already, such as requests passed on. Each is checked and stored byte for byte:
 * `1.0`, numbers of twenty digits, members twice, their order, escapes and spaces stay. `decode` yields the line's text.
 *
 * The file is the same format as that of `JSONEventSerializer`, and either reads the other's.
 */
export class RawJSONLineSerializer implements EventSerializer<RawJSONLine> {
  readonly format: SegmentFormat = jsonLinesFormat;
  readonly #encoder = new LineEncoder<RawJSONLine>(checkedLine);

  /** The bytes are the caller's own. */
  encode(events: readonly RawJSONLine[], _context?: FrameContext, limits?: EncodeLimits): EncodedFrame {
    return this.#encoder.encode(events, limits);
  }

  encodeSync(events: readonly RawJSONLine[], _context?: FrameContext, limits?: EncodeLimits): EncodedFrame {
    return this.#encoder.encode(events, limits);
  }

  /** @throws RangeError - `maxEventBytes` is no whole number >= 1. */
  createFrameBuilder(limits?: EncodeLimits): FrameBuilder<RawJSONLine> {
    return new LineFrameBuilder(checkedLine, limits);
  }

  decode(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): AsyncGenerator<string, void, void> {
    return decodeLines(source, context, limits, ({ text }) => text);
  }

  scan(source: ByteSource, _context?: SegmentContext, limits?: DecodeLimits): Promise<FrameScan> {
    return scanLines(source, limits);
  }
}

/**
 * The text of a line that may be stored as it is. Bytes become text and bytes again without loss, since only valid
 * UTF-8 passes.
 */
function checkedLine(event: RawJSONLine, maxEventBytes: number): string {
  if (event === undefined) throw unserializable('undefined');
  const text = typeof event === 'string' ? event : decodeEvent(event, maxEventBytes);
  requireFits(text, maxEventBytes); // Before parsing, which costs memory.
  if (isTooDeep(text)) throw unserializable('tooDeep');
  if (text.includes('\n') || hasLoneSurrogate(text) || parse(text) === undefined) throw unserializable('syntax');
  return text;
}

function decodeEvent(event: unknown, maxEventBytes: number): string {
  if (!(event instanceof Uint8Array)) throw unserializable('syntax');
  if (event.byteLength + 1 > maxEventBytes) throw tooLarge(event.byteLength + 1, maxEventBytes);
  const text = decode(event);
  if (text === undefined) throw unserializable('syntax');
  return text;
}

/** Text that UTF-8 cannot hold; an encoder would put U+FFFD in its place. */
function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
