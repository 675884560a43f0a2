/**
 * What an error of the store means for a segment: see `UploadResult`.
 *
 * - `retryPausing` also holds back the other segments, for as long as `Retry-After` says.
 * - `retryRenewed` speaks of the signature's time or token: asked once more at once, with the credentials asked for anew
 *   and the store's clock; blocks where that does not help.
 */
export type S3ErrorMeaning = 'retry' | 'retryPausing' | 'retryRenewed' | 'rejected' | 'blocked';

/** By the store's error code, such as `SlowDown`, by status, such as `507`, or by class, such as `4xx`. */
export type S3ErrorTable = Readonly<Record<string, S3ErrorMeaning>>;

/**
 * A store looks at names, rights and lengths and never at events, so an error that nobody listed speaks of the address,
 * the rights or the settings, which all segments share: it blocks. Only what speaks of this one object rejects.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export const DEFAULT_S3_ERROR_TABLE: S3ErrorTable = Object.freeze({
  '3xx': 'blocked',
  '4xx': 'blocked',
  '5xx': 'retry',
  '408': 'retry',
  '409': 'retry',
  '425': 'retry',
  '429': 'retryPausing',
  '503': 'retryPausing',
  // The store, or our part of it, is busy.
  SlowDown: 'retryPausing',
  SlowDownRead: 'retryPausing',
  SlowDownWrite: 'retryPausing',
  ServiceUnavailable: 'retryPausing',
  Busy: 'retryPausing',
  Throttling: 'retryPausing',
  ThrottlingException: 'retryPausing',
  RequestLimitExceeded: 'retryPausing',
  TooManyRequests: 'retryPausing',
  'KMS.ThrottlingException': 'retryPausing',
  // The way there. The bytes were checked before they were sent, so what arrived otherwise was changed on the way.
  RequestTimeout: 'retry',
  IncompleteBody: 'retry',
  BadDigest: 'retry',
  XAmzContentSHA256Mismatch: 'retry',
  XAmzContentChecksumMismatch: 'retry',
  InternalError: 'retry',
  OperationAborted: 'retry',
  ConditionalRequestConflict: 'retry',
  // 307 while the name of a new bucket spreads; the redirect is not followed.
  TemporaryRedirect: 'retry',
  // Time and token.
  RequestTimeTooSkewed: 'retryRenewed',
  RequestExpired: 'retryRenewed',
  ExpiredToken: 'retryRenewed',
  ExpiredTokenException: 'retryRenewed',
  TokenRefreshRequired: 'retryRenewed',
  // This object.
  EntityTooLarge: 'rejected',
  EntityTooSmall: 'rejected',
  KeyTooLongError: 'rejected',
  KeyTooLong: 'rejected',
  MetadataTooLarge: 'rejected',
  '413': 'rejected',
});

const MEANINGS: readonly string[] = ['retry', 'retryPausing', 'retryRenewed', 'rejected', 'blocked'];

/** @throws TypeError - a key is no code, status or class, or a value no meaning. */
export function checkErrorTable(table: S3ErrorTable): S3ErrorTable {
  for (const [key, meaning] of Object.entries(table)) {
    if (!/^(?:[3-5](?:xx|\d\d)|[A-Za-z][A-Za-z0-9.]{2,63})$/u.test(key)) {
      throw new TypeError(`errorTable must have keys such as 'SlowDown', '507' or '4xx', got '${key}'`);
    }
    if (!MEANINGS.includes(meaning)) {
      throw new TypeError(`errorTable['${key}'] must be one of ${MEANINGS.join(', ')}, got ${String(meaning)}`);
    }
  }
  return { ...DEFAULT_S3_ERROR_TABLE, ...table };
}

/** A code stands before its status, a status before its class; what nobody defined is tried again. */
export function meaningOf(table: S3ErrorTable, status: number, code: string | undefined): S3ErrorMeaning {
  const keys = [...(code === undefined ? [] : [code]), String(status), `${Math.floor(status / 100)}xx`];
  const key = keys.find((entry) => Object.hasOwn(table, entry));
  return (key === undefined ? undefined : table[key]) ?? 'retry';
}

/**
 * The code in the body of an error: `<Error><Code>SlowDown</Code>…`. Nothing else of the body is looked at; messages
 * quote what was sent, keys included.
 */
export function errorCodeOf(body: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(body.subarray(0, 4_096));
  return /<Error\b[^>]*>.*?<Code>\s*([A-Za-z][A-Za-z0-9.]{2,63})\s*<\/Code>/su.exec(text)?.[1];
}
