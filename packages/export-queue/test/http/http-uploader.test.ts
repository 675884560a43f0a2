// Goal: whatever a receiver does, the uploader says what is true of the segment, in bounded time, and tells nobody secrets.
// Method: a real HTTP server on loopback that misbehaves by script.
import { createServer } from 'node:net';
import {
  DEFAULT_STATUS_TABLE,
  fetchTransport,
  HttpUploader,
  type HttpUploaderOptions,
  MAX_RESPONSE_BYTES,
} from '@relaykit/export-queue';
import { ManualClock } from '@relaykit/testing';
import { isRelayError, type LeasedSegment, type UploadResult } from '@relaykit/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support.ts';
import { leasedSegment } from './leased-segment.ts';
import { answering, MisbehavingServer } from './misbehaving-server.ts';

let server: MisbehavingServer;
const uploaders: HttpUploader[] = [];

beforeEach(async () => {
  server = await MisbehavingServer.listen();
});

afterEach(async () => {
  await Promise.all(uploaders.splice(0).map((uploader) => uploader.close()));
  await server[Symbol.asyncDispose]();
});

function uploaderTo(options: Partial<HttpUploaderOptions> = {}): HttpUploader {
  const uploader = new HttpUploader({ url: `${server.url}/events?source=a`, ...options });
  uploaders.push(uploader);
  return uploader;
}

const noAbort = new AbortController().signal;

async function send(uploader: HttpUploader, segment: LeasedSegment): Promise<UploadResult> {
  return uploader.upload(segment, { signal: noAbort });
}

