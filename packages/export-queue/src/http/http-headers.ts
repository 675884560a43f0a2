import type { SegmentInfo } from '@relaykit/types';

/** Header values by name. */
export type HttpHeaders = Readonly<Record<string, string>>;

/** `token` of RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u;

/** Tab and printable Latin-1: what RFC 9110, section 5.5, allows. CR and LF would let a value add headers of its own. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/u;

/** Set by the uploader: they frame the message, or are what makes a repeated upload recognisable. */
const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-digest',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'idempotency-key',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What `checkHeaders` refuses besides the headers of HTTP itself. */
export interface CheckHeadersOptions {
  /** Further names, in lower case, that are the uploader's own; those that end with `-` stand for all that begin so. */
  readonly reserved?: readonly string[];
}

/**
 * Lower-cases the names.
 *
 * @throws TypeError - naming the header, never its value, which may be a credential.
 */
export function checkHeaders(
  headers: HttpHeaders,
  { reserved = [] }: CheckHeadersOptions = {},
): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) throw new TypeError('headers must be an object of strings');
  const checked: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name)) throw new TypeError("headers must have names of letters, digits and !#$%&'*+-.^_`|~");
    const lowerCaseName = name.toLowerCase();
    const isReserved = RESERVED.has(lowerCaseName) || reserved.some((entry) => matches(lowerCaseName, entry));
    if (isReserved) throw new TypeError(`headers must not set ${lowerCaseName}; the uploader does`);
    checked[lowerCaseName] = checkValue(name, value);
  }
  return checked;
}

/**
 * What tells the receiver what it gets: type and coding of the bytes, their digest (RFC 9530), and how many events of
 * which writer they hold. With the spool's id, a receiver that has the key reads encrypted segments on its own.
 *
 * @throws TypeError - the metadata holds something that no header may hold.
 */
export function segmentHeaders({ metadata }: SegmentInfo, sizeBytes: number): Record<string, string> {
  const { format, spoolId, writerId, firstSequence, eventCount, keyId } = metadata;
  const headers: Record<string, string> = {
    'content-type': format.mediaType,
    'content-length': String(sizeBytes),
    'idempotency-key': metadata.id,
    'relay-format': format.name,
    'relay-spool-id': spoolId,
    'relay-writer-id': writerId,
    'relay-first-sequence': String(firstSequence),
    'relay-event-count': String(eventCount),
  };
  if (keyId !== undefined) headers['relay-key-id'] = keyId;
  if (format.contentEncoding !== undefined) headers['content-encoding'] = format.contentEncoding;
  if (/^[0-9a-f]{64}$/u.test(metadata.sha256)) headers['content-digest'] = `sha-256=:${hexToBase64(metadata.sha256)}:`;
  for (const [name, value] of Object.entries(headers)) checkValue(name, value);
  return headers;
}

/** Whether a header may hold it. */
export function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && VALUE.test(value);
}

function matches(name: string, reserved: string): boolean {
  return reserved.endsWith('-') ? name.startsWith(reserved) : name === reserved;
}

function checkValue(name: string, value: unknown): string {
  if (!isHeaderValue(value)) {
    throw new TypeError(`header ${name} must be printable Latin-1 on one line`);
  }
  return value;
}

export function hexToBase64(hex: string): string {
  return btoa(hex.replaceAll(/../gu, (pair) => String.fromCharCode(Number.parseInt(pair, 16))));
}
