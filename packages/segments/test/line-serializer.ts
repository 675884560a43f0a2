import {
  type ByteSource,
  type DamagedRange,
  type EncodedFrame,
  type EventSerializer,
  type FrameContext,
  type FrameScan,
  type IntactRange,
  RelayError,
  type SegmentContext,
} from '@relaykit/types';

/** What the tests of this package store: a number is enough to tell events apart. */
export interface Numbered {
  readonly n: number;
}

export interface LineSerializerOptions {
  /** Defaults to `ndjson`. */
  readonly fileExtension?: string;
  /** Makes every scan end for want of this key. */
  readonly missingKeyId?: string;
  /** Only in a spool of this id do frames open; elsewhere the key `k1` opens none. */
  readonly boundTo?: string;
  /** Writes the frames of another segment anew, with their new place in them. */
  readonly reframes?: boolean;
}

/** The smallest honest format: a line is an event, whole with its line feed and where it parses. */
export class LineSerializer implements EventSerializer<Numbered> {
  readonly format: EventSerializer<Numbered>['format'];
  readonly reframe?: NonNullable<EventSerializer<Numbered>['reframe']>;
  /** Contexts of the scans, in order. */
  readonly scans: SegmentContext[] = [];
  readonly #missingKeyId: string | undefined;
  readonly #boundTo: string | undefined;

  constructor({ fileExtension = 'ndjson', missingKeyId, boundTo, reframes = false }: LineSerializerOptions = {}) {
    this.format = { name: 'jsonl', fileExtension, mediaType: 'application/x-ndjson' };
    this.#missingKeyId = missingKeyId;
    this.#boundTo = boundTo;
    if (reframes) this.reframe = reframe;
  }

  encode(events: readonly Numbered[]): EncodedFrame {
    return { bytes: linesOf(...events.map(({ n }) => n)), eventCount: events.length, rejected: [] };
  }

  async *decode(source: ByteSource, { segmentId, isSealed }: SegmentContext): AsyncGenerator<Numbered> {
    for (const { text, positionBytes } of await readLines(source)) {
      const event = parse(text);
      if (event !== undefined) {
        yield event;
        continue;
      }
      if (text.endsWith('\n')) {
        const facts = { segmentId, positionBytes, reason: 'syntax' } as const;
        throw new RelayError('RELAY_SEGMENT_DAMAGED', `damaged at ${positionBytes}`, facts);
      }
      if (isSealed) throw new RelayError('RELAY_SEGMENT_TRUNCATED', 'cut off', { segmentId, positionBytes });
    }
  }

  async scan(source: ByteSource, context: SegmentContext): Promise<FrameScan> {
    this.scans.push(context);
    if (this.#boundTo !== undefined && this.#boundTo !== context.spoolId) {
      return { intact: [], damaged: [], tornTailBytes: source.sizeBytes, eventCount: 0, unopenedKeyId: 'k1' };
    }
    const lines = await readLines(source);
    const intact: IntactRange[] = [];
    const damaged: DamagedRange[] = [];
    let end = 0;
    let eventCount = 0;
    for (const { text, positionBytes, lengthBytes } of lines) {
      if (parse(text) === undefined) continue;
      const last = intact.at(-1);
      if (last && positionBytes === end) {
        intact[intact.length - 1] = {
          ...last,
          lengthBytes: last.lengthBytes + lengthBytes,
          eventCount: last.eventCount + 1,
        };
      } else {
        if (positionBytes > end)
          damaged.push({ positionBytes: end, lengthBytes: positionBytes - end, reason: 'syntax' });
        intact.push({ positionBytes, lengthBytes, eventCount: 1, firstFrameIndex: intact.length, frameCount: 1 });
      }
      end = positionBytes + lengthBytes;
      eventCount += 1;
    }
    const missing = this.#missingKeyId === undefined ? {} : { missingKeyId: this.#missingKeyId };
    return { intact, damaged, tornTailBytes: source.sizeBytes - end, eventCount, ...missing };
  }
}

/** Each line becomes a frame that says where it stands. */
async function* reframe(
  source: ByteSource,
  { positionBytes, lengthBytes }: IntactRange,
  _from: SegmentContext,
  { segmentId, frameIndex }: FrameContext,
): AsyncGenerator<EncodedFrame> {
  const text = new TextDecoder().decode(await source.read(positionBytes, lengthBytes));
  for (const [index, line] of text.trimEnd().split('\n').entries()) {
    const event = { ...JSON.parse(line), segmentId, frameIndex: frameIndex + index };
    yield { bytes: new TextEncoder().encode(`${JSON.stringify(event)}\n`), eventCount: 1, rejected: [] };
  }
}

/** The lines of events with these numbers. */
export function linesOf(...numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(numbers.map((n) => `{"n":${n}}\n`).join(''));
}

function parse(text: string): Numbered | undefined {
  if (!text.endsWith('\n') || text.includes('\0')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readLines(source: ByteSource) {
  const text = Buffer.from(await source.read(0, source.sizeBytes)).toString('latin1');
  let positionBytes = 0;
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => {
    const found = { text: line, positionBytes, lengthBytes: line.length };
    positionBytes += line.length;
    return found;
  });
}
