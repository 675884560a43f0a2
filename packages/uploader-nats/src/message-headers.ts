import type { SegmentInfo } from '@relaykit/types';

/** By this the stream knows a message again within its duplicate window. */
export const MESSAGE_ID_HEADER = 'Nats-Msg-Id';

/** Header names and values in order. */
export type MessageHeaders = readonly (readonly [name: string, value: string])[];

export interface Message {
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
}

/**
 * What a message with a whole segment says of it.
 *
 * @throws TypeError - the metadata holds something that no header may hold.
 */
export function segmentHeaders({ metadata }: SegmentInfo): MessageHeaders {
  const { format, keyId } = metadata;
  return checked([
    [MESSAGE_ID_HEADER, metadata.id],
    ['Content-Type', format.mediaType],
    ...(format.contentEncoding === undefined ? [] : [['Content-Encoding', format.contentEncoding] as const]),
    ...origin(metadata),
    ['Relay-First-Sequence', String(metadata.firstSequence)],
    ['Relay-Event-Count', String(metadata.eventCount)],
    ['Relay-Content-Sha256', metadata.sha256],
    ...(keyId === undefined ? [] : [['Relay-Key-Id', keyId] as const]),
  ]);
}

/**
 * What a message with one event says of it. Its sequence number counts among the events of its writer, so that a consumer
 * sees gaps and repetitions.
 *
 * @throws TypeError - the metadata holds something that no header may hold.
 */
export function eventHeaders({ metadata }: SegmentInfo, index: number): MessageHeaders {
  return checked([
    [MESSAGE_ID_HEADER, `${metadata.id}:${index}`],
    ...origin(metadata),
    ['Relay-Segment-Id', metadata.id],
    ['Relay-Sequence', String(metadata.firstSequence + index)],
  ]);
}

/** As the protocol writes them: `NATS/1.0`, a line each, an empty line. They count against the server's `max_payload`. */
export function headerBytes(headers: MessageHeaders): number {
  const lines = headers.reduce((sum, [name, value]) => sum + name.length + value.length + ': \r\n'.length, 0);
  return 'NATS/1.0\r\n'.length + lines + '\r\n'.length;
}

function origin({ format, spoolId, writerId }: SegmentInfo['metadata']): MessageHeaders {
  return [
    ['Relay-Format', format.name],
    ['Relay-Spool-Id', spoolId],
    ['Relay-Writer-Id', writerId],
  ];
}

function checked(headers: MessageHeaders): MessageHeaders {
  for (const [name, value] of headers) {
    // A line break would begin another header.
    if (!/^[\x20-\x7e]+$/u.test(value)) throw new TypeError(`header ${name} must be printable ASCII`);
  }
  return headers;
}
