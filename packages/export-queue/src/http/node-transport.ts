import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { createSecureContext } from 'node:tls';
import { describeCause } from '../describe-cause.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from './http-transport.ts';

/** Shorter than the idle time-out of common servers (5 s and up), so that a connection is not reused as it is closed. */
export const MAX_IDLE_CONNECTION_MS = 4_000;

/** What `node:tls` calls the same. Certificates are checked unless `rejectUnauthorized` is `false` here. */
export type TlsOptions = Pick<
  AgentOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'pfx' | 'servername' | 'minVersion' | 'maxVersion' | 'rejectUnauthorized'
>;

/** Certificates and TLS versions of `nodeTransport`. */
export interface NodeTransportOptions {
  readonly tls?: TlsOptions;
}

/**
 * HTTP/1.1 over `node:http` and `node:https`: exact `Content-Length`, an answer is seen even where it comes before the
 * body was sent, and connections end with `close()`.
 *
 * @throws TypeError - a certificate or key that cannot be read; never with what it holds.
 */
export function nodeTransport({ tls = {} }: NodeTransportOptions = {}): HttpTransport {
  checkTls(tls);
  const idle = { keepAlive: true, timeout: MAX_IDLE_CONNECTION_MS };
  const httpAgent = new HttpAgent(idle);
  // Said explicitly, NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment does not turn the checks off.
  const httpsAgent = new HttpsAgent({ ...idle, rejectUnauthorized: true, ...tls });
  return {
    send(request: HttpRequest): Promise<HttpResponse> {
      const { method, url, headers } = request;
      const outgoing =
        url.protocol === 'https:'
          ? requestHttps(url, { method, headers, agent: httpsAgent })
          : requestHttp(url, { method, headers, agent: httpAgent });
      return exchange(outgoing, request);
    },
    async close(): Promise<void> {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

/** Read with every connection, what cannot be read would look like a failing network for ever. */
function checkTls(tls: TlsOptions): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new TypeError(`tls must hold certificates and keys that can be read; OpenSSL says ${describeCause(cause)}`);
  }
}

function exchange(outgoing: ClientRequest, { body, signal }: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const fail = (cause: unknown): void => {
      outgoing.destroy();
      reject(cause);
    };
    const onAbort = (): void => fail(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    outgoing.on('close', () => signal.removeEventListener('abort', onAbort));
    // Also after the answer, when an error only means that the connection ended.
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      isAnswered = true;
      // Where the answer came before the body was sent, the connection is of no further use.
      incoming.on('end', () => {
        if (!outgoing.writableEnded) outgoing.destroy();
      });
      incoming.on('error', () => undefined);
      resolve(toResponse(incoming));
    });
    sendBody(outgoing, body, () => isAnswered).catch(fail);
  });
}

/** An answer or a lost connection ends it early. */
async function sendBody(
  outgoing: ClientRequest,
  body: AsyncIterable<Uint8Array>,
  isAnswered: () => boolean,
): Promise<void> {
  for await (const piece of body) {
    if (isAnswered() || outgoing.destroyed) return;
    if (!outgoing.write(piece)) await drained(outgoing);
  }
  if (!outgoing.destroyed) outgoing.end();
}

function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ENDS_OF_WAIT) outgoing.off(event, done);
      resolve();
    };
    for (const event of ENDS_OF_WAIT) outgoing.on(event, done);
  });
}

const ENDS_OF_WAIT = ['drain', 'response', 'close'];

function toResponse(incoming: IncomingMessage): HttpResponse {
  return {
    status: incoming.statusCode ?? 0,
    header(name: string): string | undefined {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body: incoming,
  };
}
