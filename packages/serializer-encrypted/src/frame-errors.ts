import { type DamageReason, RelayError } from '@relaykit/types';

export function damaged(
  segmentId: string,
  positionBytes: number,
  reason: DamageReason = 'authentication',
  /** Of a frame whose header is whole, so that another key may be to blame. */
  keyId?: string,
): RelayError<'RELAY_SEGMENT_DAMAGED'> {
  const what =
    reason === 'authentication'
      ? `is not the frame that was written to this place, or ${keyId === undefined ? 'no frame of format version 1' : `the key ${keyId} has other bytes than the one that encrypted it`}`
      : 'is authentic, but holds no events of the inner format; read it with the serializer that wrote it';
  const message = `What stands at byte ${positionBytes} of encrypted segment ${segmentId} ${what}.`;
  return new RelayError('RELAY_SEGMENT_DAMAGED', message, { segmentId, positionBytes, reason });
}

export function truncated(segmentId: string, positionBytes: number): RelayError<'RELAY_SEGMENT_TRUNCATED'> {
  const message = `Sealed segment ${segmentId} ends at byte ${positionBytes} without its closing frame: it was cut off. The frames before are whole.`;
  return new RelayError('RELAY_SEGMENT_TRUNCATED', message, { segmentId, positionBytes });
}

export function keyMissing(segmentId: string, keyId: string): RelayError<'RELAY_KEY_MISSING'> {
  const message = `Segment ${segmentId} needs the key ${keyId}, which the key ring does not have, or no more; give it the key and read again.`;
  return new RelayError('RELAY_KEY_MISSING', message, { segmentId, keyId });
}

export function tooLarge(
  segmentId: string,
  positionBytes: number,
  maximum: number,
): RelayError<'RELAY_LIMIT_EXCEEDED'> {
  const message = `The frame at byte ${positionBytes} of segment ${segmentId} is larger than maxDecodedBytes, ${maximum}; raise it if you trust the file.`;
  return new RelayError('RELAY_LIMIT_EXCEEDED', message, { limit: 'maxDecodedBytes', maximum });
}
