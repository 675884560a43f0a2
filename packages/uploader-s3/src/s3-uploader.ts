import { type HttpHeaders, type HttpTransport, nodeTransport, type TlsOptions } from '@relaykit/export-queue';
import {
  checkHeaders,
  checkMethods,
  checkWholeNumber,
  describeCause,
  type HttpAnswer,
  HttpExchanges,
  type PreparedRequest,
  parseRetryAfterMs,
  receiptOf,
} from '@relaykit/export-queue/uploader-kit';
import { systemClock } from '@relaykit/segments';
import { type Clock, type LeasedSegment, RelayError, type SegmentUploader, type UploadResult } from '@relaykit/types';
import { ObjectAddress, type S3Addressing } from './object-address.ts';
import { checkKeyTemplate, DEFAULT_KEY_TEMPLATE, objectKey } from './object-key.ts';
import { checkCredentials, type S3Credentials } from './s3-credentials.ts';
import { checkErrorTable, errorCodeOf, meaningOf, type S3ErrorMeaning, type S3ErrorTable } from './s3-error-table.ts';
import { isSignable, SHA256_METADATA, segmentHeaders } from './segment-headers.ts';
import { EMPTY_SHA256, signRequest } from './sign-request.ts';
import { StoreClock } from './store-clock.ts';

/** A store needs longer than a web server: it answers once the object is written everywhere. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** A poor mobile uplink. A connection that offers less cannot keep up. */
export const DEFAULT_MIN_BYTES_PER_SECOND = 16_384;

/** Set by the uploader, beside those that frame a message. */
const RESERVED_HEADERS = [
  'authorization',
  'content-md5',
  'content-type',
  'date',
  'if-match',
  'if-none-match',
  'user-agent',
  'x-amz-checksum-',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-meta-relay-',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-trailer',
];

/** What an `S3Uploader` is made with; `bucket`, `region` and `credentials` are needed. */
export interface S3UploaderOptions {
  readonly bucket: string;
  /** `eu-central-1`; `us-east-1` or `auto` at stores that have none of their own. Part of every signature. */
  readonly region: string;
  /** An access key; a function is asked before each request, so that temporary credentials can be fresh. */
  readonly credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>);
  /** Address of the store; https, unless the host is loopback. Defaults to Amazon's of the region. */
  readonly endpoint?: string | URL;
  /**
   * Whether the bucket stands in the path or in front of the host's name. Defaults to `virtualHost` at Amazon and `path`
   * with `endpoint`, or where the bucket's name has a dot.
   */
  readonly addressing?: S3Addressing;
  /** Name of a segment's object. Defaults to `DEFAULT_KEY_TEMPLATE`, `{date}/{segmentId}.{extension}`; see `checkKeyTemplate`. */
  readonly keyTemplate?: string;
  /**
   * Writes no object that exists already: an attempt whose answer was lost leaves one object and one version. The store
   * has to know `If-None-Match` with PUT, and the credentials need the right to read what exists. Defaults to `false`: the
   * same bytes are written over themselves.
   */
  readonly ifNoneMatch?: boolean;
  /** Sent with every object: `x-amz-storage-class`, `x-amz-server-side-encryption`, `x-amz-tagging` … Defaults to none. */
  readonly headers?: HttpHeaders;
  /** Laid over `DEFAULT_S3_ERROR_TABLE`: `{ QuotaExceeded: 'retryPausing' }`. */
  readonly errorTable?: S3ErrorTable;
  /**
   * Longest time without progress: for `credentials`, for each piece of the body to be taken, for the answer once all is
   * sent. Defaults to `DEFAULT_TIMEOUT_MS`, 60 s.
   */
  readonly timeoutMs?: number;
  /** Slowest rate: bounds a request to `timeoutMs` and the time its bytes take. Defaults to 16 KiB/s. */
  readonly minBytesPerSecond?: number;
  /** Allows http to hosts that are not loopback. Everybody on the way can then read the events. Defaults to `false`. */
  readonly allowInsecureHttp?: boolean;
  /** Certificates and keys for the default transport. */
  readonly tls?: TlsOptions;
  /** Defaults to `nodeTransport({ tls })` of `@relaykit/export-queue`. */
  readonly transport?: HttpTransport;
  readonly clock?: Clock;
}

/**
 * Puts each segment into a bucket as one object: the bytes it has on disk, streamed, signed by their hash, under a key that
 * is the same in every attempt. Redirects are never followed.
 */
export class S3Uploader implements SegmentUploader {
  readonly #address: ObjectAddress;
  readonly #region: string;
  readonly #credentials: () => S3Credentials | Promise<S3Credentials>;
  readonly #areCredentialsFixed: boolean;
  readonly #keyTemplate: string;
  readonly #ifNoneMatch: boolean;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #errorTable: S3ErrorTable;
  readonly #transport: HttpTransport;
  readonly #clock: StoreClock;
  readonly #exchanges: HttpExchanges;
  #isClosed = false;

