import {
  type ByteSource,
  type DamagedRange,
  type DecodeLimits,
  type EncodedFrame,
  type EncodeLimits,
  type EventSerializer,
  type FrameBuilder,
  type FrameContext,
  type FrameScan,
  type IntactRange,
  RelayError,
  type SegmentContext,
} from '@relaykit/types';

/** What the sample can be made to do wrong. */
export type Bug =
  | 'accepts any checksum'
  | 'does not check the header'
  | 'drops the last event'
  | 'ends silently at damage'
  | 'takes a cut for the end'
  | 'throws in scan'
  | 'finds nothing behind damage'
  | 'claims one byte too many'
  | 'reports the tail as damage'
  | 'throws what an event throws'
  | 'shifts the index of rejected events'
  | 'counts rejected events'
  | 'makes a frame of nothing'
  | 'ignores maxEventBytes'
  | 'ignores maxDecodedBytes'
  | 'limits the file, not the frame'
  | 'forgets its events at finish'
  | 'keeps its events at reset'
  | 'encodes at finish'
  | 'shares one buffer'
  | 'assigns members one by one'
  | 'takes a failing source for damage'
  | 'mixes up Latin-1 and UTF-8'
  | 'trusts every count';

const HEADER = /^RK([0-9a-f]{8})([0-9a-f]{8})$/u;
const HEADER_BYTES = 18;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `RK`, length and checksum of length and text in hexadecimal, and the events as the text of a JSON array. */
export class SampleSerializer implements EventSerializer<unknown> {
  readonly format = { name: 'sample', fileExtension: 'sample', mediaType: 'application/x-sample' };
  readonly #bugs: ReadonlySet<Bug>;

  constructor(...bugs: readonly Bug[]) {
    this.#bugs = new Set(bugs);
  }

  encode(events: readonly unknown[], context: FrameContext, limits?: EncodeLimits): EncodedFrame {
    const builder = this.createFrameBuilder(limits);
    const rejected: { index: number; cause: unknown }[] = [];
    for (const [index, event] of events.entries()) {
      const outcome = builder.add(event);
      const shift = this.#has('shifts the index of rejected events') ? 1 : 0;
      if (outcome !== 'added') rejected.push({ index: index + shift, cause: outcome.rejected });
    }
    return { ...builder.finishSync(context), rejected };
  }

  encodeSync(events: readonly unknown[], context: FrameContext, limits?: EncodeLimits): EncodedFrame {
    return this.encode(events, context, limits);
  }

