// Question: what do the signature and the checks of S3 add to sending a segment over HTTP?
// Both send the same segment to the same server on loopback, which reads everything and answers at once.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpUploader } from '@relaykit/export-queue';
import { InMemorySegmentStore } from '@relaykit/testing';
import type { LeasedSegment, SegmentUploader } from '@relaykit/types';
import { S3Uploader } from '@relaykit/uploader-s3';
import { Bench } from 'tinybench';
import { benchTimes, isSmall, printComparison } from '../../../tools/bench.ts';

let receivedBytes = 0;
const server = createServer((request, response) => {
  request.on('data', (piece: Uint8Array) => {
    receivedBytes += piece.byteLength;
  });
  request.on('end', () => response.writeHead(200, { etag: '"x"' }).end());
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const { signal } = new AbortController();
const uploaders: readonly [string, SegmentUploader][] = [
  ['HTTP', new HttpUploader({ url: address })],
  [
    'S3',
    new S3Uploader({
      bucket: 'events',
      region: 'us-east-1',
      endpoint: address,
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    }),
  ],
];
for (const sizeBytes of isSmall ? [1_024] : [1_024, 8 * 1_048_576]) {
  const segment = await segmentOf(sizeBytes);
  const bench = new Bench(benchTimes());
  for (const [name, uploader] of uploaders) {
    bench.add(`${name}, ${sizeBytes} bytes`, async () => {
      const { status } = await uploader.upload(segment, { signal });
      if (status !== 'accepted') throw new Error(`${name}: ${status}`);
    });
  }
  await bench.run();
  printComparison(bench, { unit: 'segments', perIteration: 1, bytesPerIteration: sizeBytes, receivedBytes });
}
for (const [, uploader] of uploaders) await uploader.close?.();
await new Promise((resolve) => server.close(resolve));

async function segmentOf(sizeBytes: number): Promise<LeasedSegment> {
  const bytes = new Uint8Array(sizeBytes).fill(0x20);
  const info = await new InMemorySegmentStore().addSegment({ content: bytes });
  return { info, idempotencyKey: info.id, sizeBytes, stream: () => pieces(bytes) };
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let position = 0; position < bytes.byteLength; position += 65_536) {
    yield bytes.subarray(position, position + 65_536);
  }
}
