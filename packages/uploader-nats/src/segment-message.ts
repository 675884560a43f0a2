import { type LeasedSegment, RelayError } from '@relaykit/types';
import { headerBytes, type Message, type MessageHeaders } from './message-headers.ts';
import { UnreadableSegmentError } from './unreadable-segment-error.ts';

export interface SegmentMessageOptions {
  readonly headers: MessageHeaders;
  readonly maxMessageBytes: number;
}

/**
 * The one message that holds a whole segment. The protocol knows no parts of a message, so all of it is in memory.
 *
 * @throws UnreadableSegmentError - larger than the server takes; what `segment.stream()` throws.
 */
export async function* segmentMessage(
  segment: LeasedSegment,
  { headers, maxMessageBytes }: SegmentMessageOptions,
): AsyncGenerator<Message, void, undefined> {
  const { sizeBytes } = segment;
  const messageBytes = headerBytes(headers) + sizeBytes;
  if (messageBytes > maxMessageBytes) {
    // Not the segment's fault, but that of two settings: others as large, from every busy hour, would follow it.
    const what = `makes a message of ${messageBytes} bytes where the server takes ${maxMessageBytes}`;
    throw new UnreadableSegmentError(
      'blocked',
      `${what}; write smaller segments, raise max_payload, or use mode 'event'`,
    );
  }
  const payload = new Uint8Array(sizeBytes);
  let positionBytes = 0;
  for await (const piece of segment.stream()) {
    if (positionBytes + piece.byteLength > sizeBytes) throw changed(segment, positionBytes + piece.byteLength);
    payload.set(piece, positionBytes);
    positionBytes += piece.byteLength;
  }
  if (positionBytes !== sizeBytes) throw changed(segment, positionBytes);
  yield { payload, headers };
}

function changed({ info, sizeBytes }: LeasedSegment, positionBytes: number): unknown {
  const message = `Segment ${info.id} has ${positionBytes} bytes where ${sizeBytes} were announced; it is tried again.`;
  return new RelayError('RELAY_SEGMENT_TRUNCATED', message, { segmentId: info.id, positionBytes });
}
