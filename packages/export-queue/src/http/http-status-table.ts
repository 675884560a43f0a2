/**
 * What a status means for a segment: see `UploadResult`. `retryPausing` also holds back the other segments, for as long
 * as `Retry-After` says.
 */
export type HttpStatusMeaning = 'accepted' | 'retry' | 'retryPausing' | 'rejected' | 'blocked';

/** A status such as `404`, or a class such as `4xx`. A status stands before its class. */
export type HttpStatusTable = Readonly<Record<string, HttpStatusMeaning>>;

/**
 * - Rejected is what speaks of this segment's bytes. Every other 4xx counts as that too: one odd segment must not stop
 *   the queue, and ten in a row do.
 * - Blocked is what speaks of address or credentials: going on would send everything to the wrong place.
 * - 409 is what a receiver says that is still busy with the same idempotency key
 *   (draft-ietf-httpapi-idempotency-key-header); 423, 424 and 425 (RFC 4918, RFC 8470) pass as well.
 */
export const DEFAULT_STATUS_TABLE: HttpStatusTable = Object.freeze({
  '2xx': 'accepted',
  '3xx': 'blocked',
  '4xx': 'rejected',
  '5xx': 'retry',
  '401': 'blocked',
  '402': 'blocked',
  '403': 'blocked',
  '404': 'blocked',
  '405': 'blocked',
  '407': 'blocked',
  '408': 'retry',
  '409': 'retry',
  '410': 'blocked',
  '411': 'blocked',
  '421': 'blocked',
  '423': 'retry',
  '424': 'retry',
  '425': 'retry',
  '426': 'blocked',
  '428': 'blocked',
  '429': 'retryPausing',
  '431': 'blocked',
  '451': 'blocked',
  '503': 'retryPausing',
});

const MEANINGS: readonly string[] = ['accepted', 'retry', 'retryPausing', 'rejected', 'blocked'];

/** @throws TypeError - a key is no status or class, or a value no meaning. */
export function checkStatusTable(table: HttpStatusTable): HttpStatusTable {
  for (const [status, meaning] of Object.entries(table)) {
    if (!/^[1-5](?:xx|[0-9][0-9])$/u.test(status)) {
      throw new TypeError(`statusTable must have keys such as '404' or '4xx', got '${status}'`);
    }
    if (!MEANINGS.includes(meaning)) {
      throw new TypeError(`statusTable['${status}'] must be one of ${MEANINGS.join(', ')}, got ${String(meaning)}`);
    }
  }
  return { ...DEFAULT_STATUS_TABLE, ...table };
}

/** What nobody defined is tried again: nothing is deleted or set aside on an answer that nobody understands. */
export function meaningOf(table: HttpStatusTable, status: number): HttpStatusMeaning {
  return table[String(status)] ?? table[`${Math.floor(status / 100)}xx`] ?? 'retry';
}
