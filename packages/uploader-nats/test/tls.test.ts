// Goal: nothing is published to a server that cannot show who it is, and the queue is told to stop.
// Method: a real server on loopback with good and bad certificates, those that the tests of `export-queue` use.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { UploadResult } from '@relaykit/types';
import { type NatsConnectionOptions, NatsUploader } from '@relaykit/uploader-nats';
import { describe, expect, it, vi } from 'vitest';
import { isNatsInstalled, NatsServer, natsMark, StreamView } from './nats-server.ts';
import { leasedSegment, lines, upload } from './support.ts';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../export-queue/test/fixtures/${name}`, import.meta.url));
const certificateOf = (name: string): string => readFileSync(pathOf(`${name}.cert.pem`), 'utf8');

async function sendTo(
  certificate: string,
  tls: NatsConnectionOptions['tls'],
): Promise<{ readonly result: UploadResult; readonly stored: number }> {
  const files = `cert_file: "${pathOf(`${certificate}.cert.pem`)}", key_file: "${pathOf('localhost.key.pem')}"`;
  await using server = await NatsServer.start({ config: `tls { ${files} }` });
  const servers = `localhost:${server.port}`;
  await using view = await StreamView.open(servers, { tls: { rejectUnauthorized: false } });
  await view.addStream();
  const uploader = new NatsUploader<never>({
    mode: 'segment',
    subject: 'events.x',
    connection: { servers, ...(tls === undefined ? {} : { tls }) },
  });
  try {
    const result = await upload(uploader, await leasedSegment(lines(1)));
    return { result, stored: (await view.messages()).length };
  } finally {
    await uploader.close();
  }
}

describe.skipIf(!isNatsInstalled)(`a certificate${natsMark}`, () => {
  it('that is known and fits is accepted', async () => {
    expect(await sendTo('localhost', { ca: certificateOf('localhost') })).toMatchObject({
      result: { status: 'accepted' },
      stored: 1,
    });
  });

  it.each([
    ['self-signed', 'localhost', {}],
    ['self-signed, with no word of tls', 'localhost', undefined],
    ['expired', 'expired', { ca: certificateOf('expired') }],
    ['of another host', 'other-host', { ca: certificateOf('other-host') }],
  ])('that is %s blocks, and nothing is sent', async (_, certificate, tls) => {
    // The environment does not turn the checks off.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      expect(await sendTo(certificate, tls)).toMatchObject({ result: { status: 'blocked' }, stored: 0 });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
