import type { SegmentFormat, SegmentMetadata } from '@relaykit/types';
import { parseSegmentId } from './segment-id.ts';
import { isUsableExtension } from './spool-names.ts';

/** Version of the layout on disk that this package writes. A newer one is refused. */
export const FORMAT_VERSION = 1;

/** Metadata is a few hundred bytes; what is larger was not written by us. */
export const MAX_METADATA_BYTES: number = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** One JSON object, indented for people, with a final newline. */
export function encodeMetadata(metadata: SegmentMetadata): Uint8Array {
  return encoder.encode(`${JSON.stringify(metadata, undefined, 2)}\n`);
}

/**
 * Checks every member that anything here relies on. `undefined` for whatever is not metadata of this very segment: a
 * zero-byte file, a cut one, another segment's.
 */
export function decodeMetadata(bytes: Uint8Array, id: string): SegmentMetadata | undefined {
  if (bytes.byteLength > MAX_METADATA_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
  return isMetadata(value) && value.id === id && agreesWithName(value) ? value : undefined;
}

function agreesWithName(metadata: SegmentMetadata): boolean {
  const parts = parseSegmentId(metadata.id);
  return parts?.writerId === metadata.writerId && parts.firstSequence === metadata.firstSequence;
}

function isMetadata(value: unknown): value is SegmentMetadata {
  if (!isObject(value)) return false;
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

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
