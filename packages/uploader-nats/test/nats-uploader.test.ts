// Goal: what a real server does with messages decides rightly over segments, and a stream holds everything once.
import { createServer, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { DiskExportQueue } from '@relaykit/export-queue';
import { JSONEventSerializer, type RawJSONLine, RawJSONLineSerializer } from '@relaykit/serializers';
import { InMemorySegmentStore } from '@relaykit/testing';
import { describeSegmentUploader } from '@relaykit/testing/conformance';
import { isRelayError } from '@relaykit/types';
import {
  type EventModeOptions,
  type NatsConnectionOptions,
  NatsUploader,
  type NatsUploaderOptions,
} from '@relaykit/uploader-nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort, isNatsInstalled, NatsServer, natsMark, StreamView } from './nats-server.ts';
import { leasedSegment, lines, MemoryLogger, upload } from './support.ts';

type Raw = EventModeOptions<RawJSONLine>;
const serializers = [new RawJSONLineSerializer()];

describe.skipIf(!isNatsInstalled)(`a stream${natsMark}`, () => {
  let server: NatsServer;
  let view: StreamView;

  beforeAll(async () => {
    server = await NatsServer.start();
    view = await StreamView.open(server.address);
  });
  afterAll(async () => {
    await view?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    for await (const { config } of view.manager.streams.list()) await view.manager.streams.delete(config.name);
    await view.addStream();
  });

  const bySegment = (options: Partial<NatsUploaderOptions<never>> = {}): NatsUploader<never> =>
    new NatsUploader({
      mode: 'segment',
      subject: 'events.{writerId}',
      connection: { servers: server.address },
      ...options,
    } as NatsUploaderOptions<never>);
  const byEvent = (options: Partial<Raw> = {}): NatsUploader<RawJSONLine> =>
    new NatsUploader<RawJSONLine>({
      mode: 'event',
      subject: 'events.{writerId}',
      connection: { servers: server.address },
      serializers,
      ...options,
    });

  it('holds a segment as one message, which says what it is', async () => {
    const uploader = bySegment({ subject: 'events.{spoolId}.{writerId}' });
    const format = { name: 'jsonl+gzip', fileExtension: 'ndjson.gz', mediaType: 'application/x-ndjson' };
    const segment = await leasedSegment(lines(3), { format: { ...format, contentEncoding: 'gzip' }, keyId: 'k1' });
    expect(await upload(uploader, segment)).toEqual({ status: 'accepted', receipt: 'EVENTS:1' });
    await uploader.close();

    const [message, ...others] = await view.messages();
    expect(others).toEqual([]);
    expect(message?.subject).toBe('events.in-memory.k3f9q2m4xa');
    expect(new TextDecoder().decode(message?.data)).toBe(lines(3));
    expect(message?.headers).toEqual({
      'Nats-Msg-Id': segment.info.id,
      'Content-Type': 'application/x-ndjson',
      'Content-Encoding': 'gzip',
      'Relay-Format': 'jsonl+gzip',
      'Relay-Spool-Id': 'in-memory',
      'Relay-Writer-Id': 'k3f9q2m4xa',
      'Relay-First-Sequence': '0',
      'Relay-Event-Count': '3',
      'Relay-Content-Sha256': segment.info.metadata.sha256,
      'Relay-Key-Id': 'k1',
    });
  });

  it('holds a segment that is sent twice once', async () => {
    const uploader = bySegment();
    const segment = await leasedSegment(lines(3));
    expect(await upload(uploader, segment)).toEqual({ status: 'accepted', receipt: 'EVENTS:1' });
    expect(await upload(uploader, segment)).toEqual({ status: 'accepted', receipt: 'EVENTS:1' });
    expect(await view.messages()).toHaveLength(1);
    await uploader.close();
  });

  it('holds each event as a message, in order and as it was stored', async () => {
    const uploader = byEvent();
    const content = '{"b": 1, "a":9007199254740993}\n{"é":"\\u00e9"}\n[]\n';
    const segment = await leasedSegment(content, { firstSequence: 40 });
    expect((await uploader.upload(segment, { signal: new AbortController().signal })).status).toBe('accepted');
    await uploader.close();
    const messages = await view.messages();
    expect(messages.map(({ data }) => `${new TextDecoder().decode(data)}\n`).join('')).toBe(content);
    expect(messages[2]?.headers).toEqual({
      'Nats-Msg-Id': `${segment.info.id}:2`,
      'Relay-Format': 'jsonl',
      'Relay-Spool-Id': 'in-memory',
      'Relay-Writer-Id': 'k3f9q2m4xa',
      'Relay-Segment-Id': segment.info.id,
      'Relay-Sequence': '42',
    });
  });

  it('holds parsed events as JSON, or as encodeEvent says', async () => {
    const json = [new JSONEventSerializer<{ n: number }>()];
    const signal = new AbortController().signal;
    const plain = new NatsUploader({
      mode: 'event',
      subject: 'events.a',
      connection: { servers: server.address },
      serializers: json,
    });
    await plain.upload(await leasedSegment(lines(1)), { signal });
    const own = new NatsUploader({
      mode: 'event',
      subject: 'events.b',
      connection: { servers: server.address },
      serializers: json,
      encodeEvent: ({ n }) => `n=${n}`,
    });
    await own.upload(await leasedSegment(lines(1), { id: 'other' }), { signal });
    expect((await view.messages()).map(({ data }) => new TextDecoder().decode(data))).toEqual(['{"n":0}', 'n=0']);
    await plain.close();
    await own.close();
  });

  it('holds 5,000 events of a segment once each, however often it is cut off', async () => {
    const segment = await leasedSegment(lines(5_000));
    for (const afterMs of [20, 40, 60]) {
      const uploader = byEvent({ maxInFlight: 64 });
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('cut off')), afterMs);
      await uploader.upload(segment, { signal: abort.signal }).catch(() => undefined);
      await uploader.close();
    }
    const uploader = byEvent();
    expect((await upload(uploader as never, segment)).status).toBe('accepted');
    await uploader.close();
    const ids = (await view.messages()).map(({ headers }) => headers['Nats-Msg-Id']);
    expect(ids).toHaveLength(5_000);
    expect(new Set(ids).size).toBe(5_000);
  });

  it('takes no more messages at a time than allowed', async () => {
    let most = 0;
    let waiting = 0;
    const { connect } = await import('@nats-io/transport-node');
    const uploader = byEvent({
      maxInFlight: 3,
      connection: async () => {
        const connection = await connect({ servers: server.address });
        const request = connection.request.bind(connection);
        connection.request = (async (...args: Parameters<typeof request>) => {
          waiting += 1;
          most = Math.max(most, waiting);
          try {
            return await request(...args);
          } finally {
            waiting -= 1;
          }
        }) as typeof request;
        return connection;
      },
    });
    expect((await upload(uploader as never, await leasedSegment(lines(100)))).status).toBe('accepted');
    expect(most).toBe(3);
    await uploader.close();
  });

  it('that nobody made blocks', async () => {
    const uploader = bySegment({ subject: 'nowhere.{writerId}' });
    const result = await upload(uploader, await leasedSegment(lines(1)));
    expect(result).toMatchObject({ status: 'blocked', cause: { message: expect.stringContaining('no stream') } });
    await uploader.close();
  });

  it('that acknowledges nothing blocks: what is sent again would be stored again', async () => {
    await view.addStream({ name: 'SILENT', subjects: ['silent.>'], no_ack: true });
    const uploader = bySegment({ subject: 'silent.x', timeoutMs: 1_000 });
    const result = await upload(uploader, await leasedSegment(lines(1)));
    expect(result).toMatchObject({ status: 'blocked', cause: { message: expect.stringContaining('acknowledges') } });
    await uploader.close();
  });

  it('other than the expected one blocks, and stores nothing', async () => {
    const uploader = bySegment({ stream: 'OTHER' });
    expect((await upload(uploader, await leasedSegment(lines(1)))).status).toBe('blocked');
    expect(await view.messages()).toEqual([]);
    await uploader.close();
    const right = bySegment({ stream: 'EVENTS' });
    expect((await upload(right, await leasedSegment(lines(1)))).status).toBe('accepted');
    await right.close();
  });

  it('that is full is tried again, and holds the others back', async () => {
    await view.manager.streams.update('EVENTS', { max_msgs: 1, discard: 'new' as never });
    const uploader = bySegment();
    expect((await upload(uploader, await leasedSegment(lines(1)))).status).toBe('accepted');
    const second = await leasedSegment(lines(1), { id: 'second' });
    expect(await upload(uploader, second)).toMatchObject({ status: 'retry', pausesDestination: true });
    await uploader.close();
  });

  it('that takes small messages alone rejects a large one', async () => {
    await view.manager.streams.update('EVENTS', { max_msg_size: 1_000 });
    const uploader = bySegment();
    expect((await upload(uploader, await leasedSegment(lines(1_000)))).status).toBe('rejected');
    expect((await upload(uploader, await leasedSegment(lines(1)))).status).toBe('accepted');
    await uploader.close();
  });

  it('is never sent what exceeds max_payload', async () => {
    const large = await leasedSegment(`"${'x'.repeat(1_048_576)}"\n`);
    const whole = bySegment();
    const result = await upload(whole, large);
    expect(result).toMatchObject({ status: 'blocked', cause: { message: expect.stringContaining('max_payload') } });
    await whole.close();
    const several = byEvent();
    const mixed = await leasedSegment(`{"n":1}\n"${'x'.repeat(1_048_576)}"\n`);
    expect((await upload(several as never, mixed)).status).toBe('rejected');
    // Nothing of a segment that cannot be sent to its end.
    expect(await view.messages()).toEqual([]);
    // One that exceeds it as a whole goes event by event.
    const many = await leasedSegment(`"${'x'.repeat(600_000)}"\n`.repeat(2));
    expect((await upload(several as never, many)).status).toBe('accepted');
    await several.close();
  });

  it.each([0, 1])('takes what fits max_payload to the byte, and not %i more', async (more) => {
    const small = await leasedSegment('"x"\n');
    const { segmentHeaders, headerBytes } = await import('../src/message-headers.ts');
    const sizeBytes = 1_048_576 - headerBytes(segmentHeaders(small.info)) + more;
    const content = new Uint8Array(sizeBytes).fill(0x20);
    const uploader = bySegment();
    const segment = await leasedSegment(content, { eventCount: small.info.metadata.eventCount });
    expect((await upload(uploader, segment)).status).toBe(more === 0 ? 'accepted' : 'blocked');
    await uploader.close();
  });

  it.each([
    ['a damaged segment', '{"n":0}\nnot json\n{"n":2}\n', {}, 'rejected'],
    ['a segment that lacks an event', lines(2), { eventCount: 3 }, 'rejected'],
    ['a segment with an event too many', lines(2), { eventCount: 1 }, 'rejected'],
    [
      'a format that nobody reads',
      lines(2),
      { format: { name: 'odd', fileExtension: 'odd', mediaType: 'x/odd' } },
      'blocked',
    ],
    ['an id that no header may hold', lines(1), { id: 'a\r\nb' }, 'rejected'],
  ] as const)('is sent nothing of %s', async (_, content, metadata, status) => {
    const uploader = byEvent();
    expect((await upload(uploader as never, await leasedSegment(content, metadata))).status).toBe(status);
    expect(await view.messages()).toEqual([]);
    await uploader.close();
  });

  it('is sent nothing of a segment whose file cannot be read, and the reader’s error is passed on', async () => {
    const trouble = new Error('disk');
    for (const uploader of [bySegment(), byEvent() as never as NatsUploader<never>]) {
      const segment = await leasedSegment(lines(3));
      const broken = {
        ...segment,
        async *stream() {
          yield new TextEncoder().encode('{"n":0}\n');
          throw trouble;
        },
      };
      await expect(upload(uploader, broken)).rejects.toBe(trouble);
      await uploader.close();
    }
    expect(await view.messages()).toEqual([]);
  });

  it('with a short duplicate window is told of once', async () => {
    const logger = new MemoryLogger();
    const uploader = bySegment({ logger });
    for (const id of ['a', 'b']) await upload(uploader, await leasedSegment(lines(1), { id }));
    expect(logger.lines).toEqual([
      {
        level: 'warn',
        message: expect.stringContaining('forgets message ids'),
        facts: { stream: 'EVENTS', duplicateWindowMs: 120_000, minDuplicateWindowMs: 86_400_000 },
      },
    ]);
    await uploader.close();
  });

  it('with a duplicate window of a day is not told of', async () => {
    await view.manager.streams.update('EVENTS', { duplicate_window: 24 * 3_600 * 1e9 });
    const logger = new MemoryLogger();
    const uploader = bySegment({ logger });
    await upload(uploader, await leasedSegment(lines(1)));
    expect(logger.lines).toEqual([]);
    await uploader.close();
  });

  it('that was told of to a logger that throws holds the segment all the same', async () => {
    const fail = (): never => {
      throw new Error('logger');
    };
    const uploader = bySegment({ logger: { debug: fail, info: fail, warn: fail, error: fail } });
    expect((await upload(uploader, await leasedSegment(lines(1)))).status).toBe('accepted');
    await uploader.close();
  });

  it('outside its duplicate window holds a segment that is sent again twice', async () => {
    await view.manager.streams.update('EVENTS', { duplicate_window: 100 * 1e6 });
    const uploader = bySegment();
    const segment = await leasedSegment(lines(1));
    await upload(uploader, segment);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await upload(uploader, segment);
    const ids = (await view.messages()).map(({ headers }) => headers['Nats-Msg-Id']);
    // What a consumer that wants them once compares.
    expect(ids).toEqual([segment.info.id, segment.info.id]);
    await uploader.close();
  });

  it('is not believed where somebody else answers on its subject', async () => {
    for (const answer of ['{}', 'thanks', '{"stream":"EVENTS"}', '{"stream":"","seq":1}']) {
      view.connection.subscribe('elsewhere.*', { max: 1, callback: (_, message) => void message.respond(answer) });
      await view.connection.flush();
      const uploader = bySegment({ subject: 'elsewhere.{writerId}' });
      expect((await upload(uploader, await leasedSegment(lines(1)))).status, answer).toBe('blocked');
      await uploader.close();
    }
  });

  it('is asked through a new connection where the old one is in doubt', async () => {
    const { connect, errors } = await import('@nats-io/transport-node');
    const connections: Awaited<ReturnType<typeof connect>>[] = [];
    const uploader = bySegment({
      connection: async () => {
        const connection = await connect({ servers: server.address });
        // What is published here is never answered, and the client would keep it to send it later.
        if (connections.push(connection) === 1) connection.request = () => Promise.reject(new errors.TimeoutError());
        return connection;
      },
    });
    const segment = await leasedSegment(lines(1));
    expect((await upload(uploader, segment)).status).toBe('retry');
    await connections[0]?.closed();
    expect((await upload(uploader, segment)).status).toBe('accepted');
    expect(connections).toHaveLength(2);
    await uploader.close();
    expect(connections[1]?.isClosed()).toBe(true);
  });

  it('is asked through a new connection where one could not be made in time, and one that comes late is closed', async () => {
    const { connect } = await import('@nats-io/transport-node');
    const late = await connect({ servers: server.address });
    let finish: (connection: typeof late) => void = () => undefined;
    const answers = [() => new Promise<typeof late>((resolve) => (finish = resolve))];
    const uploader = bySegment({
      timeoutMs: 200,
      connection: () => answers.shift()?.() ?? connect({ servers: server.address }),
    });
    const segment = await leasedSegment(lines(1));
    const results: string[] = [];
    while (results.at(-1) !== 'accepted') results.push((await upload(uploader, segment)).status);
    expect(results[0]).toBe('retry');
    finish(late);
    await late.closed();
    await uploader.close();
  });

  it('of a server that stands still is a retry, and holds up neither abort nor close', async () => {
    await using frozen = await NatsServer.start();
    const made = await StreamView.open(frozen.address);
    await made.addStream();
    await made[Symbol.asyncDispose]();
    const uploader = byEvent({
      connection: { servers: frozen.address },
      timeoutMs: 500,
    }) as never as NatsUploader<never>;
    const segment = await leasedSegment(lines(100));
    expect((await upload(uploader, segment)).status).toBe('accepted');
    frozen.freeze();
    const again = await leasedSegment(lines(100), { id: 'again' });
    const abort = new AbortController();
    const aborted = upload(uploader, again, abort.signal);
    const reason = new Error('shutting down');
    setTimeout(() => abort.abort(reason), 50);
    await expect(aborted).rejects.toBe(reason);
    expect(await upload(uploader, again)).toMatchObject({ status: 'retry', pausesDestination: true });
    await uploader.close();
  });

  it('of a server that is started again is found again', async () => {
    const port = await freePort();
    const first = await NatsServer.start({ port });
    const made = await StreamView.open(first.address);
    await made.addStream();
    await made[Symbol.asyncDispose]();
    const uploader = bySegment({ connection: { servers: first.address }, timeoutMs: 2_000 });
    expect((await upload(uploader, await leasedSegment(lines(1)))).status).toBe('accepted');
    await first.kill();
    const second = await leasedSegment(lines(1), { id: 'second' });
    expect(await upload(uploader, second)).toMatchObject({ status: 'retry', pausesDestination: true });
    await using again = await NatsServer.start({ port, directory: first.directory });
    expect((await upload(uploader, second)).status).toBe('accepted');
    await uploader.close();
    await again.kill();
    await first[Symbol.asyncDispose]();
  });

  it.each(['segment', 'event'] as const)('receives a whole spool through the queue, by %s', async (mode) => {
    const store = new InMemorySegmentStore();
    for (let n = 0; n < 20; n += 1) await store.addSegment({ content: lines(10) });
    const expected =
      mode === 'segment' ? store.ids : store.ids.flatMap((id) => Array.from({ length: 10 }, (_, n) => `${id}:${n}`));
    const uploader = mode === 'segment' ? bySegment({ subject: 'events.x' }) : byEvent({ subject: 'events.x' });
    await using queue = new DiskExportQueue({ store, uploader, concurrency: 3 });
    expect(await queue.drain()).toMatchObject({ delivered: 20, remaining: 0 });
    const ids = (await view.messages()).map(({ headers }) => headers['Nats-Msg-Id']);
    expect([...ids].sort()).toEqual([...expected].sort());
  });

  describeSegmentUploader(
    'NatsUploader by segment',
    {
      async create() {
        const subject = `events.c${Math.random().toString(36).slice(2)}`;
        const received: { idempotencyKey: string; bytes: Uint8Array }[] = [];
        let answer = 'accept';
        // Between the uploader and the server: what a stream would say can be said instead.
        const { connect } = await import('@nats-io/transport-node');
        const uploader = bySegment({
          subject,
          connection: async () => {
            const connection = await connect({ servers: server.address });
            const request = connection.request.bind(connection);
            connection.request = (async (to: string, data: Uint8Array, options: { headers: Map<string, string> }) => {
              if (to !== subject) return request(to, data);
              received.push({ idempotencyKey: options.headers.get('Nats-Msg-Id') ?? '', bytes: data });
              if (answer === 'hang') return new Promise(() => undefined);
              if (answer === 'accept') return request(to, data, options as never);
              const [code, err_code] = answer === 'refuseForNow' ? [503, 10_077] : [400, 10_054];
              const reply = JSON.stringify({ error: { code, err_code, description: 'by script' } });
              return { data: new TextEncoder().encode(reply) };
            }) as never;
            return connection;
          },
        });
        return {
          uploader,
          received: () => received,
          answer: (kind) => {
            answer = kind;
          },
        };
      },
    },
    { describe, it },
  );
});

