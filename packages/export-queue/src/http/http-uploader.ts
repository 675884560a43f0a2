import { systemClock } from '@relaykit/segments';
import { type Clock, type LeasedSegment, RelayError, type SegmentUploader, type UploadResult } from '@relaykit/types';
import { checkMethods, checkWholeNumber } from '../check.ts';
import { describeCause, systemCodeOf } from '../describe-cause.ts';
import { untilAborted } from '../until-aborted.ts';
import { checkUrl } from './check-url.ts';
import { ExchangeDeadline } from './exchange-deadline.ts';
import { checkHeaders, type HttpHeaders, segmentHeaders } from './http-headers.ts';
import { checkStatusTable, type HttpStatusTable, meaningOf } from './http-status-table.ts';
import type { HttpResponse, HttpTransport } from './http-transport.ts';
import { nodeTransport, type TlsOptions } from './node-transport.ts';
import { parseRetryAfterMs } from './retry-after.ts';
import { isTlsFailure } from './tls-failure.ts';

/** Longer than load balancers usually wait, so that it is they who say what is wrong. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** A poor mobile uplink. A receiver that takes less than this is stalling; a connection that offers less cannot keep up. */
export const DEFAULT_MIN_BYTES_PER_SECOND = 16_384;

/** As much of an answer is read as lets the connection be used again; beyond it the connection is dropped. */
export const MAX_RESPONSE_BYTES = 65_536;

/** The status is all that counts, so the rest of an answer gets little time. */
export const MAX_RESPONSE_BODY_WAIT_MS = 1_000;

/** Names a request at most receivers and gateways. */
export const DEFAULT_RECEIPT_HEADER = 'x-request-id';

/** Kept in the ledger; more than any request id. */
export const MAX_RECEIPT_CHARS = 200;

export interface HttpUploaderOptions {
  /** Where segments go. https, unless the host is loopback. Credentials belong in `headers`. */
  readonly url: string | URL;
  /** Defaults to `POST`. */
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  /** Sent with every request; a function is asked before each, so that a token can be fresh. Defaults to none. */
  readonly headers?: HttpHeaders | (() => HttpHeaders | Promise<HttpHeaders>);
  /**
   * Longest time without progress: for `headers`, for each piece of the body to be taken, for the answer once all is
   * sent. Defaults to `DEFAULT_TIMEOUT_MS`, 30 s.
   */
  readonly timeoutMs?: number;
  /**
   * Slowest rate: an exchange may take `timeoutMs` and the time its bytes take at this rate, not more. Waiting for our
   * own disk or bandwidth limit does not count. Defaults to `DEFAULT_MIN_BYTES_PER_SECOND`, 16 KiB/s.
   */
  readonly minBytesPerSecond?: number;
  /** Laid over `DEFAULT_STATUS_TABLE`: `{ '404': 'retry' }`. */
  readonly statusTable?: HttpStatusTable;
  /** The answer's header that is kept in the ledger as receipt. Defaults to `DEFAULT_RECEIPT_HEADER`, `x-request-id`. */
  readonly receiptHeader?: string;
  /** Allows http to hosts that are not loopback. Everybody on the way can then read the events. Defaults to `false`. */
  readonly allowInsecureHttp?: boolean;
  /** Certificates and keys for the default transport. */
  readonly tls?: TlsOptions;
  /** Defaults to `nodeTransport({ tls })`. `fetchTransport(fetch)` sends through a `fetch`. */
  readonly transport?: HttpTransport;
  readonly clock?: Clock;
}

/**
 * Sends each segment as the body of one request, as the bytes it has on disk: streamed, with its exact length, its type
 * and coding, its digest, and its id as `Idempotency-Key`. Redirects are never followed.
 */
export class HttpUploader implements SegmentUploader {
  readonly #url: URL;
  readonly #method: string;
  readonly #headers: () => HttpHeaders | Promise<HttpHeaders>;
  readonly #timeoutMs: number;
  readonly #minBytesPerSecond: number;
  readonly #statusTable: HttpStatusTable;
  readonly #receiptHeader: string;
  readonly #transport: HttpTransport;
  readonly #clock: Clock;
  #isClosed = false;

