// Goal: the S3 uploader keeps what SegmentUploader promises, over both transports.
import { fetchTransport, nodeTransport } from '@relaykit/export-queue';
import { describeSegmentUploader } from '@relaykit/testing/conformance';
import { describe, it } from 'vitest';
import { FakeS3, hang, s3Error } from './fake-s3.ts';
import { s3Uploader } from './support.ts';

for (const [name, transport] of [
  ['nodeTransport', nodeTransport],
  ['fetchTransport', fetchTransport],
] as const) {
  describeSegmentUploader(
    `S3Uploader over ${name}`,
    {
      async create() {
        const server = await FakeS3.listen();
        // What arrived before a refusal arrived too: the suite counts whole uploads that the receiver has seen.
        const answers = {
          accept: undefined,
          refuseForNow: s3Error(503, 'SlowDown'),
          refuseForEver: s3Error(400, 'EntityTooLarge'),
          hang,
        };
        return {
          uploader: s3Uploader({ endpoint: server.endpoint, transport: transport() }),
          received: () =>
            server.requests.map(({ headers, body }) => ({
              idempotencyKey: String(headers['x-amz-meta-relay-segment-id']),
              bytes: new Uint8Array(body),
            })),
          answer: (kind) => server.otherwise(answers[kind]),
          dispose: () => server[Symbol.asyncDispose](),
        };
      },
    },
    { describe, it },
  );
}