describe.skipIf(!isNatsInstalled)(`a login${natsMark}`, () => {
  const canary = 'canary-password-7f3a';
  const users = (permissions = ''): string =>
    `authorization { users: [ { user: relay, password: "${canary}"${permissions} }, { user: admin, password: admin } ] }`;

  const attempt = async (server: NatsServer, login: Partial<NatsConnectionOptions>): Promise<unknown> => {
    const admin = await StreamView.open(server.address, { user: 'admin', pass: 'admin' });
    await admin.addStream();
    await admin[Symbol.asyncDispose]();
    const logger = new MemoryLogger();
    const store = new InMemorySegmentStore();
    const { id } = await store.addSegment({ content: '{"secret":"canary-payload"}\n' });
    const uploader = new NatsUploader({
      mode: 'segment',
      subject: 'events.x',
      connection: { servers: server.address, ...login },
      timeoutMs: 2_000,
      logger,
    });
    const seen: unknown[] = [];
    await using queue = new DiskExportQueue({ store, uploader, logger });
    for (const type of ['retryScheduled', 'quarantined', 'blocked', 'uploaded', 'error'] as const) {
      queue.on(type, (event: unknown) => void seen.push({ type, event }));
    }
    const report = await queue.drain();
    const output = inspect([seen, logger.lines, report, store.stateOf(id), store.settled], {
      depth: 20,
      showHidden: true,
      maxStringLength: null,
    });
    expect(output).toContain(id);
    for (const secret of [canary, 'canary-payload']) expect(output.includes(secret), secret).toBe(false);
    return report.endedBy === 'blocked' ? 'blocked' : report.delivered === 1 ? 'delivered' : report;
  };

  it('that is right delivers', async () => {
    await using server = await NatsServer.start({ config: users() });
    expect(await attempt(server, { user: 'relay', pass: canary })).toBe('delivered');
  });

  it('that is wrong blocks, and tells no secret', async () => {
    await using server = await NatsServer.start({ config: users() });
    expect(await attempt(server, { user: 'relay', pass: `${canary}-wrong` })).toBe('blocked');
  });

  it('that may not publish blocks', async () => {
    await using server = await NatsServer.start({
      config: users(', permissions: { publish: { deny: "events.>" } }'),
    });
    expect(await attempt(server, { user: 'relay', pass: canary })).toBe('blocked');
  });

  it('that may not look at streams delivers, and says that it could not check', async () => {
    await using server = await NatsServer.start({
      config: users(', permissions: { publish: { allow: "events.>" } }'),
    });
    expect(await attempt(server, { user: 'relay', pass: canary })).toBe('delivered');
  });

  it('that may not hear answers blocks', async () => {
    await using server = await NatsServer.start({
      config: users(', permissions: { publish: { allow: ">" }, subscribe: { deny: ">" } }'),
    });
    expect(await attempt(server, { user: 'relay', pass: canary })).toBe('blocked');
  });

  it('at a server without TLS, where TLS is wanted, blocks', async () => {
    await using server = await NatsServer.start({ config: users() });
    expect(await attempt(server, { user: 'relay', pass: canary, tls: {} })).toBe('blocked');
  });

  it('at a server without JetStream blocks', async () => {
    await using server = await NatsServer.start({ config: '# no jetstream' });
    const uploader = new NatsUploader({
      mode: 'segment',
      subject: 'events.x',
      connection: { servers: server.address },
    });
    expect((await upload(uploader as never, await leasedSegment(lines(1)))).status).toBe('blocked');
    await uploader.close();
  });
});