  /** @throws TypeError, RangeError - an option breaks its rule; the message names it and never holds a credential. */
  constructor(options: S3UploaderOptions) {
    const { credentials, transport, tls, clock = systemClock(), ifNoneMatch = false } = options;
    if (transport !== undefined && tls !== undefined) throw new TypeError('tls must not stand beside transport');
    if (typeof ifNoneMatch !== 'boolean') throw new TypeError(`ifNoneMatch must be a boolean, got ${ifNoneMatch}`);
    this.#address = new ObjectAddress({
      bucket: options.bucket,
      region: options.region,
      endpoint: options.endpoint,
      addressing: options.addressing,
      allowInsecureHttp: options.allowInsecureHttp ?? false,
    });
    this.#region = options.region;
    this.#areCredentialsFixed = typeof credentials !== 'function';
    this.#credentials = typeof credentials === 'function' ? credentials : fixed(checkCredentials(credentials));
    this.#keyTemplate = checkKeyTemplate(options.keyTemplate ?? DEFAULT_KEY_TEMPLATE);
    this.#ifNoneMatch = ifNoneMatch;
    this.#headers = checkOwnHeaders(options.headers ?? {});
    this.#errorTable = checkErrorTable(options.errorTable ?? {});
    const { timeoutMs = DEFAULT_TIMEOUT_MS, minBytesPerSecond = DEFAULT_MIN_BYTES_PER_SECOND } = options;
    this.#transport =
      transport === undefined
        ? nodeTransport(tls === undefined ? {} : { tls })
        : checkMethods('transport', transport, ['send', 'close']);
    this.#clock = new StoreClock(clock);
    this.#exchanges = new HttpExchanges({
      transport: this.#transport,
      clock,
      origin: this.#address.origin,
      timeoutMs: checkWholeNumber('timeoutMs', timeoutMs, 1),
      minBytesPerSecond: checkWholeNumber('minBytesPerSecond', minBytesPerSecond, 1),
    });
  }

  /**
   * Never rejects for what the store or the network does. Causes are `RELAY_UPLOAD_FAILED` and hold neither credentials nor
   * header values, nor what the store said beyond its error code.
   *
   * @throws RelayError `RELAY_CLOSED`; what `segment.stream()` throws; the signal's reason when aborted.
   */
  async upload(segment: LeasedSegment, { signal }: { readonly signal: AbortSignal }): Promise<UploadResult> {
    if (this.#isClosed) {
      const message = 'Cannot upload: the uploader is closed; make a new one.';
      throw new RelayError('RELAY_CLOSED', message, { operation: 'upload' });
    }
    let answer = await this.#put(segment, signal);
    // A token that ended, or a clock that is wrong, can be put right: once, and at once.
    if ('isSent' in answer && this.#isMendable(answer)) answer = await this.#put(segment, signal);
    if (!('isSent' in answer)) return answer;
    if (isSuccess(answer)) return this.#stored(segment, answer);
    return answer.status === 412 && this.#ifNoneMatch ? this.#compare(segment, signal) : this.#refused(segment, answer);
  }

  /** Ends idle connections, so that none keeps the process alive. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#transport.close();
  }

  #put(segment: LeasedSegment, signal: AbortSignal): Promise<HttpAnswer | UploadResult> {
    const prepare = async (): Promise<PreparedRequest | UploadResult> => {
      const prepared = await this.#prepare(segment, 'PUT', () => ({
        headers: {
          ...this.#headers,
          ...segmentHeaders(segment.info),
          ...(this.#ifNoneMatch ? { 'if-none-match': '*' } : {}),
        },
        sha256: segment.info.metadata.sha256,
      }));
      if ('status' in prepared) return prepared;
      return { ...prepared, headers: { ...prepared.headers, 'content-length': String(segment.sizeBytes) } };
    };
    return this.#exchanges.send(segment, { prepare, signal });
  }

  async #prepare(
    segment: LeasedSegment,
    method: string,
    describe: () => { readonly headers: Readonly<Record<string, string>>; readonly sha256: string },
  ): Promise<PreparedRequest | UploadResult> {
    const fail = (what: string): unknown => this.#exchanges.failure(segment, what);
    let credentials: S3Credentials;
    try {
      credentials = await this.#credentials();
    } catch (cause) {
      // Its text stays out: it comes from whatever hands out credentials.
      const failure = fail(`has no credentials: credentials() failed with ${describeCause(cause)}`);
      return { status: 'retry', pausesDestination: true, cause: failure };
    }
    try {
      credentials = checkCredentials(credentials);
    } catch (cause) {
      return { status: 'blocked', cause: fail(`has no credentials: ${messageOf(cause)}`) };
    }
    let url: URL;
    let described: ReturnType<typeof describe>;
    try {
      url = this.#address.urlOf(objectKey(this.#keyTemplate, segment.info));
      described = describe();
    } catch (cause) {
      return { status: 'rejected', cause: fail(`cannot be described: ${messageOf(cause)}`) };
    }
    const region = this.#region;
    const atMs = this.#clock.now();
    const signed = await signRequest({ method, url, ...described, credentials, region, atMs });
    return { method, url, headers: { 'user-agent': 'relaykit', ...signed } };
  }

  #stored(segment: LeasedSegment, answer: HttpAnswer): UploadResult {
    const { status } = answer;
    const fail = (what: string): unknown => this.#exchanges.failure(segment, what, { status });
    // Whoever thanks for something unseen has not got it.
    if (!answer.isSent) return { status: 'retry', cause: fail(`was answered with ${status} before it was sent`) };
    const etag = answer.header('etag');
    // A web server or a portal that says 200 to everything is no store, and would empty the spool.
    if (etag === undefined) return { status: 'blocked', cause: fail(`was answered with ${status} but no ETag`) };
    const checksum = answer.header('x-amz-checksum-sha256');
    const expected = segmentHeaders(segment.info)['x-amz-checksum-sha256'];
    if (checksum !== undefined && checksum !== expected) {
      return { status: 'retry', cause: fail('was stored with another checksum') };
    }
    return { status: 'accepted', ...receiptOf(etag) };
  }

  /** Something is under the key: whether it is this segment, from an attempt whose answer was lost. */
  async #compare(segment: LeasedSegment, signal: AbortSignal): Promise<UploadResult> {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const prepare = (): Promise<PreparedRequest | UploadResult> =>
      this.#prepare(segment, 'HEAD', () => ({ headers, sha256: EMPTY_SHA256 }));
    const answer = await this.#exchanges.send(segment, { prepare, sendsSegment: false, signal });
    if (!('isSent' in answer)) return answer;
    const { status } = answer;
    const fail = (what: string): unknown => this.#exchanges.failure(segment, what, { status });
    // Removed between the two requests.
    if (status === 404) return { status: 'retry', cause: fail('was answered with 412 and then with 404') };
    if (status !== 200) return this.#refused(segment, answer);
    const expected = segmentHeaders(segment.info);
    for (const name of [SHA256_METADATA, 'x-amz-checksum-sha256']) {
      const value = answer.header(name);
      if (value === expected[name]) return { status: 'accepted', ...receiptOf(answer.header('etag')) };
      if (value !== undefined) return { status: 'rejected', cause: fail('found another object under its key') };
    }
    return { status: 'blocked', cause: fail('found an object without a SHA-256 under its key') };
  }

  #refused(segment: LeasedSegment, answer: HttpAnswer): UploadResult {
    const { status } = answer;
    const code = errorCodeOf(answer.body);
    const meaning = this.#meaningOf(answer);
    const what = `was answered with ${status}${code === undefined ? '' : ` ${code}`}`;
    const cause = this.#exchanges.failure(segment, what, { status });
    if (meaning === 'rejected') return { status: 'rejected', cause };
    if (meaning === 'blocked' || meaning === 'retryRenewed') return { status: 'blocked', cause };
    const retryAfterMs = parseRetryAfterMs(answer.header('retry-after'), {
      date: answer.header('date'),
      nowMs: this.#clock.now(),
    });
    return {
      status: 'retry',
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(meaning === 'retryPausing' ? { pausesDestination: true } : {}),
    };
  }

  #meaningOf({ status, body }: HttpAnswer): S3ErrorMeaning {
    return meaningOf(this.#errorTable, status, errorCodeOf(body));
  }

  /** Whether a second attempt would be signed differently. */
  #isMendable(answer: HttpAnswer): boolean {
    if (isSuccess(answer) || this.#meaningOf(answer) !== 'retryRenewed') return false;
    const isClockCorrected = this.#clock.follow(answer.header('date'));
    return isClockCorrected || !this.#areCredentialsFixed;
  }
}

function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status <= 299;
}

function fixed(credentials: S3Credentials): () => S3Credentials {
  return () => credentials;
}

function checkOwnHeaders(headers: HttpHeaders): Record<string, string> {
  const checked = checkHeaders(headers, { reserved: RESERVED_HEADERS });
  for (const [name, value] of Object.entries(checked)) {
    if (!isSignable(value)) throw new TypeError(`header ${name} must be printable ASCII, without spaces at its ends`);
  }
  return checked;
}

function messageOf(cause: unknown): string {
  return cause instanceof TypeError ? cause.message : describeCause(cause);
}
