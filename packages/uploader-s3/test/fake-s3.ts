import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type FakeAnswer = (request: FakeRequest, response: ServerResponse) => unknown;

/** Answers as S3 does with an error: XML, and more of it than anybody should repeat. */
export function s3Error(status: number, code: string, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return ({ path, headers: sent }, response) => {
    const said = `${path} ${sent.authorization ?? ''} ${sent['x-amz-security-token'] ?? ''}`;
    const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${said}</Message></Error>`;
    response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(xml);
  };
}

/** Takes a connection and says nothing. */
export const hang: FakeAnswer = () => undefined;

/** Enough of S3 on loopback to put objects, and to fail by script. Signatures are looked at elsewhere. */
export class FakeS3 implements AsyncDisposable {
  readonly requests: FakeRequest[] = [];
  /** Every PUT that was accepted, in order. */
  readonly puts: FakeRequest[] = [];
  readonly objects = new Map<string, FakeRequest>();
  readonly endpoint: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #script: FakeAnswer[] = [];
  #otherwise: FakeAnswer = (request, response) => this.#store(request, response);

  private constructor(server: Server) {
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', async (request, response) => {
      const pieces: Buffer[] = [];
      try {
        for await (const piece of request) pieces.push(piece as Buffer);
      } catch {
        return;
      }
      const { method = '', url = '', headers } = request;
      const arrived = { method, path: url, headers, body: Buffer.concat(pieces) };
      this.requests.push(arrived);
      await (this.#script.shift() ?? this.#otherwise)(arrived, response);
    });
  }

  static async listen(): Promise<FakeS3> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeS3(server);
  }

  script(...answers: readonly FakeAnswer[]): void {
    this.#script.push(...answers);
  }

  otherwise(answer: FakeAnswer | undefined): void {
    this.#otherwise = answer ?? ((request, response) => this.#store(request, response));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #store(request: FakeRequest, response: ServerResponse): void {
    const { method, path, headers, body } = request;
    const existing = this.objects.get(path);
    if (method === 'HEAD') {
      if (existing === undefined) response.writeHead(404).end();
      else {
        const kept = Object.entries(existing.headers).filter(([name]) => name.startsWith('x-amz-meta-'));
        response.writeHead(200, { ...Object.fromEntries(kept), etag: etagOf(existing.body) }).end();
      }
      return;
    }
    const hash = createHash('sha256').update(body);
    if (headers['x-amz-content-sha256'] !== hash.copy().digest('hex')) {
      return void s3Error(400, 'XAmzContentSHA256Mismatch')(request, response);
    }
    if (headers['x-amz-checksum-sha256'] !== hash.digest('base64')) {
      return void s3Error(400, 'BadDigest')(request, response);
    }
    if (headers['if-none-match'] === '*' && existing !== undefined) {
      return void s3Error(412, 'PreconditionFailed')(request, response);
    }
    this.objects.set(path, request);
    this.puts.push(request);
    response.writeHead(200, { etag: etagOf(body) }).end();
  }
}

export function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
