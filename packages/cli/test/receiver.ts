// An HTTP receiver that keeps what it gets.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly method: string | undefined;
  readonly body: Buffer;
}

export class TestReceiver implements AsyncDisposable {
  readonly deliveries: Delivery[] = [];
  readonly #server: Server;

  private constructor(statusOf: (delivery: Delivery) => number) {
    this.#server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { headers, method } = request;
      const delivery = { headers, method, body: Buffer.concat(pieces) };
      this.deliveries.push(delivery);
      response.writeHead(statusOf(delivery)).end();
    });
  }

  static async start(statusOf: (delivery: Delivery) => number = () => 200): Promise<TestReceiver> {
    const receiver = new TestReceiver(statusOf);
    await new Promise<void>((resolve) => {
      receiver.#server.listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** All bodies in the order of their arrival. */
  get bytes(): Buffer {
    return Buffer.concat(this.deliveries.map(({ body }) => body));
  }

  get keys(): string[] {
    return this.deliveries.map(({ headers }) => String(headers['idempotency-key']));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
