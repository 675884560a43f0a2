// An HTTP receiver on loopback that keeps what it gets and answers by script.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Delivery {
  readonly key: string;
  readonly body: string;
}

export class TestReceiver implements AsyncDisposable {
  readonly deliveries: Delivery[] = [];
  /** What is answered from now on. */
  status = 200;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      if (this.status < 300) {
        this.deliveries.push({
          key: String(request.headers['idempotency-key']),
          body: Buffer.concat(pieces).toString('utf8'),
        });
      }
      response.writeHead(this.status).end();
    });
  }

  static async start(): Promise<TestReceiver> {
    const receiver = new TestReceiver();
    await new Promise<void>((resolve) => {
      receiver.#server.listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  /** Every event that arrived, in order. */
  get events(): unknown[] {
    return this.deliveries.flatMap(({ body }) =>
      body
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
