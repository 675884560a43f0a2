import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** One request as it arrived. */
export interface ArrivedRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Reads the whole body and notes the request as arrived. */
  readBody(): Promise<Buffer>;
}

export type Behaviour = (exchange: Exchange) => unknown;

/** Reads everything, answers with a status. */
export function answering(status: number, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return async ({ response, readBody }) => {
    await readBody();
    response.writeHead(status, headers).end('{"answer":"from the server"}');
  };
}

/** A real HTTP server on loopback that behaves as a test says, request by request. */
export class MisbehavingServer implements AsyncDisposable {
  readonly arrived: ArrivedRequest[] = [];
  /** Requests begun, complete or not. */
  requestCount = 0;
  /** Exchanges that have neither ended nor lost their connection. */
  underWay = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #script: Behaviour[] = [];
  #otherwise: Behaviour = answering(200);

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requestCount += 1;
      this.underWay += 1;
      response.on('close', () => {
        this.underWay -= 1;
      });
      request.on('error', () => undefined);
      const readBody = async (): Promise<Buffer> => {
        const pieces: Buffer[] = [];
        for await (const piece of request) pieces.push(piece as Buffer);
        const body = Buffer.concat(pieces);
        this.arrived.push({ method: request.method, url: request.url, headers: request.headers, body });
        return body;
      };
      const behaviour = this.#script.shift() ?? this.#otherwise;
      Promise.resolve(behaviour({ request, response, socket: request.socket, readBody })).catch(() => undefined);
    });
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async listen(): Promise<MisbehavingServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new MisbehavingServer(server);
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  script(...behaviours: readonly Behaviour[]): void {
    this.#script.push(...behaviours);
  }

  otherwise(behaviour: Behaviour): void {
    this.#otherwise = behaviour;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
