/** RFC 9110, section 5.6.7: the one format to be sent. */
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/u;

/** What `parseRetryAfterMs` measures a date by. */
export interface RetryAfterContext {
  /** The `Date` of the same answer: a client with a wrong clock then still waits as long as it was asked to. */
  readonly date: string | undefined;
  readonly nowMs: number;
}

/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or an HTTP date. Not clamped to a maximum; past is 0.
 *
 * @returns Milliseconds; `undefined` where there is nothing that can be understood.
 */
export function parseRetryAfterMs(value: string | undefined, { date, nowMs }: RetryAfterContext): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/u.test(text)) return Number(text) * 1_000;
  const atMs = parseHttpDate(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - (parseHttpDate(date?.trim() ?? '') ?? nowMs));
}

/** Milliseconds since the epoch; `undefined` where it is no HTTP date. */
export function parseHttpDate(text: string): number | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : atMs;
}
