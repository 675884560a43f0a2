import type { HttpRequest, HttpResponse, HttpTransport } from './http-transport.ts';

/**
 * The same over `fetch`, for runtimes without `node:http` and for a `fetch` of your own, behind a proxy for instance.
 * It must take a streamed body; Node's sends it with the exact `Content-Length` it is given. Its connections are its own:
 * `close()` does nothing. By the fetch standard a 407 is a network error, so it is tried again instead of blocking.
 */
export function fetchTransport(fetch: typeof globalThis.fetch = globalThis.fetch): HttpTransport {
  return {
    async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
      // The fetch standard allows no body with these, not even an empty one.
      const content = method === 'HEAD' || method === 'GET' ? {} : { body: toStream(body), duplex: 'half' };
      const init = { method, headers, signal, redirect: 'manual', ...content };
      const response = await fetch(url, init as RequestInit);
      return {
        // A browser hides a redirect behind status 0 and says so by the type.
        status: response.type === 'opaqueredirect' ? 302 : response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        body: readBody(response),
      };
    },
    async close(): Promise<void> {},
  };
}

function toStream(body: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(): Promise<void> {
      await pieces.return?.();
    },
  });
}

async function* readBody(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
}
