// A real nats-server on loopback, ended with the process that started it, however that ends.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JetStreamManager, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export const isNatsInstalled: boolean = spawnSync('nats-server', ['--version']).status === 0;

/** For names of suites: says why one is skipped. */
export const natsMark: string = isNatsInstalled ? '' : ' (skipped: nats-server is not installed)';

export interface NatsServerOptions {
  readonly port?: number;
  /** Lines of the configuration file beside port and store. */
  readonly config?: string;
  /** Keeps what an earlier server stored there. Defaults to a new directory, removed at the end. */
  readonly directory?: string;
}

export class NatsServer implements AsyncDisposable {
  readonly port: number;
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #ownsDirectory: boolean;

  private constructor(process: ChildProcess, port: number, directory: string, ownsDirectory: boolean) {
    this.port = port;
    this.directory = directory;
    this.#process = process;
    this.#ownsDirectory = ownsDirectory;
    this.#ended = new Promise((resolve) => process.on('close', () => resolve()));
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const port = options.port ?? (await freePort());
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'relaykit-nats-')));
    const path = join(directory, 'server.conf');
    const jetStream = `jetstream { store_dir: "${join(directory, 'store')}", max_mem: 64MB, max_file: 256MB }`;
    await writeFile(
      path,
      `listen: "127.0.0.1:${port}"\npid_file: "${join(directory, 'server.pid')}"\n${options.config ?? ''}\n${options.config?.includes('jetstream') ? '' : jetStream}\n`,
    );
    // The shell ends the server when its input ends, so that none outlives a test process that was killed.
    const script = 'nats-server -c "$1" >"$1.log" 2>&1 & pid=$!; cat >/dev/null; kill -9 $pid 2>/dev/null; wait $pid';
    const child = spawn('sh', ['-c', script, 'sh', path], { stdio: ['pipe', 'ignore', 'ignore'] });
    const server = new NatsServer(child, port, directory, options.directory === undefined);
    await server.#accepting();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Keeps its connections and does nothing more, as a server under a hung disk. It can still be killed. */
  freeze(): void {
    process.kill(Number(readFileSync(join(this.directory, 'server.pid'), 'utf8')), 'SIGSTOP');
  }

  /** Ends it as a power cut of its machine would, its disk kept. */
  async kill(): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.#ownsDirectory) await rm(this.directory, { recursive: true, force: true });
  }

  async #accepting(): Promise<void> {
    for (;;) {
      const isUp = await new Promise<boolean>((resolve) => {
        const socket = connectSocket(this.port, '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      });
      if (isUp) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** How a test looks at a stream: with the client library, and not with the code under test. */
export class StreamView implements AsyncDisposable {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.connection = connection;
    this.manager = manager;
  }

  static async open(servers: string | string[], settings: object = {}): Promise<StreamView> {
    const connection = await connect({ servers, ...settings });
    return new StreamView(connection, await jetstreamManager(connection, { checkAPI: false }));
  }

  async addStream(config: Partial<StreamConfig> = {}): Promise<void> {
    await this.manager.streams.add({ name: 'EVENTS', subjects: ['events.>'], ...config } as StreamConfig);
  }

  /** Every message of the stream in order. */
  async messages(stream = 'EVENTS'): Promise<readonly StoredMessage[]> {
    const { state } = await this.manager.streams.info(stream);
    const found: StoredMessage[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
      const message = await this.manager.streams.getMessage(stream, { seq });
      if (message === null) continue;
      const headers = Object.fromEntries([...(message.header ?? [])].map(([key, values]) => [key, values[0] ?? '']));
      found.push({ subject: message.subject, headers, data: message.data });
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

export interface StoredMessage {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries `check` again until it holds: for what another process does in its own time. */
export async function eventually<T>(check: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const value = await check().catch(() => undefined);
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
