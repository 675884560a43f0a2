import type { BatchAddOutcome, EncodedFrame, EncodeLimits, FrameBuilder } from '@relaykit/types';
import { tooLarge } from './event-errors.ts';
import { DEFAULT_MAX_EVENT_BYTES } from './json-lines-format.ts';
import { MAX_BYTES_PER_UNIT, Utf8Buffer, utf8Length } from './utf8-buffer.ts';

/**
 * Joining a few lines before they are encoded saves calls: see bench/encode.bench.ts. More lines win nothing and hold
 * strings for longer.
 */
const MAX_JOINED_LINES = 16;
const MAX_JOINED_UNITS = 16_384;

/** One event as one line, without its line feed; throws what the event is to be rejected with. */
export type ToLine<TEvent> = (event: TEvent, maxEventBytes: number) => string;

/** Lines of text, collected in memory that is used again. */
export class LineFrameBuilder<TEvent> implements FrameBuilder<TEvent> {
  readonly #toLine: ToLine<TEvent>;
  readonly #maxEventBytes: number;
  readonly #buffer = new Utf8Buffer();
  #joined = '';
  #joinedLines = 0;
  #eventCount = 0;

  constructor(toLine: ToLine<TEvent>, limits?: EncodeLimits) {
    const maxEventBytes = limits?.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES;
    if (!Number.isSafeInteger(maxEventBytes) || maxEventBytes < 1) {
      throw new RangeError(`maxEventBytes must be a whole number >= 1, got ${String(maxEventBytes)}`);
    }
    this.#toLine = toLine;
    this.#maxEventBytes = maxEventBytes;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  /** Encodes what was only joined so far: counting the bytes of a text costs as much as writing them. */
  get sizeBytes(): number {
    this.#encodeJoined();
    return this.#buffer.sizeBytes;
  }

  get sizeBytesAtMost(): number {
    return this.#buffer.sizeBytes + this.#joined.length * MAX_BYTES_PER_UNIT;
  }

  /** Memory that is held, used or not. */
  get capacityBytes(): number {
    return this.#buffer.capacityBytes;
  }

  add(event: TEvent): BatchAddOutcome {
    try {
      // Nothing of the builder changes before the line is known to be good: an event may throw, or even add another.
      const line = this.#toLine(event, this.#maxEventBytes);
      requireFits(line, this.#maxEventBytes);
      if (line.length > MAX_JOINED_UNITS) this.#buffer.reserve(this.#joined.length + line.length + 1);
      this.#joined += `${line}\n`;
    } catch (cause) {
      return { rejected: cause };
    }
    this.#eventCount += 1;
    this.#joinedLines += 1;
    if (this.#joinedLines >= MAX_JOINED_LINES || this.#joined.length >= MAX_JOINED_UNITS) this.#encodeJoined();
    return 'added';
  }

  finish(): EncodedFrame {
    this.#encodeJoined();
    return { bytes: this.#buffer.view(), eventCount: this.#eventCount, rejected: [] };
  }

  finishSync(): EncodedFrame {
    return this.finish();
  }

  reset(): void {
    this.#buffer.clear();
    this.#joined = '';
    this.#joinedLines = 0;
    this.#eventCount = 0;
  }

  #encodeJoined(): void {
    if (this.#joinedLines === 0) return;
    this.#buffer.write(this.#joined);
    this.#joined = '';
    this.#joinedLines = 0;
  }
}

/** @throws RelayError `RELAY_EVENT_TOO_LARGE` - the line and its line feed take more than `maxEventBytes`. */
export function requireFits(line: string, maxEventBytes: number): void {
  // Nearly every event is known to fit without counting.
  if (line.length * MAX_BYTES_PER_UNIT + 1 <= maxEventBytes) return;
  const sizeBytes = utf8Length(line) + 1;
  if (sizeBytes > maxEventBytes) throw tooLarge(sizeBytes, maxEventBytes);
}
