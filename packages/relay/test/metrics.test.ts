// Goal: the numbers of the collector, of the parts, of the ledger and of the receiver agree.
// Method: a pipeline with everything that can happen to an event: kept, refused, dropped by the buffer and by the spool,
// retried, quarantined, delivered. Then each account is asked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountForSpool, Spool } from '@relaykit/segments';
import type { SegmentUploader } from '@relaykit/types';
import { expect, it } from 'vitest';
import { createRelay, DiskWriterMetricsCollector, exponentialBackoff, retainFileCount } from '../src/index.ts';

function read(collector: DiskWriterMetricsCollector): Record<string, number> {
  const values: Record<string, number> = {};
  for (const metric of collector.snapshot().metrics) {
    for (const point of metric.points) {
      const [label] = Object.values(point.labels);
      const name = metric.name.replace('relaykit.', '');
      values[label === undefined ? name : `${name} ${label}`] = 'value' in point ? point.value : point.count;
    }
  }
  return values;
}

it('agree, whatever becomes of events', async ({ onTestFinished }) => {
  const parent = mkdtempSync(join(tmpdir(), 'relay-metrics-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const directory = join(parent, 'spool');
  const metrics = new DiskWriterMetricsCollector();
  const received: { readonly n: number }[] = [];
  let [receivedBytes, attempts] = [0, 0];
  let mayDeliver = false;
  const uploader: SegmentUploader = {
    async upload({ info, stream }) {
      if (!mayDeliver) return { status: 'retry', cause: new Error('away'), retryAfterMs: 1 };
      attempts += 1;
      const pieces: Uint8Array[] = [];
      for await (const piece of stream()) pieces.push(piece);
      const content = Buffer.concat(pieces).toString('utf8');
      if (content.includes('"poison"')) return { status: 'rejected', cause: new Error('http 413') };
      receivedBytes += info.metadata.bytes;
      received.push(
        ...content
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as { readonly n: number }),
      );
      return { status: 'accepted' };
    },
  };
  const relay = createRelay<unknown>({
    directory,
    uploader,
    metrics,
    maxSegmentEvents: 10,
    retention: retainFileCount(8),
    allowEarlyForgetting: true,
    onSegmentDropped: () => undefined,
    buffer: { maxEvents: 40, flushEvents: 10, overflow: 'dropNewest' },
    export: { retry: exponentialBackoff({ maxAttempts: 1_000, initialDelayMs: 1, maxDelayMs: 2 }) },
  });
  await relay.open();
  // More than the buffer holds in one turn.
  for (let n = 0; n < 60; n += 1) relay.add({ n });
  await relay.flush({ durability: 'synced' });
  relay.add(1n);
  for (let n = 60; n < 160; n += 1) {
    await relay.addWhenRoom({ n, ...(n === 150 ? { poison: true } : {}) });
    // What is not sealed yet is not given up.
    if (n % 10 === 9) await relay.rotate();
  }
  expect(read(metrics)['events.dropped fileCount'], 'the spool gave something up').toBeGreaterThan(0);
  mayDeliver = true;
  // What failed before has a time before which it rests, and so has the receiver.
  while ((await relay.drain()).remaining > 0) await new Promise((resolve) => setTimeout(resolve, 50));

  const values = read(metrics);
  const counts = relay.counts();
  const accounts = await accountForSpool(Spool.openSync({ directory }));
  const fromSpool = values['events.dropped fileCount'] ?? 0;
  // The buffer's account, and the invariant.
  expect(values).toMatchObject({
    'events.accepted': counts.added,
    'buffer.events': 0,
    'events.dropped overflow': counts.dropped.overflow,
    'events.dropped unserializable': 1,
    'events.written': counts.persisted,
  });
  expect(counts.added).toBe(161);
  expect(counts.dropped.overflow).toBeGreaterThan(0);
  expect(values['events.accepted']).toBe((values['events.written'] ?? 0) + counts.dropped.overflow + 1);
  expect(values['bytes.written']).toBe(values['bytes.accepted']);
  // The ledger's account.
  expect(accounts).toEqual({
    pending: 0,
    delivered: values['events.exported'],
    quarantined: values['events.quarantined rejected'] ?? 0,
    dropped: { fileCount: fromSpool, overflow: counts.dropped.overflow, unserializable: 1 },
    lost: 0,
    repeated: 0,
    unsealedFiles: 0,
  });
  expect(values['events.written']).toBe(accounts.delivered + accounts.quarantined + fromSpool);
  expect(accounts.quarantined).toBeGreaterThan(0);
  // The receiver's account.
  expect(received).toHaveLength(values['events.exported'] ?? -1);
  expect(new Set(received.map(({ n }) => n)).size).toBe(received.length);
  expect(values['bytes.exported']).toBe(receivedBytes);
  expect(values['segments.exported']).toBe(attempts - 1);
  // What else happened.
  expect(values['events.retried upload']).toBeGreaterThan(0);
  expect(values['sync.duration']).toBeGreaterThan(0);
  expect(values).toMatchObject({ 'spool.files': 0, 'spool.bytes': 0, 'spool.oldest_age': 0, 'queue.uploads': 0 });
  expect(values['queue.state idle']).toBe(1);
  await relay.close();
  // They stay with the collector.
  expect(read(metrics)['events.accepted']).toBe(161);
  expect(read(metrics)['events.dropped overflow']).toBe(counts.dropped.overflow);
});

it('measures nothing where nobody asked for it', async ({ onTestFinished }) => {
  const parent = mkdtempSync(join(tmpdir(), 'relay-metrics-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const relay = createRelay({ directory: join(parent, 'spool'), metrics: undefined as never });
  relay.add({ n: 1 });
  await relay.close();
  expect(() => createRelay({ directory: parent, metrics: {} as never })).toThrow(
    'metrics must have the method attachWriter',
  );
});
