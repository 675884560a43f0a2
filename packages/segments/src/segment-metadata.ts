import type { SegmentFormat, SegmentMetadata } from '@relaykit/types';
import { isCount } from './is-count.ts';
import { parseSegmentId } from './segment-id.ts';
import { sha256 } from './sha256.ts';
import { isUsableExtension } from './spool-names.ts';

/** Version of the layout on disk that this package writes. A newer one is refused. */
export const FORMAT_VERSION = 1;

/** Metadata is a few hundred bytes; what is larger was not written by us. */
export const MAX_METADATA_BYTES: number = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What stands between the members that the checksum is of, and the checksum. */
const BEFORE_CHECKSUM = ',\n  "checksum": "';

/**
 * One JSON object, indented for people, with a final newline. Its last member, `checksum`, is the SHA-256 of all that
 * stands in front of the comma before it: one letter changed in a name or a number would strand the segment otherwise,
 * or give false accounts of it.
 */
export function encodeMetadata(metadata: SegmentMetadata): Uint8Array {
  const members = JSON.stringify(metadata, undefined, 2).slice(0, -'\n}'.length);
  return encoder.encode(`${members}${BEFORE_CHECKSUM}${checksumOf(members)}"\n}\n`);
}

/**
 * Checks every member that anything here relies on, and the checksum where there is one, which is left out. `undefined`
 * for whatever is not metadata of this very segment: a zero-byte file, a cut one, one with a changed letter, another
 * segment's.
 */
export function decodeMetadata(bytes: Uint8Array, id: string): SegmentMetadata | undefined {
  if (bytes.byteLength > MAX_METADATA_BYTES) return undefined;
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { checksum, ...metadata } = value;
  // What was written before there were checksums has none.
  if (checksum !== undefined && checksum !== checksumIn(text)) return undefined;
  return isMetadata(metadata) && metadata.id === id && agreesWithName(metadata) ? metadata : undefined;
}

/** What the checksum of this text has to be. */
function checksumIn(text: string): string | undefined {
  const end = text.lastIndexOf(BEFORE_CHECKSUM);
  return end === -1 ? undefined : checksumOf(text.slice(0, end));
}

function checksumOf(members: string): string {
  const hash = sha256();
  hash.update(encoder.encode(members));
  return hash.digestHex();
}

function agreesWithName(metadata: SegmentMetadata): boolean {
  const parts = parseSegmentId(metadata.id);
  return parts?.writerId === metadata.writerId && parts.firstSequence === metadata.firstSequence;
}

function isMetadata(value: Readonly<Record<string, unknown>>): value is SegmentMetadata & typeof value {
  return (
    value.formatVersion === FORMAT_VERSION &&
    areStrings(value.id, value.spoolId, value.writerId, value.createdAt, value.sealedAt, value.sealReason) &&
    isCount(value.firstSequence) &&
    isCount(value.eventCount) &&
    isCount(value.bytes) &&
    typeof value.sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(value.sha256) &&
    typeof value.exportReady === 'boolean' &&
    isOptionalString(value.heldReason) &&
    isOptionalId(value.supersedes) &&
    isOptionalId(value.continuedIn) &&
    isOptionalString(value.keyId) &&
    isFormat(value.format)
  );
}

function isFormat(value: unknown): value is SegmentFormat {
  return (
    isObject(value) &&
    areStrings(value.name, value.fileExtension, value.mediaType) &&
    isOptionalString(value.contentEncoding) &&
    isUsableExtension(String(value.fileExtension))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areStrings(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

/** Ids become file names; anything else in their place would name a path. */
function isOptionalId(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && parseSegmentId(value) !== undefined);
}
