// Goal: a cluster that loses a node while a spool is exported neither loses an event nor holds one twice.
// Method: three real servers on loopback, a stream of three replicas; the node that leads the stream is killed in the middle.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskExportQueue } from '@relaykit/export-queue';
import { openSegmentStore } from '@relaykit/segments';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import { NatsUploader } from '@relaykit/uploader-nats';
import { describe, expect, it } from 'vitest';
import { filledSpool } from './filled-spool.ts';
import { eventually, freePort, isNatsInstalled, NatsServer, natsMark, StreamView } from './nats-server.ts';

const segments = 30;
const eventsEach = 40;

describe.skipIf(!isNatsInstalled)(`a cluster of three${natsMark}`, () => {
  it('loses its leader during the export, and no event', { timeout: 300_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'relaykit-cluster-'));
    const ports = [await freePort(), await freePort(), await freePort()];
    const routes = [await freePort(), await freePort(), await freePort()];
    const servers: NatsServer[] = [];
    const cleanUps: (() => void)[] = [];
    try {
      for (const [index, port] of ports.entries()) {
        const config = `server_name: n${index}
jetstream { store_dir: "${join(directory, `js${index}`)}", max_mem: 64MB, max_file: 256MB }
cluster { name: relay, listen: "127.0.0.1:${routes[index]}", routes: [${routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ')}] }`;
        servers.push(await NatsServer.start({ port, config }));
      }
      const addresses = ports.map((port) => `127.0.0.1:${port}`);
      await using view = await StreamView.open(addresses, { reconnectTimeWait: 100, maxReconnectAttempts: -1 });
      await eventually(async () => {
        await view.addStream({ num_replicas: 3, duplicate_window: 24 * 3_600 * 1e9 });
        return true;
      });

      const spool = await filledSpool((remove) => void cleanUps.push(remove), { segments, eventsEach });
      const serializers = [new RawJSONLineSerializer()];
      const store = await openSegmentStore({ directory: spool, serializers: serializers as never });
      const uploader = new NatsUploader({
        mode: 'event',
        subject: 'events.{writerId}',
        connection: { servers: addresses },
        serializers,
        timeoutMs: 3_000,
      });
      // Slowly, so that the leader is gone long before the end.
      await using queue = new DiskExportQueue({ store, uploader, concurrency: 2, maxBytesPerSecond: 4_096 });
      let uploaded = 0;
      let retries = 0;
      const third = new Promise<void>((resolve) => {
        queue.on('uploaded', () => {
          uploaded += 1;
          if (uploaded === 3) resolve();
        });
      });
      queue.on('retryScheduled', () => {
        retries += 1;
      });
      const done = new Promise<void>((resolve, reject) => {
        queue.on('uploaded', () => uploaded === segments && resolve());
        queue.on('blocked', ({ cause }) => reject(cause));
      });
      queue.start();
      await third;
      const leader = await eventually(async () => (await view.manager.streams.info('EVENTS')).cluster?.leader);
      await servers[Number(leader.slice(1))]?.kill();
      await done;

      expect(retries).toBeGreaterThan(0);
      const numbers = await eventually(async () =>
        (await view.messages()).map(({ data }) => (JSON.parse(new TextDecoder().decode(data)) as { n: number }).n),
      );
      expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: segments * eventsEach }, (_, n) => n));
      await queue.close();
      await store.close();
    } finally {
      for (const server of servers) await server[Symbol.asyncDispose]();
      for (const cleanUp of cleanUps) cleanUp();
      await rm(directory, { recursive: true, force: true });
    }
  });
});
