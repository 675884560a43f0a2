import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { describeCause, isCertificateFailure, systemCodeOf } from '@relaykit/export-queue/uploader-kit';
import { TimeLimitError } from './within-time.ts';

/** What a failure means for the segment: see `UploadResult`. */
export interface PublishFailure {
  readonly status: 'retry' | 'rejected' | 'blocked';
  readonly pausesDestination?: boolean;
  /** For people, without anything that the server or the client library said in words. */
  readonly what: string;
  readonly systemCode?: string | undefined;
  /** Whether the connection is in doubt: it is replaced, and what it still holds is let go. */
  readonly dropsConnection?: boolean;
  /**
   * What has to be asked to know more. `whoListens`: nobody is on the subject, so a stream is missing, or only its leader.
   * `whetherItAnswers`: no word came, from a server that is slow or a stream that never acknowledges.
   */
  readonly question?: 'whoListens' | 'whetherItAnswers';
}

/** What came back is no stream's word. */
export class NotAcknowledgedError extends Error {
  override readonly name = 'NotAcknowledgedError';
}

/** Of nats-server's `errors.json`: JSStreamMessageExceedsMaximumErr, larger than the stream's `max_msg_size`. */
const MESSAGE_EXCEEDS_MAXIMUM = 10_054;

/** JSNotEnabledForAccountErr and JSNotEnabledErr: with status 503, though no waiting helps. */
const NOT_ENABLED: readonly number[] = [10_039, 10_076];

const { AuthorizationError, ClosedConnectionError, DrainingConnectionError, PermissionViolationError } = errors;
const { ConnectionError, InvalidArgumentError, NoRespondersError, TimeoutError, UserAuthenticationExpiredError } =
  errors;

/** Whether nobody answered: no stream listens, or its leader is being elected. */
export function isWithoutResponder(error: unknown): boolean {
  return chainOf(error).some((cause) => cause instanceof NoRespondersError);
}

/** What went wrong with one message, or with connecting. */
export function publishFailure(error: unknown): PublishFailure {
  const causes = chainOf(error);
  const has = (type: abstract new (...args: never[]) => Error): boolean =>
    causes.some((cause) => cause instanceof type);
  const systemCode = systemCodeOf(error);
  const retry = { status: 'retry', systemCode, pausesDestination: true } as const;

  const api = causes.find((cause): cause is JetStreamApiError => cause instanceof JetStreamApiError);
  if (api !== undefined) return apiFailure(api.status, api.code);
  if (has(NoRespondersError)) return { ...retry, what: 'found no stream that listens', question: 'whoListens' };
  if (has(PermissionViolationError)) return { status: 'blocked', what: 'is not permitted' };
  // Its authenticator is asked for a new token with the next connection.
  if (has(UserAuthenticationExpiredError)) return { ...retry, what: 'met an expired login', dropsConnection: true };
  if (has(AuthorizationError)) return { status: 'blocked', what: 'was not let in', dropsConnection: true };
  if (isCertificateFailure(systemCode)) {
    return { status: 'blocked', what: `failed with ${systemCode}`, systemCode, dropsConnection: true };
  }
  if (causes.some((cause) => cause instanceof ConnectionError && /does not support/u.test(cause.message))) {
    return { status: 'blocked', what: 'met a server without TLS', dropsConnection: true };
  }
  if (has(TimeoutError) || has(TimeLimitError)) {
    return {
      ...retry,
      what: 'was not answered in time',
      systemCode: 'ETIMEDOUT',
      dropsConnection: true,
      question: 'whetherItAnswers',
    };
  }
  if (has(ClosedConnectionError) || has(DrainingConnectionError) || has(ConnectionError)) {
    return { ...retry, what: 'lost its connection', dropsConnection: true };
  }
  // The client's own checks: what it does not send, no second attempt sends.
  if (has(InvalidArgumentError)) return { status: 'blocked', what: 'is not what the client sends' };
  // Somebody else answers on the subject, and what they say acknowledges nothing.
  if (has(NotAcknowledgedError) || has(SyntaxError) || has(JetStreamError))
    return { status: 'blocked', what: 'was answered by no stream' };
  return { ...retry, what: `failed with ${describeCause(error)}`, dropsConnection: true };
}

/** By the status that stands with every error of the API; the codes are in nats-server's `errors.json`. */
function apiFailure(status: number, code: number): PublishFailure {
  const what = `was answered with error ${code}`;
  if (code === MESSAGE_EXCEEDS_MAXIMUM) return { status: 'rejected', what: `${what}: larger than the stream takes` };
  if (NOT_ENABLED.includes(code)) return { status: 'blocked', what: `${what}: JetStream is not enabled` };
  // 409: the same message is still on its way into the stream.
  if (status === 409) return { status: 'retry', what };
  // Full, without a leader, or asked for too much.
  if (status === 429 || status >= 500) return { status: 'retry', pausesDestination: true, what };
  // A wrong stream, a sealed one, an account without JetStream: it speaks of no segment.
  return { status: 'blocked', what };
}

function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let cause = error; cause instanceof Error && chain.length < 5; cause = cause.cause) chain.push(cause);
  return chain;
}
