// Goal: payload, credentials and what a server says never reach an error, an event, a log line or the disk.
// Method: canaries in every place that could leak, a receiver that echoes them, and a search of all that came out.
import { inspect } from 'node:util';
import { DiskExportQueue, fetchTransport, HttpUploader, type HttpUploaderOptions } from '@relaykit/export-queue';
import { InMemorySegmentStore, ManualClock } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { type Behaviour, MisbehavingServer } from './http/misbehaving-server.ts';
import { addSegments, advanceAtRest, MemoryLogger, watch } from './support.ts';

const token = 'canary-token-7f3a';
const payload = 'canary-payload-91bc';
const query = 'canary-query-55de';
const path = 'canary-path-02ff';
const echoed = 'canary-answer-c4d1';
const canaries = [token, payload, query, path, echoed];

const receivers: readonly [string, Behaviour][] = [
  ...[200, 302, 400, 401, 404, 422, 429, 500, 503].map((status): [string, Behaviour] => [
    `answers ${status} and echoes everything`,
    async ({ readBody, response }) => {
      const body = await readBody();
      const headers = { location: `https://evil.example/${echoed}?${token}`, 'x-request-id': `${echoed} ${token}` };
      response.writeHead(status, `${echoed} ${token}`, headers).end(`${echoed} ${token} ${body}`);
    },
  ]),
  [
    'answers what is no HTTP',
    async ({ readBody, socket }) => {
      await readBody();
      socket.end(`HTTP/1.1 200 OK\r\nbad header ${echoed} ${token}\r\n\r\n`);
    },
  ],
  ['resets', ({ socket }) => socket.resetAndDestroy()],
];

const uploaders: readonly [string, Partial<HttpUploaderOptions>][] = [
  ['static headers', { headers: { authorization: `Bearer ${token}` } }],
  ['headers from a function', { headers: async () => ({ 'x-api-key': token }) }],
  ['fetch', { headers: { authorization: `Bearer ${token}` }, transport: fetchTransport() }],
];
const failing: readonly [string, Partial<HttpUploaderOptions>][] = [
  [
    'a transport that tells too much',
    { transport: { send: () => Promise.reject(new Error(`PUT ${query} ${token}`)), close: async () => undefined } },
  ],
  ['headers that cannot be had', { headers: () => Promise.reject(new Error(`token service said ${token}`)) }],
  ['headers that are wrong', { headers: () => ({ authorization: `Bearer ${token}\r\nx: y` }) }],
  ['a header name that is wrong', { headers: () => ({ [`x ${token}`]: token }) }],
];

it.each([
  ...receivers.flatMap(([name, behaviour]) =>
    uploaders.map(([how, options]) => [name, how, behaviour, options] as const),
  ),
  ...failing.map(([how, options]) => ['is never asked', how, undefined, options] as const),
])('a receiver that %s, with %s', async (_name, _how, behaviour, options) => {
  await using server = await MisbehavingServer.listen();
  if (behaviour !== undefined) server.otherwise(behaviour);
  const logger = new MemoryLogger();
  const clock = new ManualClock();
  const store = new InMemorySegmentStore();
  const { id } = await store.addSegment({ content: `{"secret":"${payload}"}\n` });
  const uploader = new HttpUploader({ url: `${server.url}/${path}?key=${query}`, ...options });
  await using queue = new DiskExportQueue({ store, uploader, clock, logger });
  const seen = watch(queue);

  const report = await queue.drain();

  if (behaviour !== undefined) expect(server.requestCount).toBeGreaterThan(0);
  expect(seen.length).toBeGreaterThan(1);
  expect(logger.lines.length).toBeGreaterThan(0);
  const output = everything([
    seen,
    logger.lines,
    report,
    queue.status(),
    store.stateOf(id),
    store.settled,
    queue,
    uploader,
  ]);
  expect(output).toContain(id);
  for (const canary of canaries) expect(output.includes(canary), canary).toBe(false);
});

it('what another uploader throws reaches listeners alone: neither the log nor the disk', async () => {
  const logger = new MemoryLogger();
  const clock = new ManualClock();
  const store = new InMemorySegmentStore();
  const ids = await addSegments(store, 3);
  const answers = [
    () => Promise.reject(Object.assign(new Error(`PUT https://${token}@host`), { code: token, name: token })),
    async () => ({ status: 'rejected', cause: `${token}` }) as const,
    async () => ({ status: 'blocked', cause: { [token]: token } }) as const,
  ];
  await using queue = new DiskExportQueue({
    store,
    uploader: { upload: () => answers.shift()?.() ?? Promise.reject(new Error(token)) },
    clock,
    logger,
    conditions: [() => true],
  });
  queue.on('retryScheduled', () => {
    throw new Error(token);
  });
  queue.start();
  await advanceAtRest(clock, queue, 60_000);
  const output = everything([logger.lines, ids.map((id) => store.stateOf(id)), store.settled, queue.status()]);
  expect(output).toContain(ids[0]);
  expect(output.includes(token)).toBe(false);
});

/** Every text in a value: members that are not enumerable, stacks and causes included. */
function everything(value: unknown): string {
  const texts: string[] = [
    inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null }),
  ];
  const visited = new Set<unknown>();
  const visit = (item: unknown): void => {
    if (typeof item === 'string') texts.push(item);
    if (ArrayBuffer.isView(item))
      texts.push(Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('latin1'));
    if (typeof item !== 'object' || item === null || visited.has(item)) return;
    visited.add(item);
    for (const key of Reflect.ownKeys(item)) {
      texts.push(String(key));
      visit((item as Record<PropertyKey, unknown>)[key]);
    }
  };
  visit(value);
  return texts.join('\n');
}