  /** @throws TypeError, RangeError - an option breaks its rule; the message names it and never holds a credential. */
  constructor(options: HttpUploaderOptions) {
    const { headers = {}, method = 'POST', transport, tls } = options;
    if (!['POST', 'PUT', 'PATCH'].includes(method))
      throw new TypeError(`method must be POST, PUT or PATCH, got ${method}`);
    if (transport !== undefined && tls !== undefined) throw new TypeError('tls must not stand beside transport');
    this.#url = checkUrl(options.url, { allowInsecureHttp: options.allowInsecureHttp ?? false });
    this.#method = method;
    this.#headers = typeof headers === 'function' ? headers : fixed(checkHeaders(headers));
    this.#timeoutMs = checkWholeNumber('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1);
    const minBytesPerSecond = options.minBytesPerSecond ?? DEFAULT_MIN_BYTES_PER_SECOND;
    this.#minBytesPerSecond = checkWholeNumber('minBytesPerSecond', minBytesPerSecond, 1);
    this.#statusTable = checkStatusTable(options.statusTable ?? {});
    this.#receiptHeader = (options.receiptHeader ?? DEFAULT_RECEIPT_HEADER).toLowerCase();
    this.#transport =
      transport === undefined
        ? nodeTransport(tls === undefined ? {} : { tls })
        : checkMethods('transport', transport, ['send', 'close']);
    this.#clock = options.clock ?? systemClock();
  }

