import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { isLoopback } from '@relaykit/export-queue/uploader-kit';
import type { Clock } from '@relaykit/types';
import { withinTime } from './within-time.ts';

/** What `connect` of `@nats-io/transport-node` takes, as far as it matters here. */
export interface NatsConnectionOptions
  extends Pick<NodeConnectionOptions, 'authenticator' | 'inboxPrefix' | 'name' | 'pass' | 'tls' | 'token' | 'user'> {
  /** `host:port`, one or several of a cluster. Credentials belong in `authenticator`, `user` and `pass`, or `token`. */
  readonly servers: string | readonly string[];
  /** Allows servers that are not loopback without `tls`. Everybody on the way can then read the events. Defaults to `false`. */
  readonly allowInsecure?: boolean;
}

/** How a connection is made: by options, or in a way of one's own. */
export type NatsConnect = NatsConnectionOptions | (() => Promise<NatsConnection>);

export interface OpenLink {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  manager(): Promise<JetStreamManager>;
}

export interface NatsLinkOptions {
  readonly connect: NatsConnect;
  readonly domain: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * One connection for all uploads, made when it is first needed. A connection that ends or is in doubt is replaced by the
 * next upload: the client's own reconnecting would keep every attempt made meanwhile in memory, to send it later.
 */
export class NatsLink {
  readonly #connect: () => Promise<NatsConnection>;
  readonly #domain: string | undefined;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  /** Longest time for one attempt at connecting, all servers together. */
  readonly #connectLimitMs: number;
  readonly #forget = new WeakMap<OpenLink, () => void>();
  #open: Promise<OpenLink> | undefined;
  #isClosed = false;

  /** @throws TypeError - an option breaks its rule; never with a credential. */
  constructor({ connect: how, domain, timeoutMs, clock }: NatsLinkOptions) {
    if (typeof how !== 'function' && (typeof how !== 'object' || how === null)) {
      throw new TypeError('connection must be an object with servers, or a function that connects');
    }
    this.#connect = typeof how === 'function' ? how : connectWith(how, timeoutMs);
    this.#domain = domain;
    this.#timeoutMs = timeoutMs;
    // The client tries one server after another, and gives each `timeoutMs`.
    const serverCount = typeof how === 'function' || typeof how.servers === 'string' ? 1 : how.servers.length;
    this.#connectLimitMs = timeoutMs * (serverCount + 1);
    this.#clock = clock;
  }

  /** Those who ask while a connection is being made share it. */
  open(): Promise<OpenLink> {
    if (this.#open !== undefined) return this.#open;
    const made = this.#make();
    // One attempt that never ends must not be what all later uploads wait for.
    const opening = withinTime(made, { clock: this.#clock, timeoutMs: this.#connectLimitMs });
    this.#open = opening;
    const forget = (): void => {
      if (this.#open === opening) this.#open = undefined;
    };
    const onOpen = (link: OpenLink): void => {
      this.#forget.set(link, forget);
      void link.connection.closed().then(forget, forget);
    };
    opening.then(onOpen, () => {
      forget();
      // Nobody waits for it any more, should it come after all.
      made.then((link) => this.drop(link)).catch(() => undefined);
    });
    return opening;
  }

  /** Ends a connection that is in doubt. What is under way on it fails; the next upload connects anew. */
  drop(link: OpenLink): void {
    this.#forget.get(link)?.();
    // A dead server must not hold anybody up.
    void link.connection.close().catch(() => undefined);
  }

  /** Resolves once the connection has ended, or after `timeoutMs`. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#open;
    this.#open = undefined;
    if (opening === undefined) return;
    const ended = opening.then(({ connection }) => connection.close());
    // A server that does not answer must not hold up the end of a process.
    await withinTime(ended, { clock: this.#clock, timeoutMs: this.#timeoutMs }).catch(() => undefined);
  }

  async #make(): Promise<OpenLink> {
    const connection = await this.#connect();
    if (this.#isClosed) {
      await connection.close();
      throw new Error('closed while connecting');
    }
    const options = { timeout: this.#timeoutMs, ...(this.#domain === undefined ? {} : { domain: this.#domain }) };
    let manager: Promise<JetStreamManager> | undefined;
    return {
      connection,
      jetstream: jetstream(connection, options),
      manager: () => {
        manager ??= jetstreamManager(connection, { ...options, checkAPI: false });
        return manager;
      },
    };
  }
}

function connectWith(options: NatsConnectionOptions, timeoutMs: number): () => Promise<NatsConnection> {
  const { servers, allowInsecure = false, ...rest } = options;
  const list = checkServers(servers);
  const isPlain = rest.tls === undefined || rest.tls === null;
  const isLocal = list.every((server) => isLoopback(hostOf(server)));
  if (isPlain && !isLocal && !allowInsecure) {
    throw new TypeError('tls must be given, be it {}, unless all servers are loopback or allowInsecure is true');
  }
  // The client compares the certificate of an address with the name localhost, whose certificate anybody may have.
  const isAddressed = list.some((server) => isAddress(hostOf(server)) && !isLoopback(hostOf(server)));
  if (!isPlain && isAddressed && rest.tls?.rejectUnauthorized !== false) {
    throw new TypeError(
      'servers must be named by host, not by address, where tls is given: its certificate is checked',
    );
  }
  return () =>
    connect({
      name: 'relaykit',
      ...rest,
      servers: [...list],
      timeout: timeoutMs,
      reconnect: false,
      // What a server tells of its neighbours must not lead events off the machine in plain text.
      ignoreClusterUpdates: isPlain && !allowInsecure,
      noAsyncTraces: true,
    });
}

function checkServers(servers: string | readonly string[]): readonly string[] {
  const list = typeof servers === 'string' ? [servers] : servers;
  if (!Array.isArray(list) || list.length === 0) throw new TypeError('servers must be host:port, or several of them');
  for (const server of list as readonly unknown[]) {
    if (typeof server === 'string' && server.includes('@')) {
      throw new TypeError('servers must not hold a user name, password or token; pass them in options of their own');
    }
    if (typeof server !== 'string' || hostOf(server) === '') {
      throw new TypeError('servers must be host:port, such as nats.example.com:4222');
    }
  }
  return list as readonly string[];
}

/** As the URL parser spells it; empty where there is none. */
function hostOf(server: string): string {
  const address = /^(?:nats|tls):\/\//u.test(server) ? server.replace(/^\w+:/u, '') : `//${server}`;
  try {
    const { hostname, pathname, search } = new URL(`https:${address}`);
    return pathname === '/' && search === '' ? hostname : '';
  } catch {
    return '';
  }
}

/** The URL parser has brought every spelling into one form. */
function isAddress(host: string): boolean {
  return /^(?:\d+\.\d+\.\d+\.\d+|\[.*\])$/u.test(host);
}
