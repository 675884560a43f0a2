import { systemClock } from '@relaykit/segments';
import { type Clock, type LeasedSegment, RelayError, type SegmentUploader, type UploadResult } from '@relaykit/types';
import { checkMethods, checkWholeNumber } from '../check.ts';
import { describeCause } from '../describe-cause.ts';
import { checkUrl } from './check-url.ts';
import { type HttpAnswer, HttpExchanges, type PreparedRequest } from './http-exchange.ts';
import { checkHeaders, type HttpHeaders, segmentHeaders } from './http-headers.ts';
import { checkStatusTable, type HttpStatusTable, meaningOf } from './http-status-table.ts';
import type { HttpTransport } from './http-transport.ts';
import { nodeTransport, type TlsOptions } from './node-transport.ts';
import { receiptOf } from './receipt.ts';
import { parseRetryAfterMs } from './retry-after.ts';

/** Longer than load balancers usually wait, so that it is they who say what is wrong. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** A poor mobile uplink. A receiver that takes less than this is stalling; a connection that offers less cannot keep up. */
export const DEFAULT_MIN_BYTES_PER_SECOND = 16_384;

/** Names a request at most receivers and gateways. */
export const DEFAULT_RECEIPT_HEADER = 'x-request-id';

/** What an `HttpUploader` is made with; only `url` is needed. */
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
  readonly #statusTable: HttpStatusTable;
  readonly #receiptHeader: string;
  readonly #transport: HttpTransport;
  readonly #clock: Clock;
  readonly #exchanges: HttpExchanges;
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
    const { timeoutMs = DEFAULT_TIMEOUT_MS, minBytesPerSecond = DEFAULT_MIN_BYTES_PER_SECOND } = options;
    this.#statusTable = checkStatusTable(options.statusTable ?? {});
    this.#receiptHeader = (options.receiptHeader ?? DEFAULT_RECEIPT_HEADER).toLowerCase();
    this.#transport =
      transport === undefined
        ? nodeTransport(tls === undefined ? {} : { tls })
        : checkMethods('transport', transport, ['send', 'close']);
    this.#clock = options.clock ?? systemClock();
    this.#exchanges = new HttpExchanges({
      transport: this.#transport,
      clock: this.#clock,
      origin: this.#url.origin,
      timeoutMs: checkWholeNumber('timeoutMs', timeoutMs, 1),
      minBytesPerSecond: checkWholeNumber('minBytesPerSecond', minBytesPerSecond, 1),
    });
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
    const prepare = (): Promise<PreparedRequest | UploadResult> => this.#prepare(segment);
    const answer = await this.#exchanges.send(segment, { prepare, signal });
    return 'isSent' in answer ? this.#judge(segment, answer) : answer;
  }

  /** Ends idle connections, so that none keeps the process alive. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#transport.close();
  }

  /** One request, or why there is none. */
  async #prepare(segment: LeasedSegment): Promise<PreparedRequest | UploadResult> {
    let own: HttpHeaders;
    try {
      own = await this.#headers();
    } catch (cause) {
      // Its text stays out: it comes from whatever hands out credentials.
      const failure = this.#exchanges.failure(segment, `has no headers: headers() failed with ${describeCause(cause)}`);
      return { status: isMissingName(cause) ? 'blocked' : 'retry', cause: failure };
    }
    try {
      own = checkHeaders(own);
    } catch (cause) {
      return { status: 'blocked', cause: this.#exchanges.failure(segment, `has no headers: ${messageOf(cause)}`) };
    }
    try {
      const headers = { 'user-agent': 'relaykit', ...segmentHeaders(segment.info, segment.sizeBytes), ...own };
      return { method: this.#method, url: this.#url, headers };
    } catch (cause) {
      return {
        status: 'rejected',
        cause: this.#exchanges.failure(segment, `cannot be described: ${messageOf(cause)}`),
      };
    }
  }

  #judge(segment: LeasedSegment, answer: HttpAnswer): UploadResult {
    const { status, isSent } = answer;
    const meaning = meaningOf(this.#statusTable, status);
    if (meaning === 'accepted') {
      // Whoever thanks for something unseen has not got it.
      if (isSent) return { status: 'accepted', ...receiptOf(answer.header(this.#receiptHeader)) };
      return {
        status: 'retry',
        cause: this.#exchanges.failure(segment, `was answered with ${status} before it was sent`, { status }),
      };
    }
    const cause = this.#exchanges.failure(segment, `was answered with ${status}`, { status });
    if (meaning === 'rejected' || meaning === 'blocked') return { status: meaning, cause };
    const context = { date: answer.header('date'), nowMs: this.#clock.now() };
    const retryAfterMs = parseRetryAfterMs(answer.header('retry-after'), context);
    return {
      status: 'retry',
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(meaning === 'retryPausing' ? { pausesDestination: true } : {}),
    };
  }
}

function fixed(headers: HttpHeaders): () => HttpHeaders {
  return () => headers;
}

/** No second attempt finds a name that the program lacks; one that is initialized later is there soon. */
function isMissingName(cause: unknown): boolean {
  return cause instanceof ReferenceError && !cause.message.includes('before initialization');
}

function messageOf(cause: unknown): string {
  return cause instanceof TypeError ? cause.message : describeCause(cause);
}
