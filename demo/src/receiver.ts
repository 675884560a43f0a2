import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { LineMultiset } from './line-multiset.ts';
import { linesOf } from './lines.ts';

/** What a receiver has taken in so far. */
export interface Received {
  readonly events: LineMultiset;
  readonly segments: number;
  /** Segments that arrived again with a key that was already there; their lines were not counted again. */
  readonly repeats: number;
  /** Everything the sockets carried from the sender, HTTP heads included. */
  readonly wireBytes: number;
}

/** An HTTP receiver on loopback: one `POST` a segment, each counted once by its `Idempotency-Key`. */
export class Receiver {
  readonly #server: Server;
  readonly #events = new LineMultiset();
  readonly #keys = new Set<string>();
  readonly #sockets = new Set<Socket>();
  #closedSocketBytes = 0;
  #repeats = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#receive(request).then(
        (status) => response.writeHead(status).end(),
        (cause: unknown) => response.destroy(cause instanceof Error ? cause : undefined),
      );
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#closedSocketBytes += socket.bytesRead;
      });
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/segments`;
  }

  get received(): Received {
    const open = [...this.#sockets].reduce((bytes, socket) => bytes + socket.bytesRead, 0);
    return {
      events: this.#events,
      segments: this.#keys.size,
      repeats: this.#repeats,
      wireBytes: this.#closedSocketBytes + open,
    };
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #receive(request: IncomingMessage): Promise<number> {
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || typeof key !== 'string') return 400;
    const lines = new LineMultiset();
    for await (const line of linesOf(request)) lines.add(line);
    // A request that was cut off has thrown by now; only whole ones count.
    if (this.#keys.has(key)) {
      this.#repeats += 1;
    } else {
      this.#keys.add(key);
      this.#events.merge(lines);
    }
    return 200;
  }
}
