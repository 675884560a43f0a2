// Question: what does a message for each event cost beside one for the segment, and what do messages in flight buy? How much
// of it is decoding each segment before it is sent?
import { RawJSONLineSerializer } from '@relaykit/serializers';
import { InMemorySegmentStore } from '@relaykit/testing';
import type { LeasedSegment } from '@relaykit/types';
import { NatsUploader } from '@relaykit/uploader-nats';
import { Bench } from 'tinybench';
import { benchTimes, flights, isSmall, printComparison } from '../../../tools/bench.ts';
import { readEvents } from '../src/event-reader.ts';
import { isNatsInstalled, NatsServer, StreamView } from '../test/nats-server.ts';

let segmentCount = 0;

if (isNatsInstalled) await measure();
else console.log('skipped: nats-server is not installed');

async function measure(): Promise<void> {
  await using server = await NatsServer.start();
  await using view = await StreamView.open(server.address);
  await view.addStream({ max_bytes: 128 * 1_048_576 });
  const eventCount = isSmall ? 100 : 1_000;
  const content = new TextEncoder().encode(
    flights(eventCount)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(''),
  );
  const serializers = [new RawJSONLineSerializer()];
  const connection = { servers: server.address };
  const { signal } = new AbortController();
  const uploaders: readonly [string, NatsUploader<never>][] = [
    ['by segment', new NatsUploader<never>({ mode: 'segment', subject: 'events.x', connection })],
    ...(isSmall ? [64] : [1, 16, 256]).map((maxInFlight): [string, NatsUploader<never>] => [
      `by event, ${maxInFlight} in flight`,
      new NatsUploader({ mode: 'event', subject: 'events.x', connection, serializers, maxInFlight }) as never,
    ]),
  ];
  const bench = new Bench(benchTimes());
  for (const [name, uploader] of uploaders) {
    bench.add(name, async () => {
      const result = await uploader.upload(await segmentOf(content, eventCount), { signal });
      if (result.status !== 'accepted') throw new Error(`${name}: ${result.status}`);
    });
  }
  let decoded = 0;
  const options = { serializers, encodeEvent: (event: string | Uint8Array) => event, extraHeaders: [] };
  bench.add('decoding alone', async () => {
    const segment = await segmentOf(content, eventCount);
    for await (const { payload } of readEvents(segment, { ...options, maxMessageBytes: 1_048_576 })) {
      decoded += payload.byteLength;
    }
  });
  await bench.run();
  printComparison(bench, {
    unit: 'events',
    perIteration: eventCount,
    bytesPerIteration: content.byteLength,
    decoded,
    storage: 'file, one replica, on this machine',
  });
  for (const [, uploader] of uploaders) await uploader.close();
}

/** A segment with an id of its own, so that it is no duplicate. */
async function segmentOf(bytes: Uint8Array, eventCount: number): Promise<LeasedSegment> {
  segmentCount += 1;
  const metadata = { id: `segment-${segmentCount}` };
  const info = await new InMemorySegmentStore().addSegment({ content: bytes, eventCount, metadata });
  async function* stream(): AsyncIterable<Uint8Array> {
    yield bytes;
  }
  return { info, idempotencyKey: info.id, sizeBytes: bytes.byteLength, stream };
}
