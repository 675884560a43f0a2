import type {
  ByteSource,
  EncodedFrame,
  EventSerializer,
  FrameScan,
  IntactRange,
  SegmentContext,
  SegmentFormat,
} from '@relaykit/types';
import { RelayError } from '@relaykit/types';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * JSON Lines as plainly as they can be written down, whole files in memory. The storage asks nothing of a format but
 * this contract, so its tests need no other package.
 */
export class JsonLines implements EventSerializer<unknown> {
  readonly format: SegmentFormat = { name: 'jsonl', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' };

  encode(events: readonly unknown[]): EncodedFrame {
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    return { bytes: encoder.encode(text), eventCount: events.length, rejected: [] };
  }

  async *decode(source: ByteSource, { segmentId, isSealed }: SegmentContext): AsyncIterable<unknown> {
    for (const { bytes, positionBytes, event } of linesOf(await source.read(0, source.sizeBytes))) {
      if (event !== undefined) yield event.value;
      else if (bytes.at(-1) === 0x0a) {
        const facts = { segmentId, positionBytes, reason: 'syntax' } as const;
        throw new RelayError('RELAY_SEGMENT_DAMAGED', `Segment ${segmentId} is damaged.`, facts);
      } else if (isSealed) {
        throw new RelayError('RELAY_SEGMENT_TRUNCATED', `Segment ${segmentId} is cut.`, { segmentId, positionBytes });
      }
    }
  }

  async scan(source: ByteSource): Promise<FrameScan> {
    const intact: IntactRange[] = [];
    let endBytes = 0;
    const damaged: FrameScan['damaged'][number][] = [];
    for (const { bytes, positionBytes, event } of linesOf(await source.read(0, source.sizeBytes))) {
      if (event === undefined) continue;
      const last = intact.at(-1);
      if (last && endBytes === positionBytes) {
        const lengthBytes = last.lengthBytes + bytes.byteLength;
        intact[intact.length - 1] = { ...last, lengthBytes, eventCount: last.eventCount + 1 };
      } else {
        if (positionBytes > endBytes) {
          damaged.push({ positionBytes: endBytes, lengthBytes: positionBytes - endBytes, reason: 'syntax' });
        }
        const place = { positionBytes, lengthBytes: bytes.byteLength };
        intact.push({ ...place, eventCount: 1, firstFrameIndex: intact.length, frameCount: 1 });
      }
      endBytes = positionBytes + bytes.byteLength;
    }
    const eventCount = intact.reduce((sum, range) => sum + range.eventCount, 0);
    return { intact, damaged, tornTailBytes: source.sizeBytes - endBytes, eventCount };
  }
}

interface Line {
  readonly positionBytes: number;
  /** With its line feed, where it has one. */
  readonly bytes: Uint8Array;
  /** `undefined` where the line is no whole event. */
  readonly event: { readonly value: unknown } | undefined;
}

function* linesOf(bytes: Uint8Array): Generator<Line> {
  for (let positionBytes = 0; positionBytes < bytes.byteLength; ) {
    const lineFeed = bytes.indexOf(0x0a, positionBytes);
    const line = bytes.subarray(positionBytes, lineFeed === -1 ? bytes.byteLength : lineFeed + 1);
    yield { positionBytes, bytes: line, event: lineFeed === -1 ? undefined : parse(line) };
    positionBytes += line.byteLength;
  }
}

function parse(line: Uint8Array): Line['event'] {
  try {
    return { value: JSON.parse(decoder.decode(line)) };
  } catch {
    return undefined;
  }
}
