// What stands at the other end of an example's `url`: an HTTP server on loopback that counts what it accepts.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/**
 * @param test - The context of `node:test`; the receiver ends with it.
 * @param options.port - Defaults to a free one.
 * @returns Its `url`, every event it accepted in the order of arrival, and one entry per accepted segment. As any receiver
 *   should, it takes an `Idempotency-Key` once: a segment may come again where the first answer was lost.
 */
export async function startReceiver(test, { port = 0 } = {}) {
  const events = [];
  const deliveries = [];
  const seen = new Set();
  const server = createServer(async (request, response) => {
    try {
      const body = await text(request);
      const key = request.headers['idempotency-key'];
      if (!seen.has(key)) {
        seen.add(key);
        const found = body
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line));
        events.push(...found);
        deliveries.push({ key, headers: request.headers, eventCount: found.length });
      }
      response.writeHead(204).end();
    } catch {
      response.destroy(); // the sender ended in the middle
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  test.after(close);
  const address = server.address();
  return { url: `http://127.0.0.1:${address.port}/events`, port: address.port, events, deliveries, close };
}
