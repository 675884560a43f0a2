// Goal: what the store says decides rightly over a segment, and nothing that is secret comes out.
// Method: a store on loopback that answers by script.
import { createHash } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { DiskExportQueue, fetchTransport } from '@relaykit/export-queue';
import { InMemorySegmentStore, ManualClock } from '@relaykit/testing';
import type { Logger } from '@relaykit/types';
import { DEFAULT_S3_ERROR_TABLE, S3Uploader, type S3UploaderOptions } from '@relaykit/uploader-s3';
import { describe, expect, it } from 'vitest';
import { etagOf, FakeS3, hang, s3Error } from './fake-s3.ts';
import { credentials, leasedSegment, s3Uploader, upload } from './support.ts';

const content = '{"n":1}\n{"n":2}\n';

describe('an object', () => {
  it('holds the bytes of the segment, and says what they are', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint, headers: { 'X-Amz-Storage-Class': 'STANDARD_IA' } });
    const format = { name: 'jsonl+gzip', fileExtension: 'ndjson.gz', mediaType: 'application/x-ndjson' };
    const segment = await leasedSegment(content, { format: { ...format, contentEncoding: 'gzip' }, keyId: 'k1' });

    const result = await upload(uploader, segment);

    expect(result).toEqual({ status: 'accepted', receipt: etagOf(Buffer.from(content)) });
    const sha256 = createHash('sha256').update(content);
    expect(store.requests).toHaveLength(1);
    expect(store.requests[0]).toMatchObject({
      method: 'PUT',
      path: `/events/2026-01-01/${segment.info.id}.ndjson`,
      headers: {
        'content-length': String(content.length),
        'content-type': 'application/x-ndjson',
        'content-encoding': 'gzip',
        'x-amz-checksum-sha256': sha256.copy().digest('base64'),
        'x-amz-content-sha256': sha256.digest('hex'),
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-meta-relay-segment-id': segment.info.id,
        'x-amz-meta-relay-spool-id': 'in-memory',
        'x-amz-meta-relay-writer-id': 'k3f9q2m4xa',
        'x-amz-meta-relay-first-sequence': '0',
        'x-amz-meta-relay-event-count': '2',
        'x-amz-meta-relay-format': 'jsonl+gzip',
        'x-amz-meta-relay-key-id': 'k1',
      },
    });
    expect(store.requests[0]?.headers).not.toHaveProperty('if-none-match');
    expect(store.requests[0]?.headers).not.toHaveProperty('transfer-encoding');
    await uploader.close();
  });

  it('has the same key in every attempt', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint });
    const segment = await leasedSegment(content);
    await upload(uploader, segment);
    await upload(uploader, segment);
    expect(store.objects.size).toBe(1);
    await uploader.close();
  });

  it.each([
    ['the default', {}, 'https://events.s3.eu-central-1.amazonaws.com/k'],
    ['a path', { addressing: 'path' }, 'https://s3.eu-central-1.amazonaws.com/events/k'],
    ['a bucket with a dot', { bucket: 'my.events' }, 'https://s3.eu-central-1.amazonaws.com/my.events/k'],
    ['an endpoint', { endpoint: 'https://minio.example:9000' }, 'https://minio.example:9000/events/k'],
    ['an endpoint with a path', { endpoint: 'https://h.example/s3/' }, 'https://h.example/s3/events/k'],
    [
      'an endpoint with virtual hosts',
      { endpoint: 'https://store.example', addressing: 'virtualHost' },
      'https://events.store.example/k',
    ],
  ] satisfies [string, Partial<S3UploaderOptions>, string][])('is addressed by %s', async (_, options, url) => {
    const urls: string[] = [];
    const uploader = s3Uploader({
      region: 'eu-central-1',
      keyTemplate: 'k{segmentId}',
      ...options,
      transport: {
        send: (request) => {
          urls.push(request.url.href);
          return Promise.reject(new Error('not sent'));
        },
        close: async () => undefined,
      },
    });
    const segment = await leasedSegment(content);
    await upload(uploader, segment);
    expect(urls).toEqual([url + segment.info.id]);
  });
});