  /**
   * Never rejects for what the receiver or the network does. Causes are `RELAY_UPLOAD_FAILED` and hold neither header
   * values nor the address beyond its origin.
   *
   * @throws RelayError `RELAY_CLOSED`; what `segment.stream()` throws; the signal's reason when aborted.
   */
  async upload(segment: LeasedSegment, { signal }: { readonly signal: AbortSignal }): Promise<UploadResult> {
    if (this.#isClosed) {
      throw new RelayError('RELAY_CLOSED', 'Cannot upload: the uploader is closed; make a new one.', {
        operation: 'upload',
      });
    }
    signal.throwIfAborted();
    const exchange = new AbortController();
    const onAbort = (): void => exchange.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const deadline = new ExchangeDeadline({
      clock: this.#clock,
      timeoutMs: this.#timeoutMs,
      totalMs: this.#timeoutMs + (segment.sizeBytes / this.#minBytesPerSecond) * 1_000,
      onExceeded: () => exchange.abort(this.#failure(segment, 'took too long', { systemCode: 'ETIMEDOUT' })),
    });
    try {
      return await this.#exchange(segment, deadline, exchange, signal);
    } finally {
      deadline.end();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends idle connections, so that none keeps the process alive. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#transport.close();
  }

  async #exchange(
    segment: LeasedSegment,
    deadline: ExchangeDeadline,
    exchange: AbortController,
    signal: AbortSignal,
  ): Promise<UploadResult> {
    const sent = { bytes: 0, failure: undefined as { readonly cause: unknown } | undefined };
    let response: HttpResponse;
    try {
      const headers = await this.#requestHeaders(segment, exchange.signal);
      if ('status' in headers) return headers;
      const body = deadline.watch(watchBody(segment.stream(), sent));
      const request = { method: this.#method, url: this.#url, headers: headers.values, body, signal: exchange.signal };
      response = await untilAborted(this.#transport.send(request), exchange.signal);
    } catch (cause) {
      signal.throwIfAborted();
      // Our own disk's trouble is not the receiver's.
      if (sent.failure !== undefined) throw sent.failure.cause;
      return this.#networkFailure(segment, exchange.signal.aborted ? exchange.signal.reason : cause);
    }
    deadline.end();
    const isSent = sent.bytes === segment.sizeBytes;
    await this.#discardBody(response, exchange);
    return this.#judge(segment, response, isSent);
  }

  /** The headers of one request, or why there are none. */
  async #requestHeaders(
    segment: LeasedSegment,
    signal: AbortSignal,
  ): Promise<{ readonly values: Record<string, string> } | UploadResult> {
    let own: HttpHeaders;
    try {
      own = await untilAborted(Promise.resolve(this.#headers()), signal);
    } catch (cause) {
      if (signal.aborted) throw cause;
      // Its text stays out: it comes from whatever hands out credentials.
      const failure = this.#failure(segment, `has no headers: headers() failed with ${describeCause(cause)}`, {});
      return { status: 'retry', cause: failure };
    }
    try {
      own = checkHeaders(own);
    } catch (cause) {
      return { status: 'blocked', cause: this.#failure(segment, `has no headers: ${messageOf(cause)}`, {}) };
    }
    try {
      const values = { 'user-agent': 'relaykit', ...segmentHeaders(segment.info, segment.sizeBytes), ...own };
      return { values };
    } catch (cause) {
      return { status: 'rejected', cause: this.#failure(segment, `cannot be described: ${messageOf(cause)}`, {}) };
    }
  }

  #judge(segment: LeasedSegment, response: HttpResponse, isSent: boolean): UploadResult {
    const { status } = response;
    const meaning = meaningOf(this.#statusTable, status);
    if (meaning === 'accepted') {
      // Whoever thanks for something unseen has not got it.
      if (isSent) return { status: 'accepted', ...receiptOf(response.header(this.#receiptHeader)) };
      return {
        status: 'retry',
        cause: this.#failure(segment, `was answered with ${status} before it was sent`, { status }),
      };
    }
    const cause = this.#failure(segment, `was answered with ${status}`, { status });
    if (meaning === 'rejected' || meaning === 'blocked') return { status: meaning, cause };
    const context = { date: response.header('date'), nowMs: this.#clock.now() };
    const retryAfterMs = parseRetryAfterMs(response.header('retry-after'), context);
    return {
      status: 'retry',
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(meaning === 'retryPausing' ? { pausesDestination: true } : {}),
    };
  }

  #networkFailure(segment: LeasedSegment, cause: unknown): UploadResult {
    // Our own time limit.
    if (cause instanceof RelayError) return { status: 'retry', cause };
    const systemCode = systemCodeOf(cause);
    // The error itself stays out: a parser's holds the bytes of the answer, a foreign transport's anything.
    const failure = this.#failure(segment, `failed with ${describeCause(cause)}`, { systemCode });
    return { status: isTlsFailure(systemCode) ? 'blocked' : 'retry', cause: failure };
  }

  /** Reads the rest of an answer, so that the connection can be used again, or drops it. Never rejects. */
  async #discardBody({ body }: HttpResponse, exchange: AbortController): Promise<void> {
    const drop = (): void => exchange.abort();
    const timer = this.#clock.setTimer(MAX_RESPONSE_BODY_WAIT_MS, drop, { keepsProcessAlive: true });
    const pieces = body[Symbol.asyncIterator]();
    try {
      for (let readBytes = 0; readBytes <= MAX_RESPONSE_BYTES; ) {
        const step = await untilAborted(pieces.next(), exchange.signal);
        if (step.done) return;
        readBytes += step.value.byteLength;
      }
      drop();
    } catch {
      // The status came; what becomes of the rest changes nothing.
      drop();
    } finally {
      timer.cancel();
    }
  }

  #failure(
    { info }: LeasedSegment,
    what: string,
    { status, systemCode }: { readonly status?: number | undefined; readonly systemCode?: string | undefined },
  ): RelayError<'RELAY_UPLOAD_FAILED'> {
    const message = `Upload of ${info.id} to ${this.#url.origin} ${what}.`;
    return new RelayError('RELAY_UPLOAD_FAILED', message, { segmentId: info.id, status, systemCode });
  }
}

function fixed(headers: HttpHeaders): () => HttpHeaders {
  return () => headers;
}

/** Notes how much was handed over and what the body threw: a transport may throw an error of its own instead. */
async function* watchBody(
  body: AsyncIterable<Uint8Array>,
  sent: { bytes: number; failure: { readonly cause: unknown } | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of body) {
      sent.bytes += piece.byteLength;
      yield piece;
    }
  } catch (cause) {
    sent.failure = { cause };
    throw cause;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof TypeError ? cause.message : describeCause(cause);
}

/** A server's words: bounded and printable, or left out. */
function receiptOf(value: string | undefined): { readonly receipt?: string } {
  return value !== undefined && /^[\x21-\x7e]+$/u.test(value) && value.length <= MAX_RECEIPT_CHARS
    ? { receipt: value }
    : {};
}
