// Goal: the HTTP uploader keeps what SegmentUploader promises, over both transports.
import { fetchTransport, HttpUploader, nodeTransport } from '@relaykit/export-queue';
import { describeSegmentUploader } from '@relaykit/testing/conformance';
import { describe, it } from 'vitest';
import { answering, MisbehavingServer } from './misbehaving-server.ts';

for (const [name, transport] of [
  ['HttpUploader over nodeTransport', nodeTransport],
  ['HttpUploader over fetchTransport', fetchTransport],
] as const) {
  describeSegmentUploader(
    name,
    {
      async create() {
        const server = await MisbehavingServer.listen();
        const behaviours = {
          accept: answering(200),
          refuseForNow: answering(500),
          refuseForEver: answering(422),
          hang: ({ readBody }: { readBody(): Promise<Buffer> }) => readBody(),
        };
        return {
          uploader: new HttpUploader({ url: server.url, transport: transport() }),
          received: () =>
            server.arrived.map(({ headers, body }) => ({
              idempotencyKey: String(headers['idempotency-key']),
              bytes: new Uint8Array(body),
            })),
          answer: (kind) => server.otherwise(behaviours[kind]),
          dispose: () => server[Symbol.asyncDispose](),
        };
      },
    },
    { describe, it },
  );
}