describe('an answer', () => {
  it.each([
    [503, 'SlowDown', 'retry'],
    [503, 'ServiceUnavailable', 'retry'],
    [429, 'TooManyRequests', 'retry'],
    [500, 'InternalError', 'retry'],
    [400, 'RequestTimeout', 'retry'],
    [400, 'IncompleteBody', 'retry'],
    [400, 'BadDigest', 'retry'],
    [400, 'XAmzContentSHA256Mismatch', 'retry'],
    [409, 'OperationAborted', 'retry'],
    [307, 'TemporaryRedirect', 'retry'],
    [507, 'XMinioStorageFull', 'retry'],
    [400, 'EntityTooLarge', 'rejected'],
    [400, 'KeyTooLongError', 'rejected'],
    [400, 'MetadataTooLarge', 'rejected'],
    [403, 'AccessDenied', 'blocked'],
    [403, 'InvalidAccessKeyId', 'blocked'],
    [403, 'SignatureDoesNotMatch', 'blocked'],
    [403, 'RequestTimeTooSkewed', 'blocked'],
    [403, 'QuotaExceeded', 'blocked'],
    [400, 'ExpiredToken', 'blocked'],
    [400, 'InvalidToken', 'blocked'],
    [400, 'AuthorizationHeaderMalformed', 'blocked'],
    [400, 'InvalidArgument', 'blocked'],
    [400, 'SomethingNew', 'blocked'],
    [404, 'NoSuchBucket', 'blocked'],
    [405, 'MethodNotAllowed', 'blocked'],
    [301, 'PermanentRedirect', 'blocked'],
    [418, 'Nobody defined this', 'blocked'],
    [600, 'Nobody defined this', 'retry'],
  ] as const)('of %i %s: %s', async (status, code, expected) => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint });
    // Every clock is right here: a correction changes nothing.
    store.otherwise(s3Error(status, code, { location: 'http://127.0.0.1:9/', date: new Date().toUTCString() }));
    const result = await upload(uploader, await leasedSegment(content));
    expect(result.status).toBe(expected);
    expect(store.requests).toHaveLength(1);
    const known = code in DEFAULT_S3_ERROR_TABLE || /^\w+$/u.test(code);
    expect(String((result as { cause: Error }).cause.message)).toContain(known ? `${status} ${code}` : `${status}`);
    await uploader.close();
  });

  it('holds back the others where the store is busy, for as long as it says', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint });
    store.script(s3Error(503, 'SlowDown', { 'retry-after': '7' }), s3Error(500, 'InternalError'));
    const segment = await leasedSegment(content);
    expect(await upload(uploader, segment)).toMatchObject({ pausesDestination: true, retryAfterMs: 7_000 });
    expect(await upload(uploader, segment)).not.toHaveProperty('pausesDestination');
    await uploader.close();
  });

  it('is judged by the table that is given', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({
      endpoint: store.endpoint,
      errorTable: { QuotaExceeded: 'retryPausing', '5xx': 'blocked' },
    });
    store.script(s3Error(403, 'QuotaExceeded'), s3Error(500, 'Unheard'), s3Error(500, 'InternalError'));
    const segment = await leasedSegment(content);
    expect(await upload(uploader, segment)).toMatchObject({ status: 'retry', pausesDestination: true });
    expect((await upload(uploader, segment)).status).toBe('blocked');
    expect((await upload(uploader, segment)).status).toBe('retry');
    await uploader.close();
  });

  it('of 200 without an ETag is no store’s, and blocks', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint });
    store.otherwise((_, response) => response.writeHead(200).end('<html>Welcome to the hotel</html>'));
    expect((await upload(uploader, await leasedSegment(content))).status).toBe('blocked');
    await uploader.close();
  });

  it('of 200 that comes before the body was sent is tried again', async () => {
    const early = createHttpServer((_, response) => response.writeHead(200, { etag: '"x"' }).end());
    await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve));
    const uploader = s3Uploader({ endpoint: `http://127.0.0.1:${(early.address() as { port: number }).port}` });
    const segment = await leasedSegment('x'.repeat(200_000));
    const unfinished = {
      ...segment,
      async *stream() {
        yield new Uint8Array(1_000);
        await new Promise(() => undefined);
      },
    };
    expect((await upload(uploader, unfinished)).status).toBe('retry');
    await uploader.close();
    early.closeAllConnections();
    await new Promise((resolve) => early.close(resolve));
  });

  it('of 200 with another checksum is tried again', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint });
    store.otherwise((_, response) => response.writeHead(200, { etag: '"x"', 'x-amz-checksum-sha256': 'AAAA' }).end());
    expect((await upload(uploader, await leasedSegment(content))).status).toBe('retry');
    await uploader.close();
  });

  it('that never comes is a retry', async () => {
    await using store = await FakeS3.listen();
    store.otherwise(hang);
    const uploader = s3Uploader({ endpoint: store.endpoint, timeoutMs: 50 });
    const result = await upload(uploader, await leasedSegment(content));
    expect(result).toMatchObject({ status: 'retry', cause: { facts: { systemCode: 'ETIMEDOUT' } } });
    await uploader.close();
  });

  it('from nobody is a retry', async () => {
    const port = await freePort();
    const uploader = s3Uploader({ endpoint: `http://127.0.0.1:${port}` });
    const result = await upload(uploader, await leasedSegment(content));
    expect(result).toMatchObject({ status: 'retry', cause: { facts: { systemCode: 'ECONNREFUSED' } } });
    await uploader.close();
  });
});