describe.each([
  ['node', () => ({})],
  ['fetch', () => ({ transport: fetchTransport() })],
])('over the %s transport', (_name, transport) => {
  it('sends the bytes as they are, with their length, type, coding, digest and key', async () => {
    const content = Uint8Array.from({ length: 300_000 }, (_, index) => index % 256);
    const segment = await leasedSegment(content, {
      name: 'jsonl+gzip',
      fileExtension: 'ndjson.gz',
      mediaType: 'application/x-ndjson',
      contentEncoding: 'gzip',
    });
    server.script(answering(201, { 'x-request-id': 'req-9' }));

    await expect(send(uploaderTo(transport()), segment)).resolves.toEqual({ status: 'accepted', receipt: 'req-9' });

    const [request] = server.arrived;
    expect(request?.body.equals(content)).toBe(true);
    expect(request).toMatchObject({ method: 'POST', url: '/events?source=a' });
    expect(request?.headers).toMatchObject({
      'content-length': '300000',
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      'idempotency-key': segment.info.id,
      'content-digest': `sha-256=:${Buffer.from(segment.info.metadata.sha256, 'hex').toString('base64')}:`,
      'relay-format': segment.info.metadata.format.name,
      'relay-spool-id': segment.info.metadata.spoolId,
      'relay-writer-id': 'w',
      'relay-first-sequence': '0',
    });
    expect(request?.headers['transfer-encoding']).toBeUndefined();
  });

  it('sends an empty segment', async () => {
    await expect(send(uploaderTo(transport()), await leasedSegment(''))).resolves.toEqual({ status: 'accepted' });
    expect(server.arrived[0]?.headers['content-length']).toBe('0');
  });

  it.each<[number, UploadResult['status'], boolean]>([
    [200, 'accepted', false],
    [204, 'accepted', false],
    [300, 'blocked', false],
    [307, 'blocked', false],
    [308, 'blocked', false],
    [400, 'rejected', false],
    [401, 'blocked', false],
    [403, 'blocked', false],
    [404, 'blocked', false],
    [405, 'blocked', false],
    [408, 'retry', false],
    [409, 'retry', false],
    [413, 'rejected', false],
    [418, 'rejected', false],
    [422, 'rejected', false],
    [425, 'retry', false],
    [429, 'retry', true],
    [500, 'retry', false],
    [502, 'retry', false],
    [503, 'retry', true],
    [599, 'retry', false],
  ])('takes %i for %s', async (status, expected, isPausing) => {
    const segment = await leasedSegment('{"n":1}\n');
    server.script(answering(status));
    const result = await send(uploaderTo(transport()), segment);
    expect(result.status).toBe(expected);
    expect('pausesDestination' in result && result.pausesDestination === true).toBe(isPausing);
    if (result.status === 'accepted') return;
    expect(isRelayError(result.cause, 'RELAY_UPLOAD_FAILED') && result.cause.facts).toEqual({
      segmentId: segment.info.id,
      status,
      systemCode: undefined,
    });
  });

  it('never follows a redirect, and hands no header to another origin', async () => {
    await using other = await MisbehavingServer.listen();
    server.otherwise(answering(307, { location: `${other.url}/elsewhere` }));
    const uploader = uploaderTo({ ...transport(), headers: { 'x-api-key': 'secret' } });
    await expect(send(uploader, await leasedSegment('{"n":1}\n'))).resolves.toMatchObject({ status: 'blocked' });
    expect(other.requestCount).toBe(0);
    expect(server.requestCount).toBe(1);
  });

  it('tries again after a reset in the middle of the body', async () => {
    server.script(({ request, socket }) => request.once('data', () => socket.resetAndDestroy()));
    const segment = await leasedSegment(new Uint8Array(5_000_000));
    const result = await send(uploaderTo(transport()), segment);
    expect(result).toMatchObject({
      status: 'retry',
      cause: { code: 'RELAY_UPLOAD_FAILED', facts: { status: undefined } },
    });
    expect(result).not.toHaveProperty('pausesDestination');
    await expect(send(uploaderTo(transport()), segment)).resolves.toMatchObject({ status: 'accepted' });
  });

  it('tries again after a reset in place of an answer', async () => {
    server.script(async ({ readBody, socket }) => {
      await readBody();
      socket.resetAndDestroy();
    });
    const result = await send(uploaderTo(transport()), await leasedSegment('{"n":1}\n'));
    expect(result).toMatchObject({ status: 'retry' });
  });

  it('tries again when nobody listens', async () => {
    await server[Symbol.asyncDispose]();
    const result = await send(uploaderTo(transport()), await leasedSegment('{"n":1}\n'));
    expect(result).toMatchObject({ status: 'retry', cause: { facts: { systemCode: 'ECONNREFUSED' } } });
  });

  it('does not believe a 2xx that comes before the body was sent', async () => {
    server.script(({ response }) => response.writeHead(200).end('thanks'));
    const segment = await leasedSegment(new Uint8Array(50_000_000));
    await expect(send(uploaderTo(transport()), segment)).resolves.toMatchObject({ status: 'retry' });
  });

  it('gives up waiting for an answer that never comes', async () => {
    const clock = new ManualClock();
    server.script(({ readBody }) => readBody());
    const sending = send(uploaderTo({ ...transport(), clock, timeoutMs: 5_000 }), await leasedSegment('{"n":1}\n'));
    await until(() => server.arrived.length === 1);
    await clock.advanceAsync(5_000);
    await expect(sending).resolves.toMatchObject({ status: 'retry', cause: { facts: { systemCode: 'ETIMEDOUT' } } });
    expect(clock.pendingTimers).toEqual([]);
    await until(() => server.underWay === 0);
  });

  it('gives up on a receiver that stops reading', async () => {
    const clock = new ManualClock();
    server.script(({ request }) => request.pause());
    const sending = send(
      uploaderTo({ ...transport(), clock, timeoutMs: 5_000 }),
      await leasedSegment(new Uint8Array(50_000_000)),
    );
    let isDone = false;
    void sending.finally(() => {
      isDone = true;
    });
    await until(async () => {
      await clock.advanceAsync(1_000);
      return isDone;
    });
    await expect(sending).resolves.toMatchObject({ status: 'retry', cause: { facts: { systemCode: 'ETIMEDOUT' } } });
  });

  it('takes the status for the answer where the rest of it never comes, and drops the connection', async () => {
    const clock = new ManualClock();
    server.script(async ({ readBody, response }) => {
      await readBody();
      response.writeHead(200).write('and now');
    });
    const sending = send(uploaderTo({ ...transport(), clock }), await leasedSegment('{"n":1}\n'));
    await until(() => server.arrived.length === 1);
    let isDone = false;
    void sending.then(() => {
      isDone = true;
    });
    await until(async () => {
      await clock.advanceAsync(100);
      return isDone;
    });
    await expect(sending).resolves.toEqual({ status: 'accepted' });
    await until(() => server.underWay === 0);
  });

  it('reads a bounded part of an endless answer', async () => {
    let writtenBytes = 0;
    server.script(async ({ readBody, response }) => {
      await readBody();
      response.writeHead(200);
      const piece = Buffer.alloc(16_384);
      let onProgress = (): void => undefined;
      response.on('drain', () => onProgress()).on('close', () => onProgress());
      while (!response.destroyed) {
        writtenBytes += piece.byteLength;
        if (!response.write(piece))
          await new Promise<void>((resolve) => {
            onProgress = resolve;
          });
      }
    });
    const result = await send(uploaderTo(transport()), await leasedSegment('{"n":1}\n'));
    expect(result).toEqual({ status: 'accepted' });
    await until(() => server.underWay === 0);
    // What lies in the buffers of two sockets and no more.
    expect(writtenBytes).toBeLessThan(MAX_RESPONSE_BYTES + 16_000_000);
  });

  it('rejects with the reason of its signal, and ends the connection', async () => {
    server.script(({ readBody }) => readBody());
    const abort = new AbortController();
    const sending = uploaderTo(transport()).upload(await leasedSegment('{"n":1}\n'), { signal: abort.signal });
    await until(() => server.arrived.length === 1);
    const reason = new Error('closing');
    abort.abort(reason);
    await expect(sending).rejects.toBe(reason);
    await until(() => server.underWay === 0);
    await expect(
      uploaderTo(transport()).upload(await leasedSegment(''), { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  it('passes on what reading the segment throws: that is not the receiver', async () => {
    const segment = await leasedSegment(new Uint8Array(1_000_000));
    const failure = new Error('EIO');
    const broken: LeasedSegment = {
      ...segment,
      async *stream() {
        yield new Uint8Array(10);
        throw failure;
      },
    };
    await expect(send(uploaderTo(transport()), broken)).rejects.toBe(failure);
    expect(server.arrived).toEqual([]);
  });

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['-3', undefined],
    ['soon', undefined],
  ])('reads Retry-After: %s', async (value, retryAfterMs) => {
    server.script(answering(503, { 'retry-after': value, date: 'Wed, 21 Oct 2026 07:28:00 GMT' }));
    const result = await send(uploaderTo(transport()), await leasedSegment('{"n":1}\n'));
    expect('retryAfterMs' in result ? result.retryAfterMs : undefined).toBe(retryAfterMs);
  });
});

describe('407', () => {
  it('blocks over the node transport', async () => {
    server.script(answering(407));
    await expect(send(uploaderTo(), await leasedSegment('{"n":1}\n'))).resolves.toMatchObject({ status: 'blocked' });
  });

  it('is hidden by fetch, which makes it a network error, so it is tried again', async () => {
    server.script(answering(407));
    const uploader = uploaderTo({ transport: fetchTransport() });
    await expect(send(uploader, await leasedSegment('{"n":1}\n'))).resolves.toMatchObject({ status: 'retry' });
  });
});

describe('an early answer', () => {
  it('of 413 rejects the segment without sending the rest', async () => {
    server.script(({ response, request }) => {
      request.resume();
      response.writeHead(413).end();
    });
    const segment = await leasedSegment(new Uint8Array(50_000_000));
    await expect(send(uploaderTo(), segment)).resolves.toMatchObject({
      status: 'rejected',
      cause: { facts: { status: 413 } },
    });
    await until(() => server.connectionCount === 0);
  });
});

describe('a slow reader', () => {
  it('is waited for as long as it makes progress at the slowest rate', async () => {
    const clock = new ManualClock();
    let readBytes = 0;
    server.script(async ({ request, response }) => {
      for await (const piece of request) readBytes += (piece as Buffer).byteLength;
      response.writeHead(200).end();
    });
    const segment = await leasedSegment(new Uint8Array(3_000_000));
    // Three seconds pass with each piece that is taken: 65,536 bytes in three seconds are faster than 16 KiB a second.
    const slow: LeasedSegment = {
      ...segment,
      async *stream() {
        for await (const piece of segment.stream()) {
          yield piece;
          clock.advance(3_000);
        }
      },
    };
    await expect(send(uploaderTo({ clock, timeoutMs: 5_000 }), slow)).resolves.toEqual({ status: 'accepted' });
    expect(readBytes).toBe(3_000_000);
  });
});

describe('waiting for our own disk or bandwidth limit', () => {
  it('is not held against the receiver', async () => {
    const clock = new ManualClock();
    const segment = await leasedSegment(new Uint8Array(200_000));
    const throttled: LeasedSegment = {
      ...segment,
      async *stream() {
        for await (const piece of segment.stream()) {
          clock.advance(3_600_000);
          yield piece;
        }
      },
    };
    await expect(send(uploaderTo({ clock, timeoutMs: 5_000 }), throttled)).resolves.toEqual({ status: 'accepted' });
  });
});

describe('connections', () => {
  it('are used again, and end with close()', async () => {
    const uploader = uploaderTo();
    await send(uploader, await leasedSegment('{"n":1}\n'));
    await send(uploader, await leasedSegment('{"n":2}\n'));
    expect(server.connectionCount).toBe(1);
    await uploader.close();
    await uploader.close();
    await until(() => server.connectionCount === 0);
    const refused: unknown = await send(uploader, await leasedSegment('')).catch((cause: unknown) => cause);
    expect(isRelayError(refused, 'RELAY_CLOSED')).toBe(true);
  });

  it('of a transport of your own end with close() too', async () => {
    let closes = 0;
    const close = async (): Promise<void> => {
      closes += 1;
    };
    const transport = { send: () => Promise.reject(new Error('unused')), close };
    await new HttpUploader({ url: server.url, transport }).close();
    expect(closes).toBe(1);
  });

  it('that speak no HTTP are a failure to be tried again', async () => {
    const noise = createServer(
      (socket) =>
        void socket
          .resume()
          .on('error', () => undefined)
          .end('SSH-2.0-OpenSSH\r\n'),
    );
    await new Promise<void>((resolve) => noise.listen(0, '127.0.0.1', resolve));
    const { port } = noise.address() as { port: number };
    const result = await send(uploaderTo({ url: `http://127.0.0.1:${port}/` }), await leasedSegment('{"n":1}\n'));
    expect(result).toMatchObject({
      status: 'retry',
      cause: { facts: { systemCode: expect.stringMatching(/^(?:HPE_|ECONN)/u) } },
    });
    await new Promise((resolve) => noise.close(resolve));
  });
});

describe('headers', () => {
  it('are static, or asked for before each request', async () => {
    let calls = 0;
    const headers = async (): Promise<Record<string, string>> => {
      calls += 1;
      return { Authorization: `Bearer ${calls}` };
    };
    const uploader = uploaderTo({ headers });
    await send(uploader, await leasedSegment('{"n":1}\n'));
    await send(uploader, await leasedSegment('{"n":2}\n'));
    await send(
      uploaderTo({ headers: { Authorization: 'Bearer fixed', 'Content-Type': 'text/plain' } }),
      await leasedSegment('x\n'),
    );
    expect(server.arrived.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer 1',
      'Bearer 2',
      'Bearer fixed',
    ]);
    expect(server.arrived[2]?.headers['content-type']).toBe('text/plain');
  });

  it('that cannot be had are tried again; nothing is sent', async () => {
    const uploader = uploaderTo({
      headers: () => {
        throw new Error('token service: hunter2');
      },
    });
    const result = await send(uploader, await leasedSegment('{"n":1}\n'));
    expect(result).toMatchObject({ status: 'retry', cause: { message: expect.not.stringContaining('hunter2') } });
    expect(server.requestCount).toBe(0);
  });

  it('that never come are given up on', async () => {
    const clock = new ManualClock();
    const uploader = uploaderTo({ clock, headers: () => new Promise<never>(() => undefined) });
    const sending = send(uploader, await leasedSegment('{"n":1}\n'));
    await clock.advanceAsync(30_000);
    await expect(sending).resolves.toMatchObject({ status: 'retry', cause: { facts: { systemCode: 'ETIMEDOUT' } } });
  });

  it.each([
    ['a line break', { 'x-token': 'hunter2\r\nx-admin: 1' }],
    ['a character beyond Latin-1', { 'x-token': 'hunter2\u2603' }],
    ['a NUL', { 'x-token': 'hunter2\0' }],
    ['no text', { 'x-token': 7 as unknown as string }],
    ['a name with a space', { 'x token': 'hunter2' }],
    ['a name that frames the message', { 'Content-Length': '5' }],
    ['the idempotency key', { 'idempotency-key': 'mine' }],
  ])('with %s are refused, without their value being told', async (_name, headers) => {
    expect(() => uploaderTo({ headers })).toThrow(TypeError);
    expect(() => uploaderTo({ headers })).not.toThrow(/hunter2/u);
    const result = await send(uploaderTo({ headers: () => headers }), await leasedSegment('{"n":1}\n'));
    expect(result).toMatchObject({ status: 'blocked' });
    expect(JSON.stringify(result)).not.toContain('hunter2');
    expect(server.requestCount).toBe(0);
  });

  it('made from metadata cannot carry other headers: the segment is rejected', async () => {
    const segment = await leasedSegment('{"n":1}\n', {
      name: 'jsonl',
      fileExtension: 'ndjson',
      mediaType: 'text/plain\r\nx-admin: 1',
    });
    await expect(send(uploaderTo(), segment)).resolves.toMatchObject({ status: 'rejected' });
    expect(server.requestCount).toBe(0);
  });
});

describe('receipts', () => {
  it.each([
    ['x'.repeat(201), undefined],
    ['two words', undefined],
    ['ok-1', 'ok-1'],
  ])('%s', async (value, receipt) => {
    server.script(answering(200, { etag: value }));
    const result = await send(uploaderTo({ receiptHeader: 'ETag' }), await leasedSegment('{"n":1}\n'));
    expect(result.status === 'accepted' && result.receipt).toBe(receipt);
  });
});

describe('the status table', () => {
  it('is laid over the default, a status before its class', async () => {
    const uploader = uploaderTo({
      statusTable: { '404': 'retry', '4xx': 'blocked', '2xx': 'rejected', '202': 'accepted' },
    });
    const statuses: string[] = [];
    for (const status of [404, 418, 401, 200, 202, 500]) {
      server.script(answering(status));
      statuses.push((await send(uploader, await leasedSegment('{"n":1}\n'))).status);
    }
    expect(statuses).toEqual(['retry', 'blocked', 'blocked', 'rejected', 'accepted', 'retry']);
    expect(Object.isFrozen(DEFAULT_STATUS_TABLE)).toBe(true);
  });

  it.each([{ '4x': 'retry' }, { '700': 'retry' }, { '200': 'fine' }])('%j is refused', (statusTable) => {
    expect(() => uploaderTo({ statusTable: statusTable as never })).toThrow(/^statusTable/u);
  });
});

describe('the address', () => {
  it.each([
    'https://example.com/',
    'http://localhost:1/',
    'http://127.0.0.1/',
    'http://127.9.9.9/',
    'http://[::1]:80/',
    'http://0x7f.1/',
    'http://a.localhost/',
  ])('%s is taken', (url) => {
    expect(() => uploaderTo({ url })).not.toThrow();
  });

  it.each([
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://notlocalhost/',
    'http://10.0.0.1/',
  ])('%s needs allowInsecureHttp', (url) => {
    expect(() => uploaderTo({ url })).toThrow(/allowInsecureHttp/u);
    expect(() => uploaderTo({ url, allowInsecureHttp: true })).not.toThrow();
  });

  it.each([
    'nonsense?key=hunter2',
    'ftp://example.com/hunter2',
    'https://user:hunter2@example.com/',
    'http://example.com/hunter2?hunter2',
    '',
  ])('%s is refused without being told', (url) => {
    expect(() => uploaderTo({ url })).toThrow(TypeError);
    expect(() => uploaderTo({ url })).not.toThrow(/hunter2/u);
  });
});

describe('other options', () => {
  it.each([
    [{ timeoutMs: 0 }, 'timeoutMs must be a whole number >= 1, got 0'],
    [{ minBytesPerSecond: 0.5 }, 'minBytesPerSecond must be a whole number >= 1, got 0.5'],
    [{ method: 'GET' as 'PUT' }, 'method must be POST, PUT or PATCH, got GET'],
    [{ transport: {} as never }, 'transport must have a method send()'],
    [{ transport: fetchTransport(), tls: {} }, 'tls must not stand beside transport'],
  ])('are checked: %j', (options, message) => {
    expect(() => uploaderTo(options)).toThrow(message);
  });

  it('method is what is sent', async () => {
    await send(uploaderTo({ method: 'PUT' }), await leasedSegment('{"n":1}\n'));
    expect(server.arrived[0]?.method).toBe('PUT');
  });
});

it('headers() that names what does not exist blocks; one that is only early is tried again', async () => {
  const statusOf = async (headers: () => Record<string, string>): Promise<string> => {
    const uploader = new HttpUploader({ url: 'http://127.0.0.1:1/', headers });
    const result = await uploader.upload(await leasedSegment('{"n":1}\n'), { signal: new AbortController().signal });
    await uploader.close();
    return result.status;
  };
  const missing = new Function('return { authorization: freshToken() }') as () => Record<string, string>;
  await expect(statusOf(missing)).resolves.toBe('blocked');
  await expect(
    statusOf(() => {
      throw new TypeError('fetch failed');
    }),
  ).resolves.toBe('retry');
  const early = (): Record<string, string> => ({ authorization: token });
  const status = statusOf(early);
  await expect(status).resolves.toBe('retry');
  const token = 'late';
});