describe('a server', () => {
  const uploaderOf = (port: number): NatsUploader<never> =>
    new NatsUploader<never>({
      mode: 'segment',
      subject: 'events.x',
      connection: { servers: `127.0.0.1:${port}` },
      timeoutMs: 200,
    });

  it('that is not there is a retry', async () => {
    const uploader = uploaderOf(await freePort());
    const result = await upload(uploader, await leasedSegment(lines(1)));
    expect(result).toMatchObject({ status: 'retry', pausesDestination: true });
    expect(isRelayError((result as { cause: unknown }).cause, 'RELAY_UPLOAD_FAILED')).toBe(true);
    await uploader.close();
  });

  it('that accepts and says nothing is a retry, and holds up neither abort nor close', async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const uploader = uploaderOf((silent.address() as { port: number }).port);
    const segment = await leasedSegment(lines(1));
    expect(await upload(uploader, segment)).toMatchObject({ status: 'retry' });
    const abort = new AbortController();
    const reason = new Error('shutting down');
    const waiting = upload(uploader, segment, abort.signal);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await uploader.close();
    await uploader.close();
    await expect(upload(uploader, segment)).rejects.toMatchObject({ code: 'RELAY_CLOSED' });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('an option', () => {
  const valid = { mode: 'segment', subject: 'events.x', connection: { servers: '127.0.0.1:4222' } } as const;
  it.each([
    [{ mode: 'both' }, 'mode'],
    [{ subject: '' }, 'subject'],
    [{ subject: 'a..b' }, 'subject'],
    [{ subject: 'a.*' }, 'subject'],
    [{ subject: 'a.>' }, 'subject'],
    [{ subject: 'a b' }, 'subject'],
    [{ subject: '$JS.API' }, 'subject'],
    [{ subject: 'a.{who}' }, 'know only'],
    [{ subject: 'a.{' }, 'subject'],
    [{ stream: 'a.b' }, 'stream'],
    [{ domain: '' }, 'domain'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ mode: 'event', serializers: [] }, 'serializers'],
    [{ mode: 'event', serializers, maxInFlight: 0 }, 'maxInFlight'],
    [{ mode: 'event', serializers, encodeEvent: 'x' }, 'encodeEvent'],
    [{ connection: undefined }, 'connection must be'],
    [{ connection: null }, 'connection must be'],
    [{ connection: {} }, 'servers'],
    [{ connection: { servers: [] } }, 'servers'],
    [{ connection: { servers: '' } }, 'servers'],
    [{ connection: { servers: 'nats.example.com:4222' } }, 'tls'],
    [{ connection: { servers: ['127.0.0.1:4222', 'nats.example.com:4222'] } }, 'tls'],
    [{ connection: { servers: 'nats.example.com:4222', tls: null } }, 'tls'],
    [{ connection: { servers: '10.1.2.3:4222', tls: {} } }, 'named by host'],
    [{ connection: { servers: ['a.example', '[2001:db8::1]:4222'], tls: {} } }, 'named by host'],
    [{ connection: { servers: 'nats://user:canary@127.0.0.1:4222' } }, 'must not hold a user name'],
  ])('%j names itself', (options, message) => {
    const make = (): unknown => new NatsUploader({ ...valid, ...options } as never);
    expect(make).toThrow(message);
    expect(make).not.toThrow('canary');
  });

  it.each([
    { servers: 'nats.example.com:4222', tls: {} },
    { servers: 'nats.example.com', allowInsecure: true },
    { servers: ['nats://localhost:4222', '[::1]:4222'] },
  ])('allows %j', (connection) => {
    expect(() => new NatsUploader({ ...valid, connection })).not.toThrow();
  });

  it('refuses a segment whose subject cannot be made, by itself', async () => {
    const uploader = new NatsUploader<never>({ ...valid, subject: 'events.{spoolId}' });
    expect((await upload(uploader, await leasedSegment(lines(1), { spoolId: 'a.b' }))).status).toBe('rejected');
    await uploader.close();
  });
});
