import { type EventSerializer, isRelayError, type LeasedSegment } from '@relaykit/types';
import { eventHeaders, headerBytes, type Message, type MessageHeaders } from './message-headers.ts';
import { StreamedSource } from './streamed-source.ts';
import { UnreadableSegmentError } from './unreadable-segment-error.ts';

export interface EventReaderOptions<TEvent> {
  readonly serializers: readonly EventSerializer<TEvent>[];
  readonly encodeEvent: (event: TEvent) => Uint8Array | string;
  /** Headers beside those of the event; they count against `maxMessageBytes`. */
  readonly extraHeaders: MessageHeaders;
  readonly maxMessageBytes: number;
}

/**
 * The messages of a segment in order. Nothing of the segment but the frame that is decoded is in memory.
 *
 * @throws UnreadableSegmentError - damaged, too many or too few events, an event that no message can hold, a format or a
 *   key that is not there; what `segment.stream()` throws.
 */
export async function* readEvents<TEvent>(
  segment: LeasedSegment,
  { serializers, encodeEvent, extraHeaders, maxMessageBytes }: EventReaderOptions<TEvent>,
): AsyncGenerator<Message, void, undefined> {
  const { info, sizeBytes } = segment;
  const { format, spoolId, eventCount } = info.metadata;
  const serializer = serializers.find((candidate) => candidate.format.name === format.name);
  if (serializer === undefined) {
    throw new UnreadableSegmentError('blocked', `has the format ${printable(format.name)}, which no serializer reads`);
  }
  await using source = new StreamedSource({ sizeBytes, stream: () => segment.stream() });
  const events = serializer.decode(source, { spoolId, segmentId: info.id, isSealed: true })[Symbol.asyncIterator]();
  let index = 0;
  try {
    for (;;) {
      const step = await nextOf(events, source);
      if (step.done) break;
      const payload = encoded(encodeEvent, step.value, index);
      const headers = [...eventHeaders(info, index), ...extraHeaders];
      const messageBytes = headerBytes(headers) + payload.byteLength;
      if (messageBytes > maxMessageBytes) {
        const what = `its event ${index} makes a message of ${messageBytes} bytes; the server takes ${maxMessageBytes}`;
        throw new UnreadableSegmentError('rejected', `does not fit: ${what}`);
      }
      index += 1;
      yield { payload, headers };
    }
  } finally {
    await events.return?.();
  }
  if (index !== eventCount) {
    throw new UnreadableSegmentError('rejected', `holds ${index} events where its metadata says ${eventCount}`);
  }
}

async function nextOf<TEvent>(
  events: AsyncIterator<TEvent>,
  source: StreamedSource,
): Promise<IteratorResult<TEvent, unknown>> {
  try {
    return await events.next();
  } catch (cause) {
    // The disk's trouble is not the segment's.
    if (source.failure !== undefined) throw source.failure.cause;
    if (isRelayError(cause, 'RELAY_KEY_MISSING')) {
      throw new UnreadableSegmentError('blocked', 'is encrypted with a key that the serializer does not have');
    }
    for (const code of ['RELAY_SEGMENT_DAMAGED', 'RELAY_SEGMENT_TRUNCATED', 'RELAY_LIMIT_EXCEEDED'] as const) {
      if (isRelayError(cause, code)) throw new UnreadableSegmentError('rejected', `cannot be decoded: ${code}`);
    }
    throw cause;
  }
}

function encoded<TEvent>(encode: (event: TEvent) => Uint8Array | string, event: TEvent, index: number): Uint8Array {
  let content: unknown;
  try {
    content = encode(event);
  } catch {
    // Its words may quote the event.
    throw new UnreadableSegmentError('rejected', `cannot be sent: encodeEvent failed for its event ${index}`);
  }
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return content;
  throw new UnreadableSegmentError('blocked', `cannot be sent: encodeEvent returned ${typeof content}`);
}

function printable(name: string): string {
  return /^[\x21-\x7e]{1,64}$/u.test(name) ? name : 'of an odd name';
}
