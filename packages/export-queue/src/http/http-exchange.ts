import { type Clock, type LeasedSegment, RelayError, type UploadResult } from '@relaykit/types';
import { describeCause, systemCodeOf } from '../describe-cause.ts';
import { untilAborted } from '../until-aborted.ts';
import { ExchangeDeadline } from './exchange-deadline.ts';
import type { HttpResponse, HttpTransport } from './http-transport.ts';
import { isCertificateFailure, isTlsFailure } from './tls-failure.ts';

/** As much of an answer is read as lets the connection be used again; beyond it the connection is dropped. */
export const MAX_RESPONSE_BYTES = 65_536;

/** The status is what counts most, so the rest of an answer gets little time. */
export const MAX_RESPONSE_BODY_WAIT_MS = 1_000;

/** What `HttpExchanges` is made with. */
export interface HttpExchangesOptions {
  readonly transport: HttpTransport;
  readonly clock: Clock;
  /** Where requests go, without path or query: all that errors say of the address. */
  readonly origin: string;
  /** Longest time without progress in milliseconds: for `prepare`, for each piece of the body, for the answer. */
  readonly timeoutMs: number;
  /** Slowest rate: an exchange may take `timeoutMs` and the time its bytes take at this rate. */
  readonly minBytesPerSecond: number;
}

/** What a request is made of, beside its body. */
export interface PreparedRequest {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names; `content-length` among them where there is a body. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One request of `HttpExchanges`. */
export interface ExchangeOptions {
  /** Makes the request, or says why there is none. Its time counts as the receiver's. */
  readonly prepare: (signal: AbortSignal) => Promise<PreparedRequest | UploadResult>;
  /** Whether the segment is the body. Defaults to `true`; without it there is none. */
  readonly sendsSegment?: boolean;
  readonly signal: AbortSignal;
}

/** An answer whose connection is free again. */
export interface HttpAnswer {
  readonly status: number;
  /** The value of a header by its lower-case name. */
  header(name: string): string | undefined;
  /** The first `MAX_RESPONSE_BYTES` at most, fewer where the rest did not come in time. */
  readonly body: Uint8Array;
  /** Whether every byte of the request's body was handed over before the answer came. */
  readonly isSent: boolean;
}

/**
 * One segment's exchange with an HTTP receiver: time limits, the bounded reading of the answer, and what a failure of
 * the network means. No error holds header values, what the receiver said, or more of the address than its origin.
 */
export class HttpExchanges {
  readonly #options: HttpExchangesOptions;

  constructor(options: HttpExchangesOptions) {
    this.#options = options;
  }

  /**
   * Never rejects for what the receiver or the network does: the result says so.
   *
   * @throws What `segment.stream()` throws; the signal's reason when aborted.
   */
  async send(segment: LeasedSegment, options: ExchangeOptions): Promise<HttpAnswer | UploadResult> {
    const { signal } = options;
    signal.throwIfAborted();
    const { clock, timeoutMs, minBytesPerSecond } = this.#options;
    const exchange = new AbortController();
    const onAbort = (): void => exchange.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const deadline = new ExchangeDeadline({
      clock,
      timeoutMs,
      totalMs: timeoutMs + (segment.sizeBytes / minBytesPerSecond) * 1_000,
      onExceeded: () => exchange.abort(this.failure(segment, 'took too long', { systemCode: 'ETIMEDOUT' })),
    });
    try {
      return await this.#exchange(segment, deadline, exchange, options);
    } finally {
      deadline.end();
      signal.removeEventListener('abort', onAbort);
    }
  }

  failure(
    { info }: LeasedSegment,
    what: string,
    { status, systemCode }: { readonly status?: number | undefined; readonly systemCode?: string | undefined } = {},
  ): RelayError<'RELAY_UPLOAD_FAILED'> {
    const message = `Upload of ${info.id} to ${this.#options.origin} ${what}.`;
    return new RelayError('RELAY_UPLOAD_FAILED', message, { segmentId: info.id, status, systemCode });
  }

  async #exchange(
    segment: LeasedSegment,
    deadline: ExchangeDeadline,
    exchange: AbortController,
    { prepare, sendsSegment = true, signal }: ExchangeOptions,
  ): Promise<HttpAnswer | UploadResult> {
    const sent = { bytes: 0, failure: undefined as { readonly cause: unknown } | undefined };
    const expectedBytes = sendsSegment ? segment.sizeBytes : 0;
    let response: HttpResponse;
    try {
      const prepared = await untilAborted(prepare(exchange.signal), exchange.signal);
      if ('status' in prepared) return prepared;
      const body = sendsSegment ? deadline.watch(watchBody(segment.stream(), sent)) : noBody();
      const request = { ...prepared, body, signal: exchange.signal };
      response = await untilAborted(this.#options.transport.send(request), exchange.signal);
    } catch (cause) {
      signal.throwIfAborted();
      // Our own disk's trouble is not the receiver's.
      if (sent.failure !== undefined) throw sent.failure.cause;
      return this.#networkFailure(segment, exchange.signal.aborted ? exchange.signal.reason : cause);
    }
    deadline.end();
    const isSent = sent.bytes === expectedBytes;
    const body = await this.#readBody(response, exchange);
    return { status: response.status, header: (name) => response.header(name), body, isSent };
  }

  #networkFailure(segment: LeasedSegment, cause: unknown): UploadResult {
    // Our own time limit.
    if (cause instanceof RelayError) return { status: 'retry', cause };
    const systemCode = systemCodeOf(cause);
    // The error itself stays out: a parser's holds the bytes of the answer, a foreign transport's anything.
    const failure = this.failure(segment, `failed with ${describeCause(cause)}`, { systemCode });
    if (isCertificateFailure(systemCode)) return { status: 'blocked', cause: failure };
    return { status: 'retry', cause: failure, ...(isTlsFailure(systemCode) ? { pausesDestination: true } : {}) };
  }

  /** Reads an answer to its end, so that the connection can be used again, or drops it. Never rejects. */
  async #readBody({ body }: HttpResponse, exchange: AbortController): Promise<Uint8Array> {
    const drop = (): void => exchange.abort();
    const timer = this.#options.clock.setTimer(MAX_RESPONSE_BODY_WAIT_MS, drop, { keepsProcessAlive: true });
    const pieces = body[Symbol.asyncIterator]();
    const read: Uint8Array[] = [];
    try {
      for (let readBytes = 0; readBytes <= MAX_RESPONSE_BYTES; ) {
        const step = await untilAborted(pieces.next(), exchange.signal);
        if (step.done) return joined(read);
        readBytes += step.value.byteLength;
        read.push(step.value);
      }
      drop();
    } catch {
      // The status came; what becomes of the rest changes little.
      drop();
    } finally {
      timer.cancel();
    }
    return joined(read);
  }
}

async function* noBody(): AsyncGenerator<Uint8Array, void, undefined> {}

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

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    Math.min(
      MAX_RESPONSE_BYTES,
      pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
    ),
  );
  let positionBytes = 0;
  for (const piece of pieces) {
    bytes.set(piece.subarray(0, bytes.byteLength - positionBytes), positionBytes);
    positionBytes += Math.min(piece.byteLength, bytes.byteLength - positionBytes);
  }
  return bytes;
}
