import { JetStreamApiCodes, JetStreamApiError, type PubAck, type StreamInfo } from '@nats-io/jetstream';
import { headers as createHeaders } from '@nats-io/transport-node';
import {
  checkMethods,
  checkWholeNumber,
  describeCause,
  receiptOf,
  safeLogger,
} from '@relaykit/export-queue/uploader-kit';
import { systemClock } from '@relaykit/segments';
import { type Clock, type LeasedSegment, RelayError, type SegmentUploader, type UploadResult } from '@relaykit/types';
import { DuplicateWindowCheck } from './duplicate-window.ts';
import { type EventReaderOptions, readEvents } from './event-reader.ts';
import { type Message, type MessageHeaders, segmentHeaders } from './message-headers.ts';
import { NatsLink, type OpenLink } from './nats-link.ts';
import {
  DEFAULT_MAX_IN_FLIGHT,
  DEFAULT_TIMEOUT_MS,
  type EventModeOptions,
  type NatsUploaderOptions,
} from './nats-uploader-options.ts';
import { isWithoutResponder, NotAcknowledgedError, type PublishFailure, publishFailure } from './publish-failure.ts';
import { PublishError, publishAll } from './publish-window.ts';
import { segmentMessage } from './segment-message.ts';
import { checkSubject, subjectOf } from './subject.ts';
import { UnreadableSegmentError } from './unreadable-segment-error.ts';
import { withinTime } from './within-time.ts';

/** What a server takes where it does not say: its own default. */
const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576;

/** What is the same for all messages of one attempt. */
interface Attempt {
  readonly link: OpenLink;
  readonly subject: string;
  readonly signal: AbortSignal;
}

/**
 * Publishes each segment to a JetStream stream and waits until the stream has stored it. A message bears the same
 * `Nats-Msg-Id` in every attempt and process, so that the stream stores it once, as long as its duplicate window lasts.
 */
export class NatsUploader<TEvent = unknown> implements SegmentUploader {
  readonly #link: NatsLink;
  readonly #subject: string;
  readonly #stream: string | undefined;
  readonly #domain: string | undefined;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #extraHeaders: MessageHeaders;
  readonly #events: Pick<EventReaderOptions<TEvent>, 'serializers' | 'encodeEvent'> | undefined;
  readonly #maxInFlight: number;
  readonly #duplicateWindow: DuplicateWindowCheck;
  #isClosed = false;

  /** @throws TypeError, RangeError - an option breaks its rule; the message names it and never holds a credential. */
  constructor(options: NatsUploaderOptions<TEvent>) {
    const { mode, subject, stream, domain, timeoutMs = DEFAULT_TIMEOUT_MS, clock = systemClock(), logger } = options;
    if (mode !== 'segment' && mode !== 'event') {
      throw new TypeError(`mode must be 'segment' or 'event', got ${String(mode)}`);
    }
    const maxInFlight = mode === 'event' ? (options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT) : 1;
    this.#subject = checkSubject(subject);
    this.#stream = checkName('stream', stream);
    this.#domain = checkName('domain', domain);
    this.#timeoutMs = checkWholeNumber('timeoutMs', timeoutMs, 1);
    this.#maxInFlight = checkWholeNumber('maxInFlight', maxInFlight, 1);
    this.#events = mode === 'event' ? checkEventOptions(options) : undefined;
    this.#clock = clock;
    // By this the server refuses what another stream would take.
    this.#extraHeaders = stream === undefined ? [] : [['Nats-Expected-Stream', stream]];
    this.#link = new NatsLink({ connect: options.connection, domain, timeoutMs, clock });
    this.#duplicateWindow = new DuplicateWindowCheck({ logger: safeLogger(logger), clock, timeoutMs });
  }