  createFrameBuilder(
    limits?: EncodeLimits,
  ): FrameBuilder<unknown> & Required<Pick<FrameBuilder<unknown>, 'finishSync'>> {
    const maxEventBytes = requireLimit('maxEventBytes', limits?.maxEventBytes);
    const has = (bug: Bug): boolean => this.#has(bug);
    const shared = this.#shared;
    const own: { texts: string[]; held: unknown[] } = { texts: [], held: [] };
    const kept = has('shares one buffer') ? shared : own;
    let rejections = 0;
    const finishSync = (): EncodedFrame => {
      const texts = has('encodes at finish') ? kept.held.map((event) => JSON.stringify(event)) : kept.texts;
      const written = has('drops the last event') ? texts.slice(0, -1) : texts;
      const bytes = texts.length > 0 || has('makes a frame of nothing') ? frameOf(`[${written}]`, this.#bugs) : NOTHING;
      if (has('forgets its events at finish')) kept.texts = [];
      return { bytes, eventCount: texts.length, rejected: [] };
    };
    return {
      get eventCount() {
        return kept.texts.length + (has('counts rejected events') ? rejections : 0);
      },
      get sizeBytes() {
        return kept.texts.reduce((sum, text) => sum + encoder.encode(text).byteLength + 1, 0);
      },
      add(event) {
        try {
          const text = toText(event);
          const sizeBytes = encoder.encode(text).byteLength + 1;
          if (sizeBytes > maxEventBytes && !has('ignores maxEventBytes')) {
            throw new RelayError('RELAY_EVENT_TOO_LARGE', 'too large', { sizeBytes, maxEventBytes });
          }
          kept.texts.push(text);
          kept.held.push(event);
          return 'added';
        } catch (rejected) {
          if (has('throws what an event throws')) throw rejected;
          rejections += 1;
          return { rejected };
        }
      },
      finish: finishSync,
      finishSync,
      reset() {
        if (!has('keeps its events at reset')) kept.texts = [];
        kept.held = [];
      },
    };
  }

  async *decode(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): AsyncGenerator<unknown> {
    const maxDecodedBytes = requireLimit('maxDecodedBytes', limits?.maxDecodedBytes);
    const { segmentId, isSealed } = context;
    let decodedBytes = 0;
    for (let positionBytes = 0; positionBytes < source.sizeBytes; ) {
      const frame = await this.#frameAt(source, positionBytes);
      if (frame === 'cut') {
        if (!isSealed || this.#has('takes a cut for the end')) return;
        throw new RelayError('RELAY_SEGMENT_TRUNCATED', 'cut off', { segmentId, positionBytes });
      }
      if (frame === 'damaged') {
        if (this.#has('ends silently at damage')) return;
        throw new RelayError('RELAY_SEGMENT_DAMAGED', 'damaged', { segmentId, positionBytes, reason: 'checksum' });
      }
      decodedBytes = (this.#has('limits the file, not the frame') ? decodedBytes : 0) + frame.textBytes - 1;
      if (decodedBytes > maxDecodedBytes && !this.#has('ignores maxDecodedBytes')) {
        const facts = { limit: 'maxDecodedBytes', maximum: maxDecodedBytes };
        throw new RelayError('RELAY_LIMIT_EXCEEDED', 'too much', facts);
      }
      for (const event of frame.events) yield this.#has('assigns members one by one') ? assigned(event) : event;
      positionBytes += frame.lengthBytes;
    }
  }

  async scan(source: ByteSource, _context: SegmentContext, limits?: DecodeLimits): Promise<FrameScan> {
    const maxDecodedBytes = requireLimit('maxDecodedBytes', limits?.maxDecodedBytes);
    const intact: IntactRange[] = [];
    const damaged: DamagedRange[] = [];
    let end = 0;
    for (let position = 0; position < source.sizeBytes; ) {
      const frame = await this.#frameAt(source, position);
      if (typeof frame === 'string' || frame.textBytes - 1 > maxDecodedBytes) {
        if (this.#has('throws in scan')) throw new Error('damaged');
        if (this.#has('finds nothing behind damage')) break;
        position += 1;
        continue;
      }
      if (position > end) damaged.push({ positionBytes: end, lengthBytes: position - end, reason: 'checksum' });
      const lengthBytes = frame.lengthBytes + (this.#has('claims one byte too many') ? 1 : 0);
      const eventCount = frame.events.length + (this.#has('trusts every count') ? 1 : 0);
      intact.push({ positionBytes: position, lengthBytes, eventCount, firstFrameIndex: intact.length, frameCount: 1 });
      position += frame.lengthBytes;
      end = position;
    }
    let tornTailBytes = source.sizeBytes - end;
    if (tornTailBytes > 0 && this.#has('reports the tail as damage')) {
      damaged.push({ positionBytes: end, lengthBytes: tornTailBytes, reason: 'checksum' });
      tornTailBytes = 0;
    }
    return { intact, damaged, tornTailBytes, eventCount: intact.reduce((sum, range) => sum + range.eventCount, 0) };
  }

  readonly #shared: { texts: string[]; held: unknown[] } = { texts: [], held: [] };

  #has(bug: Bug): boolean {
    return this.#bugs.has(bug);
  }

  async #frameAt(
    source: ByteSource,
    position: number,
  ): Promise<'cut' | 'damaged' | { lengthBytes: number; textBytes: number; events: readonly unknown[] }> {
    try {
      const header = latin1(await source.read(position, HEADER_BYTES));
      if (header.length < HEADER_BYTES) return /^R?K?[0-9a-f]*$/u.test(header) ? 'cut' : 'damaged';
      const [, length = '', sum = ''] = HEADER.exec(header) ?? [];
      if (length === '') return 'damaged';
      const textBytes = Number.parseInt(length, 16);
      const text = await source.read(position + HEADER_BYTES, Math.min(textBytes, source.sizeBytes));
      const isWhole = sum === checksum(this.#has('does not check the header') ? '' : length, text);
      if (!isWhole && !this.#has('accepts any checksum')) return text.byteLength < textBytes ? 'cut' : 'damaged';
      const decoded = this.#has('mixes up Latin-1 and UTF-8') ? latin1(text) : decoder.decode(text);
      return { lengthBytes: HEADER_BYTES + textBytes, textBytes, events: JSON.parse(decoded) as unknown[] };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError) return 'damaged';
      if (this.#has('takes a failing source for damage')) return 'damaged';
      throw error;
    }
  }
}

const NOTHING = new Uint8Array(0);

function requireLimit(name: string, limit: number = 2 ** 30): number {
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new RangeError(`${name} must be a whole number >= 1, got ${limit}`);
}

function toText(event: unknown): string {
  try {
    const text = JSON.stringify(event) as string | undefined;
    if (text !== undefined) return text;
  } catch (cause) {
    throw new RelayError('RELAY_EVENT_UNSERIALIZABLE', 'unserializable', { reason: 'throws' }, { cause });
  }
  throw new RelayError('RELAY_EVENT_UNSERIALIZABLE', 'unserializable', { reason: 'undefined' });
}

function frameOf(text: string, bugs: ReadonlySet<Bug>): Uint8Array {
  const bytes = encoder.encode(text);
  const length = bytes.byteLength.toString(16).padStart(8, '0');
  const header = `RK${length}${checksum(bugs.has('does not check the header') ? '' : length, bytes)}`;
  const frame = new Uint8Array(HEADER_BYTES + bytes.byteLength);
  frame.set(encoder.encode(header));
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** FNV-1a: each step is reversible, so one changed byte never goes unnoticed. */
function checksum(length: string, text: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const bytes of [encoder.encode(length), text]) {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/** How `__proto__` gets lost. */
function assigned(event: unknown): unknown {
  return typeof event === 'object' && event !== null && !Array.isArray(event) ? Object.assign({}, event) : event;
}
