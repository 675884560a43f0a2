import { type DamageReason, isRelayError } from '@relaykit/types';

/** Damage that a scan did not see, in bytes that it took for whole. */
export interface Undecodable {
  readonly positionBytes: number;
  readonly reason: DamageReason;
  /** Where reading can go on: behind the frame where it is known, and behind everything else. */
  readonly nextBytes: number;
}

/**
 * What an error of `EventSerializer.decode` says of a source of `sizeBytes`; `undefined` where its bytes are not to blame.
 * Headers vouch for what they say, not for what a frame holds: checksums that fit can be made by whoever places a file.
 */
export function undecodable(error: unknown, sizeBytes: number): Undecodable | undefined {
  if (isRelayError(error, 'RELAY_SEGMENT_DAMAGED')) {
    const { positionBytes, lengthBytes, reason } = error.facts;
    const nextBytes = lengthBytes === undefined ? sizeBytes : Math.max(1, positionBytes + lengthBytes);
    return { positionBytes, reason, nextBytes };
  }
  if (isRelayError(error, 'RELAY_SEGMENT_TRUNCATED')) {
    return { positionBytes: error.facts.positionBytes, reason: 'syntax', nextBytes: sizeBytes };
  }
  if (isRelayError(error, 'RELAY_LIMIT_EXCEEDED')) return { positionBytes: 0, reason: 'syntax', nextBytes: sizeBytes };
  return undefined;
}
