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
import { jsonLinesFormat } from './json-lines-format.ts';
import { LineEncoder } from './line-encoder.ts';
import { LineFrameBuilder } from './line-frame-builder.ts';
import { scanLines } from './scan-lines.ts';
import { stringifyEvent } from './stringify-event.ts';

/**
 * JSON Lines: each event is one line, as `JSON.stringify` writes it, ended by a line feed.
 *
 * What `JSON.stringify` does to a value it does here too: a `Date` becomes a string, `NaN` becomes `null`, members that
 * are `undefined` go. `decode` gives back what `JSON.parse` makes of the line; `__proto__` stays a member like others.
 *
 * A line is whole with its line feed, valid UTF-8, and exactly one JSON value. Damage that leaves all three true, a
 * digit turned into another, cannot be seen in a plain file; gzip, zstd and encrypted formats see it, and so does the
 * SHA-256 of a sealed segment.
 */
export class JSONEventSerializer<TEvent> implements EventSerializer<TEvent> {
  readonly format: SegmentFormat = jsonLinesFormat;
  readonly #encoder = new LineEncoder<TEvent>(stringifyEvent);

  /** The bytes are the caller's own. */
  encode(events: readonly TEvent[], _context?: FrameContext, limits?: EncodeLimits): EncodedFrame {
    return this.#encoder.encode(events, limits);
  }

  encodeSync(events: readonly TEvent[], _context?: FrameContext, limits?: EncodeLimits): EncodedFrame {
    return this.#encoder.encode(events, limits);
  }

  /**
   * `sizeBytes` is exact; asking for it after every event costs what joining lines wins, `sizeBytesAtMost` costs nothing.
   *
   * @throws RangeError - `maxEventBytes` is no whole number >= 1.
   */
  createFrameBuilder(limits?: EncodeLimits): FrameBuilder<TEvent> {
    return new LineFrameBuilder(stringifyEvent, limits);
  }

  decode(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): AsyncGenerator<TEvent, void, void> {
    return decodeLines(source, context, limits, ({ value }) => value as TEvent);
  }

  scan(source: ByteSource, _context?: SegmentContext, limits?: DecodeLimits): Promise<FrameScan> {
    return scanLines(source, limits);
  }
}
