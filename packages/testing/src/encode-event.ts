import { type RejectedEvent, RelayError, type UnserializableReason } from '@relaykit/types';

/** One event as a line of JSON, without its newline. */
export interface EncodedEvent {
  readonly json: string;
  /** UTF-8 bytes, the newline included. */
  readonly sizeBytes: number;
}

const encoder = new TextEncoder();

/** Encodes one event, or says why it has no representation. Never throws for what an event contains. */
export function encodeEvent(event: unknown, maxEventBytes: number): EncodedEvent | { readonly rejected: RelayError } {
  let json: string | undefined;
  try {
    json = JSON.stringify(event);
  } catch (cause) {
    return { rejected: unserializable(reasonOf(cause), cause) };
  }
  if (json === undefined) return { rejected: unserializable('undefined') };
  const sizeBytes = encoder.encode(json).byteLength + 1;
  if (sizeBytes > maxEventBytes) {
    const message = `The event takes ${sizeBytes} bytes, maxEventBytes allows ${maxEventBytes}; split it or raise the limit.`;
    return { rejected: new RelayError('RELAY_EVENT_TOO_LARGE', message, { sizeBytes, maxEventBytes }) };
  }
  return { json, sizeBytes };
}

/** Encodes events side by side: a rejected one keeps its index and does not harm its neighbours. */
export function encodeEvents(
  events: readonly unknown[],
  maxEventBytes: number,
): { readonly lines: string[]; readonly rejected: RejectedEvent[] } {
  const lines: string[] = [];
  const rejected: RejectedEvent[] = [];
  // Not `forEach`, which passes over the holes of a sparse array.
  for (const [index, event] of events.entries()) {
    const encoded = encodeEvent(event, maxEventBytes);
    if ('rejected' in encoded) rejected.push({ index, cause: encoded.rejected });
    else lines.push(encoded.json);
  }
  return { lines, rejected };
}

function unserializable(reason: UnserializableReason, cause?: unknown): RelayError {
  const message = `The event has no JSON representation (${reason}); pass plain data.`;
  return new RelayError('RELAY_EVENT_UNSERIALIZABLE', message, { reason }, { cause });
}

function reasonOf(cause: unknown): UnserializableReason {
  if (cause instanceof RangeError) return 'tooDeep';
  // Engines name the two cases in their message and nowhere else.
  if (cause instanceof TypeError && /circular|cyclic/iu.test(cause.message)) return 'cycle';
  if (cause instanceof TypeError && /bigint/iu.test(cause.message)) return 'bigint';
  return 'throws';
}