  /**
   * Never rejects for what server or network do. Causes are `RELAY_UPLOAD_FAILED` and hold neither credentials nor addresses
   * nor what the server said in words.
   *
   * @throws RelayError `RELAY_CLOSED`; what `segment.stream()` throws; the signal's reason when aborted.
   */
  async upload(segment: LeasedSegment, { signal }: { readonly signal: AbortSignal }): Promise<UploadResult> {
    if (this.#isClosed) {
      const message = 'Cannot upload: the uploader is closed; make a new one.';
      throw new RelayError('RELAY_CLOSED', message, { operation: 'upload' });
    }
    signal.throwIfAborted();
    let subject: string;
    let headers: MessageHeaders;
    try {
      subject = subjectOf(this.#subject, segment.info);
      headers = [...segmentHeaders(segment.info), ...this.#extraHeaders];
    } catch (cause) {
      const what = `cannot be described: ${cause instanceof TypeError ? cause.message : describeCause(cause)}`;
      return resultOf(segment, { status: 'rejected', what });
    }
    let link: OpenLink;
    try {
      link = await withinTime(this.#link.open(), { clock: this.#clock, timeoutMs: this.#timeoutMs, signal });
    } catch (cause) {
      signal.throwIfAborted();
      return resultOf(segment, publishFailure(cause));
    }
    return this.#publish(segment, headers, { link, subject, signal });
  }

  /** Ends the connection. What is under way fails. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#link.close();
  }

  async #publish(segment: LeasedSegment, headers: MessageHeaders, attempt: Attempt): Promise<UploadResult> {
    const { link, signal } = attempt;
    const maxMessageBytes = link.connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES;
    try {
      const messages = this.#events
        ? await this.#eventMessages(segment, this.#events, maxMessageBytes, signal)
        : segmentMessage(segment, { headers, maxMessageBytes });
      const publish = (message: Message): Promise<PubAck> => this.#send(message, attempt);
      const last = await publishAll(messages, { maxInFlight: this.#maxInFlight, publish, signal });
      if (last === undefined) return { status: 'accepted' };
      await this.#duplicateWindow.check(link, last.stream, signal);
      return { status: 'accepted', ...receiptOf(`${last.stream}:${last.seq}`) };
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof UnreadableSegmentError) {
        return resultOf(segment, { status: cause.status, what: cause.message });
      }
      if (!(cause instanceof PublishError)) throw cause;
      const failure = publishFailure(cause.cause);
      try {
        return resultOf(segment, await this.#explain(attempt, failure));
      } finally {
        if (failure.dropsConnection) this.#link.drop(link);
      }
    }
  }

  /** Decodes the segment twice: nothing of one that cannot be sent to its end is sent. */
  async #eventMessages(
    segment: LeasedSegment,
    events: Pick<EventReaderOptions<TEvent>, 'serializers' | 'encodeEvent'>,
    maxMessageBytes: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Message>> {
    const options = { ...events, maxMessageBytes, extraHeaders: this.#extraHeaders };
    for await (const _ of readEvents(segment, options)) signal.throwIfAborted();
    return readEvents(segment, options);
  }

  async #send({ payload, headers }: Message, { link, subject }: Attempt): Promise<PubAck> {
    const own = createHeaders();
    for (const [name, value] of headers) own.set(name, value);
    const ack = await link.jetstream.publish(subject, payload, { headers: own, timeout: this.#timeoutMs });
    // Whoever answers on a subject is believed only if it says what a stream says.
    const isAck = typeof ack.stream === 'string' && ack.stream !== '' && Number.isSafeInteger(ack.seq);
    if (!isAck || (this.#stream !== undefined && ack.stream !== this.#stream)) throw new NotAcknowledgedError();
    return ack;
  }

  /** Asks the server what the failure alone does not tell: going on for ever where nothing ever changes helps nobody. */
  async #explain({ link, subject, signal }: Attempt, failure: PublishFailure): Promise<PublishFailure> {
    if (failure.question === undefined) return failure;
    const streamOf = async (): Promise<StreamInfo> => {
      const { streams } = await link.manager();
      return streams.info(await streams.find(subject));
    };
    let stream: StreamInfo;
    try {
      stream = await withinTime(streamOf(), { clock: this.#clock, timeoutMs: this.#timeoutMs, signal });
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound) {
        return { status: 'blocked', what: 'found no stream that listens on its subject' };
      }
      const isWithoutJetStream = link.connection.info?.jetstream !== true && this.#domain === undefined;
      if (isWithoutResponder(cause) && isWithoutJetStream) {
        return { status: 'blocked', what: 'met a server without JetStream' };
      }
      return failure;
    }
    // It stores each attempt and never says so: once its duplicate window is over, all of it again.
    if (stream.config.no_ack) return { status: 'blocked', what: 'met a stream that acknowledges nothing (no_ack)' };
    return failure;
  }
}

function resultOf(segment: LeasedSegment, failure: PublishFailure): UploadResult {
  const { status, what, systemCode, pausesDestination } = failure;
  const segmentId = segment.info.id;
  const message = `Upload of ${segmentId} to JetStream ${what}.`;
  const cause = new RelayError('RELAY_UPLOAD_FAILED', message, { segmentId, status: undefined, systemCode });
  return status === 'retry' && pausesDestination ? { status, pausesDestination, cause } : { status, cause };
}

function checkEventOptions<TEvent>({
  serializers,
  encodeEvent = asItIs,
}: EventModeOptions<TEvent>): Pick<EventReaderOptions<TEvent>, 'serializers' | 'encodeEvent'> {
  if (!Array.isArray(serializers) || serializers.length === 0) {
    throw new TypeError("serializers must be one or several serializers where mode is 'event'");
  }
  for (const serializer of serializers) checkMethods('serializers', serializer, ['decode']);
  if (typeof encodeEvent !== 'function') {
    throw new TypeError(`encodeEvent must be a function, got ${typeof encodeEvent}`);
  }
  return { serializers, encodeEvent };
}

function asItIs(event: unknown): Uint8Array | string {
  return typeof event === 'string' || event instanceof Uint8Array ? event : JSON.stringify(event);
}

/** What NATS allows in names of streams and domains. */
function checkName(option: string, value: string | undefined): string | undefined {
  if (value !== undefined && !(typeof value === 'string' && /^[A-Za-z0-9_-]{1,255}$/u.test(value))) {
    throw new TypeError(`${option} must be letters, digits, _ and -, got '${String(value)}'`);
  }
  return value;
}