describe('credentials', () => {
  it('are asked for before each request, and a session token goes along', async () => {
    await using store = await FakeS3.listen();
    let asked = 0;
    const uploader = s3Uploader({
      endpoint: store.endpoint,
      credentials: async () => {
        asked += 1;
        return { ...credentials, accessKeyId: `AKID${asked}`, sessionToken: `token-${asked}` };
      },
    });
    const segment = await leasedSegment(content);
    await upload(uploader, segment);
    await upload(uploader, segment);
    expect(store.requests.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['token-1', 'token-2']);
    expect(store.requests[1]?.headers.authorization).toContain('Credential=AKID2/');
    expect(store.requests[1]?.headers.authorization).toContain('x-amz-security-token');
    await uploader.close();
  });

  it('that expired are asked for once more at once, and block where they are still expired', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint, credentials: async () => credentials });
    const segment = await leasedSegment(content);
    store.script(s3Error(400, 'ExpiredToken'));
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect(store.requests).toHaveLength(2);
    store.otherwise(s3Error(400, 'ExpiredToken'));
    expect((await upload(uploader, segment)).status).toBe('blocked');
    expect(store.requests).toHaveLength(4);
    await uploader.close();
  });

  it('that cannot be had are a retry; those that are wrong block', async () => {
    await using store = await FakeS3.listen();
    const answers = [
      () => Promise.reject(new Error('secret')),
      async () => ({ ...credentials, secretAccessKey: 'two words' }),
      async () => undefined as never,
    ];
    const uploader = s3Uploader({ endpoint: store.endpoint, credentials: () => answers.shift()?.() ?? credentials });
    const segment = await leasedSegment(content);
    expect((await upload(uploader, segment)).status).toBe('retry');
    expect((await upload(uploader, segment)).status).toBe('blocked');
    expect((await upload(uploader, segment)).status).toBe('blocked');
    expect(store.requests).toEqual([]);
    expect((await upload(uploader, segment)).status).toBe('accepted');
    await uploader.close();
  });

  it('that never come are a retry', async () => {
    const uploader = s3Uploader({
      endpoint: 'http://127.0.0.1:9',
      timeoutMs: 50,
      credentials: () => new Promise(() => undefined),
    });
    expect((await upload(uploader, await leasedSegment(content))).status).toBe('retry');
    await uploader.close();
  });
});

