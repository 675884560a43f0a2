import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SampleHistory } from '../samples.ts';
import { KnownHosts, withoutBrackets } from './known-hosts.ts';
import type { PageFile } from './page-files.ts';

export interface PageServerOptions {
  readonly history: SampleHistory;
  readonly files: ReadonlyMap<string, PageFile>;
  /** What to listen on: a name, or an address as it stands in a URL. */
  readonly hostname: string;
  readonly port: number;
  /** Names under which browsers may ask for it, beside those of this machine. */
  readonly allowedHosts: readonly string[];
}

/** Nothing but what we send ourselves: no other origin, no frame, no form, no inline script. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** Serves the page and what it shows. Only reads, only for hosts it knows: a name that is bound anew to this machine gets nothing. */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: Server;
  readonly #hosts: KnownHosts;

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#hosts = new KnownHosts([options.hostname, ...options.allowedHosts]);
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** @returns The address to open. */
  listen(): Promise<string> {
    const { hostname, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, withoutBrackets(hostname), () => {
        const { port: chosen } = this.#server.address() as AddressInfo;
        resolve(`http://${hostname}:${chosen}/`);
      });
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const { status, mediaType, bytes } = this.#find(request);
    response.writeHead(status, { 'content-type': mediaType, 'content-length': bytes.byteLength });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  #find(request: IncomingMessage): PageFile & { readonly status: number } {
    if (!this.#hosts.includes(request.headers.host ?? ''))
      return refusal(403, 'This host is not allowed; see --allow-host.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, 'Only GET and HEAD.');
    const [path = '/', query = ''] = (request.url ?? '/').split('?');
    if (path === '/samples.json') return { status: 200, ...this.#samples(new URLSearchParams(query)) };
    const file = this.#options.files.get(path);
    return file ? { status: 200, ...file } : refusal(404, 'There is no such page.');
  }

  #samples(query: URLSearchParams): PageFile {
    const after = Number(query.get('after') ?? 0);
    const { latest, samples } = this.#options.history;
    const text = JSON.stringify({ latest, samples: samples.filter(({ atMs }) => !(atMs <= after)) });
    return { mediaType: 'application/json; charset=utf-8', bytes: new TextEncoder().encode(text) };
  }
}

function refusal(status: number, text: string): PageFile & { readonly status: number } {
  return { status, mediaType: 'text/plain; charset=utf-8', bytes: new TextEncoder().encode(`${text}\n`) };
}
