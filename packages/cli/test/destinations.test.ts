// Goal: relay export finds its uploader by the address, and keeps credentials out of command line and messages;
// relay quarantine lists, puts back and gives up.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { jsonLines, relay } from './in-process.ts';
import { TestReceiver } from './receiver.ts';
import { newSpool } from './spool.ts';

async function spoolOf(...inputs: readonly string[]): Promise<string> {
  const spool = await newSpool();
  for (const stdin of inputs)
    expect(await relay(['record', '--dir', spool, '--gzip'], { stdin })).toMatchObject({ code: 0 });
  return spool;
}

describe('relay export to S3', () => {
  it('puts each segment below the prefix, with credentials of the environment', async () => {
    const puts: { url: string | undefined; headers: IncomingMessage['headers'] }[] = [];
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        puts.push({ url: request.url, headers: request.headers });
        response.writeHead(200, { etag: '"x"' }).end();
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
    onTestFinished(() => void server.close());
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-canary');
    onTestFinished(() => void vi.unstubAllEnvs());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const to = ['--to', 's3://my-events/raw/', '--s3-region', 'eu-central-1', '--s3-endpoint', endpoint];
    const spool = await spoolOf('1\n', '2\n');
    expect(await relay(['export', '--dir', spool, ...to])).toMatchObject({ code: 0, stderr: '' });
    expect(puts).toHaveLength(2);
    expect(puts[0]?.url).toMatch(/^\/my-events\/raw\/\d{4}-?\d{2}-?\d{2}\/\S+\.ndjson\.gz$/u);
    expect(puts[0]?.headers.authorization).toContain('AKIDEXAMPLE');
    expect(JSON.stringify(puts)).not.toContain('secret-canary');
  });

  it.each([
    [['--to', 's3://'], /--to must be s3:\/\/BUCKET/u],
    [['--to', 's3://bucket'], /needs a region/u],
    [['--to', 's3://bucket', '--s3-region', 'x'], /needs credentials: set AWS_ACCESS_KEY_ID/u],
  ])('refuses %j', async (to, message) => {
    for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const refused = await relay(['export', '--dir', 'x', ...to]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});

const hasNats = spawnSync('nats-server', ['--version']).status === 0;

describe('relay export to S3, with credentials', () => {
  it.each([
    [['--to', 's3://B'], /^relay: the bucket in --to must be a bucket's name/u],
    [['--to', 's3://bucket', '--s3-region', 'EU_'], /^relay: --s3-region, or AWS_REGION, must be lower-case/u],
    [['--to', 's3://bucket/a', '--s3-key', '{date}'], /^relay: the prefix in --to and --s3-key, in one, must hold/u],
    [
      ['--to', 's3://bucket', '--s3-endpoint', 'http://x.test'],
      /^relay: --s3-endpoint must be https, or http to this/u,
    ],
    [['--to', 's3://bucket', '--s3-endpoint', 'https://u:p@x.test'], /^relay: --s3-endpoint must not .* set AWS_/u],
    [['--to', 's3://bucket', '--s3-endpoint', 'nowhere'], /^relay: --s3-endpoint must be an absolute/u],
    [['--to', 's3://bucket', '--header', 'x-a: \u20ac'], /^relay: --header x-a must be printable/u],
  ])('says %j is not right in words of the command', async (to, message) => {
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-canary');
    onTestFinished(() => void vi.unstubAllEnvs());
    const refused = await relay(['export', '--dir', 'x', ...to]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret canary');
    const unsigned = await relay(['export', '--dir', 'x', '--to', 's3://bucket']);
    expect(unsigned).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^relay: AWS_SECRET_ACCESS_KEY must be/u),
    });
  });
});

describe('relay export to NATS', () => {
  it.each([
    ['nats://127.0.0.1:4222/a..b', /^relay: the subject in --to must be tokens/u],
    ['nats://127.0.0.1:4222/a%b', /^relay: the subject in --to must have %25/u],
    ['nats://:4222/events', /^relay: the servers in --to must be host:port/u],
    ['tls://192.0.2.1:4222/events', /^relay: --to must name servers by host/u],
    ['nats://127.0.0.1:4222', /--to must be nats:\/\/HOST:PORT\/SUBJECT/u],
    ['nats://user:secret-canary@127.0.0.1:4222/events', /with the login in NATS_USER/u],
    ['nats://example.com:4222/events', /^relay: --to must be tls:\/\/…, or nats:\/\/ to this machine\n/u],
  ])('refuses %s without a word of a login', async (to, message) => {
    const refused = await relay(['export', '--dir', 'x', '--to', to]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    expect(refused.stderr).not.toContain('secret-canary');
  });

  it.skipIf(!hasNats)('publishes each event into a stream of a real server', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'relay-nats-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const config = join(folder, 'server.conf');
    await writeFile(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/store" }\n`);
    const server = spawn('nats-server', ['-c', config], { stdio: 'ignore' });
    onTestFinished(() => void server.kill('SIGKILL'));
    await vi.waitFor(() => accepts(port), { timeout: 30_000, interval: 100 });
    const { connect: connectNats } = await import('@nats-io/transport-node');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const connection = await connectNats({ servers: `127.0.0.1:${port}` });
    onTestFinished(() => connection.close());
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'events', subjects: ['events'], duplicate_window: 24 * 3_600 * 1e9 });
    const spool = await spoolOf('{"a":1.0}\n2\n', '3\n');
    const to = ['--to', `nats://127.0.0.1:${port}/events`, '--nats-mode', 'event', '--nats-stream', 'events'];
    expect(await relay(['export', '--dir', spool, ...to])).toMatchObject({ code: 0 });
    const { state } = await manager.streams.info('events');
    expect(state.messages).toBe(3);
    const first = await manager.streams.getMessage('events', { seq: 1 });
    expect(first?.string()).toBe('{"a":1.0}');
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

describe('relay quarantine', () => {
  async function quarantined(): Promise<{ spool: string; ids: string[] }> {
    const spool = await spoolOf('1\n2\n', '3\n');
    await using receiver = await TestReceiver.start(() => 422);
    const first = await relay(['export', '--dir', spool, '--to', receiver.url]);
    expect([5, 6]).toContain(first.code);
    const ids = jsonLines<{ id: string }>(await relay(['quarantine', 'ls', '--dir', spool, '--json'])).map(
      ({ id }) => id,
    );
    expect(ids.length).toBeGreaterThan(0);
    return { spool, ids };
  }

  it('lists what is there, with reason', async () => {
    const { spool, ids } = await quarantined();
    const { code, stdout } = await relay(['quarantine', 'ls', '--dir', spool]);
    expect(code).toBe(0);
    for (const id of ids) expect(stdout).toMatch(new RegExp(`^${id} +\\d+ s +\\d .*rejected: .*422`, 'mu'));
    expect(await relay(['quarantine', 'ls', '--dir', await spoolOf()])).toMatchObject({ code: 1 });
  });

  it('puts back what is then delivered', async () => {
    const { spool, ids } = await quarantined();
    const put = await relay(['quarantine', 'requeue', '--dir', spool, '--all']);
    expect(put).toMatchObject({ code: 0, stdout: ids.map((id) => `${id}  requeued\n`).join('') });
    await using receiver = await TestReceiver.start();
    expect(await relay(['export', '--dir', spool, '--to', receiver.url])).toMatchObject({ code: 0 });
    expect(receiver.keys).toEqual(expect.arrayContaining(ids));
    expect((await relay(['quarantine', 'ls', '--dir', spool])).stdout).toBe('Nothing is in quarantine.\n');
    expect(await relay(['verify', '--dir', spool])).toMatchObject({ code: 0, stdout: 'sound\n' });
    expect(jsonLines(await relay(['stat', '--dir', spool, '--json']))[0]).toMatchObject({ added: 3, delivered: 3 });
  });

  it('gives up one, with its reason in the accounts', async () => {
    const { spool, ids } = await quarantined();
    const [id = ''] = ids;
    const gone = await relay(['quarantine', 'discard', '--dir', spool, id, '--reason', 'spam', '--json']);
    expect(gone).toMatchObject({ code: 0, stdout: `{"id":"${id}","status":"discarded"}\n` });
    expect(jsonLines<{ dropped: object }>(await relay(['stat', '--dir', spool, '--json']))[0]?.dropped).toHaveProperty(
      'spam',
    );
    const again = await relay(['quarantine', 'discard', '--dir', spool, id]);
    expect(again).toMatchObject({ code: 8, stdout: `${id}  left: it is not in quarantine\n` });
  });

  it('needs to be told which', async () => {
    const { spool, ids } = await quarantined();
    for (const args of [[], ['--all', ...ids]]) {
      expect(await relay(['quarantine', 'requeue', '--dir', spool, ...args])).toMatchObject({ code: 2 });
    }
  });
});