describe('a clock', () => {
  it('that is wrong is put right by the store’s', async () => {
    await using store = await FakeS3.listen();
    const nowMs = Date.UTC(2026, 0, 2);
    const clock = new ManualClock({ epochMs: nowMs - 86_400_000 });
    const uploader = s3Uploader({ endpoint: store.endpoint, clock });
    const date = new Date(nowMs).toUTCString();
    store.script(s3Error(403, 'RequestTimeTooSkewed', { date }));
    const segment = await leasedSegment(content);
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect(store.requests.map(({ headers }) => headers['x-amz-date'])).toEqual([
      '20260101T000000Z',
      '20260102T000000Z',
      '20260102T000000Z',
    ]);
    await uploader.close();
  });
});

describe('ifNoneMatch', () => {
  it('takes an object that is there already for an attempt whose answer was lost', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint, ifNoneMatch: true });
    const segment = await leasedSegment(content);
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect(await upload(uploader, segment)).toEqual({ status: 'accepted', receipt: etagOf(Buffer.from(content)) });
    expect(store.puts).toHaveLength(1);
    expect(store.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'HEAD']);
    await uploader.close();
  });

  it('works over fetch', async () => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint, ifNoneMatch: true, transport: fetchTransport() });
    const segment = await leasedSegment(content);
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect(store.puts).toHaveLength(1);
    await uploader.close();
  });

  it.each([
    ['another object', { 'x-amz-meta-relay-sha256': 'f'.repeat(64) }, 200, 'rejected'],
    ['another checksum', { 'x-amz-checksum-sha256': 'AAAA' }, 200, 'rejected'],
    ['an object of unknown content', {}, 200, 'blocked'],
    ['nothing any more', {}, 404, 'retry'],
    ['what must not be read', {}, 403, 'blocked'],
    ['a store that is busy now', {}, 503, 'retry'],
  ] as const)('finds %s', async (_, headers, status, expected) => {
    await using store = await FakeS3.listen();
    const uploader = s3Uploader({ endpoint: store.endpoint, ifNoneMatch: true });
    store.script(s3Error(412, 'PreconditionFailed'), (_request, response) => {
      response.writeHead(status, { etag: '"x"', ...headers }).end();
    });
    expect((await upload(uploader, await leasedSegment(content))).status).toBe(expected);
    await uploader.close();
  });
});

describe('an option', () => {
  it.each([
    [{ bucket: 'x' }, 'bucket'],
    [{ bucket: '../x' }, 'bucket'],
    [{ bucket: 'a/b' }, 'bucket'],
    [{ bucket: 'Upper', addressing: 'virtualHost' }, 'bucket'],
    [{ bucket: 'a.b.c', addressing: 'virtualHost' }, 'addressing'],
    [{ addressing: 'sideways' as 'path' }, 'addressing'],
    [{ region: 'EU West' }, 'region'],
    [{ endpoint: 'http://store.example' }, 'endpoint must be https'],
    [{ endpoint: 'https://user:pass@store.example' }, 'endpoint must not hold'],
    [{ endpoint: 'https://store.example/?x=1' }, 'query'],
    [{ endpoint: 'nowhere' }, 'endpoint'],
    [{ endpoint: 'https://store.example/a+b' }, 'plain path'],
    [{ endpoint: 'http://127.0.0.1:9000', addressing: 'virtualHost' }, 'addressing'],
    [{ endpoint: 'http://[::1]:9000', addressing: 'virtualHost' }, 'addressing'],
    [{ keyTemplate: '{date}' }, 'keyTemplate'],
    [{ credentials: { accessKeyId: 'a b', secretAccessKey: 'x' } }, 'accessKeyId'],
    [{ credentials: { ...credentials, sessionToken: 'x\r\ny' } }, 'sessionToken'],
    [{ headers: { 'x-amz-date': 'x' } }, 'x-amz-date'],
    [{ headers: { 'X-Amz-Checksum-Crc32': 'x' } }, 'x-amz-checksum-crc32'],
    [{ headers: { authorization: 'x' } }, 'authorization'],
    [{ headers: { 'x-amz-tagging': 'é' } }, 'x-amz-tagging'],
    [{ errorTable: { slow: 'sometimes' as 'retry' } }, 'errorTable'],
    [{ errorTable: { 'a b': 'retry' } }, 'errorTable'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ minBytesPerSecond: 1.5 }, 'minBytesPerSecond'],
    [{ ifNoneMatch: 'yes' as unknown as boolean }, 'ifNoneMatch'],
    [{ tls: {}, transport: fetchTransport() }, 'tls'],
  ] satisfies [Partial<S3UploaderOptions>, string][])('%j names itself', (options, message) => {
    expect(() => s3Uploader(options)).toThrow(message);
  });

  it('allows http where it is asked for', () => {
    expect(() => s3Uploader({ endpoint: 'http://store.example', allowInsecureHttp: true })).not.toThrow();
  });
});

