// Goal: nothing is sent to a host that cannot show who it is, and the queue is told to stop.
// Method: real TLS servers on loopback with good and bad certificates.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type HttpTransport, HttpUploader, type TlsOptions } from '@relaykit/export-queue';
import type { UploadResult } from '@relaykit/types';
import { afterEach, expect, it, vi } from 'vitest';
import { leasedSegment } from './leased-segment.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const key = fixture('localhost.key.pem');

let server: Server | undefined;
let requests = 0;

afterEach(async () => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  requests = 0;
});

async function sendTo(certificate: string, tls?: TlsOptions): Promise<UploadResult> {
  server = createServer({ key, cert: fixture(`${certificate}.cert.pem`) }, (request, response) => {
    requests += 1;
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const uploader = new HttpUploader({ url: `https://localhost:${port}/`, ...(tls === undefined ? {} : { tls }) });
  try {
    return await uploader.upload(await leasedSegment('{"n":1}\n'), { signal: new AbortController().signal });
  } finally {
    await uploader.close();
  }
}

it('a certificate that is known and fits is accepted', async () => {
  await expect(sendTo('localhost', { ca: fixture('localhost.cert.pem') })).resolves.toEqual({ status: 'accepted' });
});

it.each([
  ['self-signed', 'localhost', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['expired', 'expired', { ca: fixture('expired.cert.pem') }, 'CERT_HAS_EXPIRED'],
  ['of another host', 'other-host', { ca: fixture('other-host.cert.pem') }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
])('a certificate that is %s blocks, and nothing is sent', async (_name, certificate, tls, systemCode) => {
  await expect(sendTo(certificate, tls)).resolves.toMatchObject({
    status: 'blocked',
    cause: { facts: { systemCode } },
  });
  expect(requests).toBe(0);
});

it('the environment does not turn the checks off', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  await expect(sendTo('localhost')).resolves.toMatchObject({ status: 'blocked' });
});

it('an option does', async () => {
  await expect(sendTo('localhost', { rejectUnauthorized: false })).resolves.toEqual({ status: 'accepted' });
});

it.each<[string, Uint8Array | string]>([
  ['a host that speaks no TLS, as a portal in between', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['an alert, as of a load balancer that is being exchanged', Uint8Array.of(21, 3, 3, 0, 2, 2, 80)],
])('%s is left alone for a while and tried again', async (_name, answer) => {
  const plain = createTcpServer(
    (socket) =>
      void socket
        .resume()
        .on('error', () => undefined)
        .write(answer),
  );
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as AddressInfo;
  const uploader = new HttpUploader({
    url: `https://127.0.0.1:${port}/canary?canary`,
    headers: { authorization: 'canary' },
  });
  const result = await uploader.upload(await leasedSegment('{"n":1}\n'), { signal: new AbortController().signal });
  expect(result).toMatchObject({
    status: 'retry',
    pausesDestination: true,
    cause: { message: expect.not.stringContaining('canary') },
  });
  await uploader.close();
  await new Promise((resolve) => plain.close(resolve));
});

it.each([
  ['key', { cert: fixture('localhost.cert.pem'), key: 'canary: no key' }],
  ['pfx', { pfx: Buffer.from('canary: no archive') }],
  ['minVersion', { minVersion: 'canary' as 'TLSv1.2' }],
] satisfies [string, TlsOptions][])('%s that cannot be read is said at once, and not repeated', (_name, tls) => {
  const make = (): unknown => new HttpUploader({ url: 'https://localhost:1/', tls });
  expect(make).toThrow(TypeError);
  expect(make).toThrow('tls must hold');
  expect(make).not.toThrow('canary');
});

it.each(['EPROTO', 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'ERR_SSL_CIPHER_OPERATION_FAILED'])(
  'a byte that changed on the way (%s) does not block',
  async (code) => {
    const transport: HttpTransport = {
      send: () => Promise.reject(Object.assign(new Error('bad record'), { code })),
      close: async () => undefined,
    };
    const uploader = new HttpUploader({ url: 'https://localhost:1/', transport });
    const result = await uploader.upload(await leasedSegment('{"n":1}\n'), { signal: new AbortController().signal });
    expect(result).toMatchObject({ status: 'retry', pausesDestination: true, cause: { facts: { systemCode: code } } });
  },
);
