import { hexToBase64 } from '@relaykit/export-queue/uploader-kit';
import type { SegmentInfo } from '@relaykit/types';

/** Metadata member of the object that holds the segment's SHA-256, in hexadecimal digits. */
export const SHA256_METADATA = 'x-amz-meta-relay-sha256';

/**
 * What the object is: type and coding of its bytes, the checksum that the store is to check and keep, and which events of
 * which writer it holds. `content-length` is not among them: it is not signed.
 *
 * @throws TypeError - the metadata holds something that no header may hold.
 */
export function segmentHeaders({ metadata }: SegmentInfo): Record<string, string> {
  const { format, sha256, id, spoolId, writerId, firstSequence, eventCount, keyId } = metadata;
  if (!/^[0-9a-f]{64}$/u.test(sha256)) throw new TypeError('its sha256 must be 64 lower-case hexadecimal digits');
  const headers: Record<string, string> = {
    'content-type': format.mediaType,
    ...(format.contentEncoding === undefined ? {} : { 'content-encoding': format.contentEncoding }),
    'x-amz-checksum-sha256': hexToBase64(sha256),
    [SHA256_METADATA]: sha256,
    'x-amz-meta-relay-segment-id': id,
    'x-amz-meta-relay-spool-id': spoolId,
    'x-amz-meta-relay-writer-id': writerId,
    'x-amz-meta-relay-first-sequence': String(firstSequence),
    'x-amz-meta-relay-event-count': String(eventCount),
    'x-amz-meta-relay-format': format.name,
    ...(keyId === undefined ? {} : { 'x-amz-meta-relay-key-id': keyId }),
  };
  for (const [name, value] of Object.entries(headers)) {
    if (!isSignable(value)) throw new TypeError(`header ${name} must be printable ASCII`);
  }
  return headers;
}

/** Other characters, and spaces at the ends, are sent in one way by one client and signed in another. */
export function isSignable(value: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/u.test(value);
}
