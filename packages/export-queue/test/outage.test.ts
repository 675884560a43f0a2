// Goal: after four hours of failure nothing is missing, from the first event to the last, and nothing came twice without
// its key. Method: a real HTTP server that fails and recovers, a manual clock for the queue, events that keep coming.

import { DiskExportQueue, FAILURES_BEFORE_PAUSE, HttpUploader } from '@relaykit/export-queue';
import { InMemorySegmentStore, ManualClock } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { answering, MisbehavingServer } from './http/misbehaving-server.ts';
import { advanceAtRest, watch } from './support.ts';

const hour = 60 * 60 * 1_000;

it.each(['oldestFirst', 'perWriter'] as const)('four hours of 500, then recovery: %s', async (order) => {
  await using server = await MisbehavingServer.listen();
  server.otherwise(answering(500));
  const clock = new ManualClock();
  const store = new InMemorySegmentStore();
  const uploader = new HttpUploader({ url: server.url });
  await using queue = new DiskExportQueue({ store, uploader, clock, order });
  const seen = watch(queue);
  queue.start();

  const added: string[] = [];
  for (let minute = 0; minute < 4 * 60; minute += 1) {
    const line = `{"minute":${minute}}\n`;
    added.push(line);
    await store.addSegment({ content: line, createdAtMs: clock.now(), writerId: 'app' });
    queue.wake();
    await advanceAtRest(clock, queue, hour / 60);
  }
  expect(store.settled).toEqual([]);
  const during = server.requestCount;
  expect(during).toBeGreaterThan(FAILURES_BEFORE_PAUSE);
  // One attempt in a few minutes, and not one for each of 240 segments every few minutes.
  expect(during).toBeLessThan(240);

  server.otherwise(answering(200));
  await advanceAtRest(clock, queue, hour / 2);

  expect(store.ids).toEqual([]);
  const delivered = server.arrived.slice(during);
  const bodies = delivered.map(({ body }) => body.toString());
  expect(bodies.length).toBe(added.length);
  if (order === 'perWriter') expect(bodies).toEqual(added);
  expect(new Set(bodies)).toEqual(new Set(added));
  const keys = new Map<string, string>();
  for (const { body, headers } of server.arrived) {
    const key = String(headers['idempotency-key']);
    expect(keys.get(body.toString()) ?? key).toBe(key);
    keys.set(body.toString(), key);
  }
  expect(new Set(keys.values()).size).toBe(added.length);
  expect(seen.filter(({ type }) => type === 'quarantined' || type === 'blocked' || type === 'error')).toEqual([]);
});

it('a random receiver: what arrived is what was added, whatever it did', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  await using server = await MisbehavingServer.listen();
  const accepted: { body: string; key: string }[] = [];
  server.otherwise(async ({ readBody, request, response, socket }) => {
    const roll = random();
    if (roll < 0.1) return request.once('data', () => socket.resetAndDestroy());
    const body = (await readBody()).toString();
    if (roll < 0.2) return response.writeHead(500).end();
    if (roll < 0.3) return response.writeHead(429, { 'retry-after': '3' }).end();
    accepted.push({ body, key: String(request.headers['idempotency-key']) });
    // Taken, and the answer lost: the one case in which a segment comes twice.
    if (roll < 0.4) return socket.resetAndDestroy();
    return response.writeHead(200).end();
  });
  const clock = new ManualClock();
  const store = new InMemorySegmentStore();
  const added = new Map<string, string>();
  for (let n = 0; n < 60; n += 1) {
    const content = `{"n":${n},"text":"${'x'.repeat(Math.floor(random() * 200_000))}"}\n`;
    const { id } = await store.addSegment({ content, writerId: `w${n % 3}` });
    added.set(id, content);
  }
  while (store.ids.length > 0) {
    const uploader = new HttpUploader({ url: server.url });
    await using queue = new DiskExportQueue({ store, uploader, clock, concurrency: 3 });
    queue.start();
    await advanceAtRest(clock, queue, 60_000);
  }
  const arrived = new Map(accepted.map(({ body, key }) => [key, body]));
  expect(arrived, `seed ${seed}`).toEqual(added);
});
