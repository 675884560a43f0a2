import { RelayError, type UnserializableReason } from '@relaykit/types';

const explanations: Readonly<Record<UnserializableReason, string>> = {
  cycle: 'it refers to itself; break the cycle or give it a toJSON',
  bigint: 'it holds a BigInt; turn it into a string or a number',
  undefined: 'it is undefined, a function or a symbol; pass a value that JSON knows',
  throws: 'a getter or toJSON of it threw; see cause',
  syntax: 'it is not one line holding one JSON value in valid UTF-8',
  tooDeep: 'it is nested too deep; flatten it',
};

export function unserializable(
  reason: UnserializableReason,
  options?: ErrorOptions,
): RelayError<'RELAY_EVENT_UNSERIALIZABLE'> {
  const message = `Cannot encode this event: ${explanations[reason]}.`;
  return new RelayError('RELAY_EVENT_UNSERIALIZABLE', message, { reason }, options);
}

export function tooLarge(sizeBytes: number, maxEventBytes: number): RelayError<'RELAY_EVENT_TOO_LARGE'> {
  const message = `Cannot encode this event: it takes ${sizeBytes} bytes and maxEventBytes is ${maxEventBytes}.`;
  return new RelayError('RELAY_EVENT_TOO_LARGE', message, { sizeBytes, maxEventBytes });
}
