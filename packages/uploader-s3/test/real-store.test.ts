// Goal: a real S3 server takes what the uploader signs, keeps it byte for byte, and refuses what is wrong.
// Method: Ceph's gateway (RGW) on loopback, started here; skipped where its programs are missing. What it holds is read with
// requests that the library signs, not the code under test.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskExportQueue } from '@relaykit/export-queue';
import { InMemorySegmentStore } from '@relaykit/testing';
import type { S3UploaderOptions } from '@relaykit/uploader-s3';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etagOf } from './fake-s3.ts';
import { leasedSegment, s3Uploader, upload } from './support.ts';

const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'monmaptool'];
const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
const name =
  missing.length === 0 ? 'a real store' : `a real store (skipped: ${missing.join(', ')} of Ceph not installed)`;

describe.skipIf(missing.length > 0)(name, () => {
  const credentials = { accessKeyId: 'relay', secretAccessKey: 'relaysecret' };
  const client = new AwsClient({ ...credentials, service: 's3', region: 'us-east-1', retries: 0 });
  let endpoint = '';
  let stop = async (): Promise<void> => undefined;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'relaykit-rgw-'));
    const ports = [await freePort(), await freePort()];
    const script = join(import.meta.dirname, 'ceph-rgw.sh');
    const child = spawn('bash', [script, directory, ...ports.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    stop = async () => {
      child.stdin.end();
      await ended;
      await rm(directory, { recursive: true, force: true });
    };
    const isReady = await new Promise<boolean>((resolve) => {
      child.stdout.on('data', (text) => String(text).includes('ready') && resolve(true));
      child.on('close', () => resolve(false));
    });
    if (!isReady) throw new Error('ceph-rgw.sh ended before the gateway was ready');
    endpoint = `http://127.0.0.1:${ports[0]}`;
    const made = await client.fetch(`${endpoint}/events`, { method: 'PUT' });
    expect(made.status).toBe(200);
  }, 900_000);

  afterAll(() => stop(), 300_000);

  const uploaderWith = (options: Partial<S3UploaderOptions> = {}) => s3Uploader({ endpoint, credentials, ...options });
  const stored = (id: string): Promise<Response> =>
    client.fetch(`${endpoint}/events/2026-01-01/${id}.ndjson`, { headers: { 'accept-encoding': 'identity' } });

  it.each([1, 65_536, 8 * 1_048_576 + 1])('takes %i bytes and keeps them', async (sizeBytes) => {
    const content = randomBytes(sizeBytes);
    const uploader = uploaderWith();
    const segment = await leasedSegment(content);
    expect(await upload(uploader, segment)).toEqual({ status: 'accepted', receipt: etagOf(content) });
    await uploader.close();

    const response = await stored(segment.info.id);
    expect(response.status).toBe(200);
    const kept = new Uint8Array(await response.arrayBuffer());
    expect(createHash('sha256').update(kept).digest('hex')).toBe(segment.info.metadata.sha256);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    expect(response.headers.get('x-amz-meta-relay-segment-id')).toBe(segment.info.id);
    expect(response.headers.get('x-amz-meta-relay-sha256')).toBe(segment.info.metadata.sha256);
  });

  it('takes a coding, a key identifier and headers of one’s own', async () => {
    const uploader = uploaderWith({ headers: { 'x-amz-tagging': 'team=blue&stage=test' } });
    const format = { name: 'jsonl+gzip', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' };
    const segment = await leasedSegment('x', {
      format: { ...format, contentEncoding: 'gzip' },
      keyId: 'key  with  spaces',
    });
    expect((await upload(uploader, segment)).status).toBe('accepted');
    await uploader.close();
  });

  it('takes keys of every allowed character', async () => {
    const uploader = uploaderWith({ keyTemplate: "Az09!_.*'()=-/{date}/{segmentId}.{extension}" });
    const { status } = await upload(uploader, await leasedSegment('x'));
    expect(status).toBe('accepted');
    await uploader.close();
  });

  it('keeps one object where the answer of an earlier attempt was lost', async () => {
    const uploader = uploaderWith({ ifNoneMatch: true, keyTemplate: 'once/{segmentId}.{extension}' });
    const segment = await leasedSegment('{"n":1}\n');
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect((await upload(uploader, segment)).status).toBe('accepted');
    // The same name with other bytes is not this segment, and is not written over.
    const other = await leasedSegment('{"n":2}\n');
    expect((await upload(uploader, other)).status).toBe('rejected');
    const response = await client.fetch(`${endpoint}/events/once/${segment.info.id}.ndjson`);
    expect(await response.text()).toBe('{"n":1}\n');
    await uploader.close();
  });

  it('refuses bytes that are not those that were signed', async () => {
    const segment = await leasedSegment('{"n":1}\n', { sha256: 'f'.repeat(64) });
    const uploader = uploaderWith();
    expect((await upload(uploader, segment)).status).toBe('retry');
    await uploader.close();
  });

  it.each([
    ['a bucket that is not there', { bucket: 'nowhere' }, 'NoSuchBucket'],
    ['a wrong secret', { credentials: { ...credentials, secretAccessKey: 'wrong' } }, 'SignatureDoesNotMatch'],
    ['an unknown key', { credentials: { ...credentials, accessKeyId: 'nobody' } }, 'InvalidAccessKeyId'],
  ] satisfies [string, Partial<S3UploaderOptions>, string][])('blocks at %s', async (_, options, code) => {
    const uploader = uploaderWith(options);
    const result = await upload(uploader, await leasedSegment('x'));
    expect(result).toMatchObject({ status: 'blocked', cause: { message: expect.stringContaining(code) } });
    await uploader.close();
  });

  it('is told the right time where the clock is a day off', async () => {
    const real = Date.now();
    const { systemClock } = await import('@relaykit/segments');
    const clock = { ...systemClock(), now: () => real - 86_400_000 };
    const uploader = uploaderWith({ clock: Object.assign(Object.create(systemClock()), clock) });
    expect((await upload(uploader, await leasedSegment('x'))).status).toBe('accepted');
    await uploader.close();
  });

  it('receives a whole spool through the queue, each segment once', async () => {
    const store = new InMemorySegmentStore();
    for (let n = 0; n < 50; n += 1) await store.addSegment({ content: `{"n":${n}}\n` });
    const ids = store.ids;
    const uploader = uploaderWith({ keyTemplate: 'spool/{segmentId}.{extension}' });
    await using queue = new DiskExportQueue({ store, uploader, concurrency: 4 });
    expect(await queue.drain()).toMatchObject({ delivered: 50, remaining: 0 });
    const listing = await (await client.fetch(`${endpoint}/events?prefix=spool%2F`)).text();
    const keys = [...listing.matchAll(/<Key>([^<]+)<\/Key>/gu)].map(([, key]) => key);
    expect(keys).toEqual(ids.map((id) => `spool/${id}.ndjson`));
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