it('refuses what cannot be described, by itself', async () => {
  const uploader = s3Uploader({ endpoint: 'http://127.0.0.1:9' });
  const segment = await leasedSegment(content, { spoolId: 'é' });
  expect((await upload(uploader, segment)).status).toBe('rejected');
  await uploader.close();
});

it('takes nothing after close()', async () => {
  const uploader = s3Uploader({ endpoint: 'http://127.0.0.1:9' });
  await uploader.close();
  await expect(upload(uploader, await leasedSegment(content))).rejects.toMatchObject({ code: 'RELAY_CLOSED' });
});

const canary = { accessKeyId: 'CANARYKEYID', secretAccessKey: 'canary-secret', sessionToken: 'canary-token' };
const canaries = [...Object.values(canary), 'canary-payload', 'canary-header', 'canary-answer'];

it.each([200, 301, 400, 401, 403, 404, 412, 429, 500, 503])('tells no secret about an answer of %i', async (status) => {
  await using store = await FakeS3.listen();
  store.otherwise(({ headers, body }, response) => {
    const said = `${headers.authorization} ${headers['x-amz-security-token']} ${body} canary-answer canary-secret`;
    response.writeHead(status, 'canary-answer', {
      location: `http://127.0.0.1:9/${canary.sessionToken}`,
      'x-said': said.replaceAll('\n', ' '),
    });
    response.end(`<Error><Code>canary-answer</Code><Message>${said}</Message></Error>`);
  });
  const lines: unknown[] = [];
  const note = (...line: unknown[]): void => void lines.push(line);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const segments = new InMemorySegmentStore();
  const { id } = await segments.addSegment({ content: '{"secret":"canary-payload"}\n' });
  const uploader = s3Uploader({
    endpoint: store.endpoint,
    credentials: async () => canary,
    headers: { 'x-amz-tagging': 'canary-header' },
  });
  await using queue = new DiskExportQueue({ store: segments, uploader, logger });
  const seen: unknown[] = [];
  for (const type of ['retryScheduled', 'quarantined', 'blocked', 'error'] as const) {
    queue.on(type, (event: unknown) => void seen.push(event));
  }
  await queue.drain();
  expect(store.requests.length).toBeGreaterThan(0);
  expect(seen.length).toBeGreaterThan(0);
  const output = inspect([seen, lines, segments.stateOf(id), segments.settled, queue, uploader], {
    depth: 20,
    showHidden: true,
    maxStringLength: null,
  });
  expect(output).toContain(id);
  for (const secret of canaries) expect(output.includes(secret), secret).toBe(false);
});

it('follows no redirect, so that no credential reaches another host', async () => {
  await using store = await FakeS3.listen();
  await using other = await FakeS3.listen();
  for (const transport of [undefined, fetchTransport()]) {
    const uploader = new S3Uploader({
      bucket: 'events',
      region: 'us-east-1',
      credentials,
      endpoint: store.endpoint,
      ...(transport === undefined ? {} : { transport }),
    });
    store.script(s3Error(307, 'PermanentRedirect', { location: `${other.endpoint}/events/x` }));
    expect((await upload(uploader, await leasedSegment(content))).status).toBe('blocked');
    await uploader.close();
  }
  expect(other.requests).toEqual([]);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
