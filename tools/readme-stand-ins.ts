// What stands for the world outside while the blocks of a page run: a receiver on loopback, and programs by name.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { root } from './markdown-blocks.ts';

/** As blocks see it: `received()` of readme-environment.ts. */
interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
}

/** Takes whatever is sent to `/<page>/…`, as a collector and as a store of objects, and shows it at `/<page>/received`. */
export class Receiver implements AsyncDisposable {
  readonly origin: string;
  readonly #server: Server;
  readonly #taken = new Map<string, Received[]>();

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', async (request, response) => {
      const [, page = '', ...rest] = (request.url ?? '').split('/');
      const taken = this.#taken.get(page) ?? [];
      if (request.method === 'GET') {
        response.end(JSON.stringify(taken));
        return;
      }
      const lines = (await bodyOf(request)).toString().split('\n').slice(0, -1);
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      this.#taken.set(page, [...taken, { path: `/${rest.join('/')}`, headers, lines }]);
      response.writeHead(200, { etag: '"taken"' }).end();
    });
  }

  static async start(): Promise<Receiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Receiver(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

/** Programs that shell blocks may name, beside those of the machine. */
const programs: Readonly<Record<string, string>> = {
  relay: 'exec node "$RELAY_README_ROOT/packages/cli/bin/relay.js" "$@"',
  'my-program': `printf '{"name":"signed-in"}\\n{"name":"opened"}\\n{"name":"paid"}\\n'`,
  npm: 'exec node "$RELAY_README_ROOT/tools/readme-npm.mjs" npm "$@"',
  npx: 'if [ "$1" = relay ]; then exec "$@"; fi; exec node "$RELAY_README_ROOT/tools/readme-npm.mjs" npx "$@"',
};

/** Electron is a browser of its own: its main process has these, as far as our pages use them. */
const electron: Readonly<Record<string, string>> = {
  'package.json': '{"name":"electron","type":"module","exports":{"types":"./index.d.ts","default":"./index.js"}}',
  'index.js': `import { EventEmitter } from 'node:events';
const emitter = (members) => Object.assign(new EventEmitter(), members);
export const app = emitter({
  whenReady: async () => {},
  getPath: (name) => name,
  quit() {
    let isPrevented = false;
    app.emit('will-quit', { preventDefault: () => (isPrevented = true) });
    if (!isPrevented) app.emit('quit', {}, 0);
  },
});
export const powerMonitor = emitter({});
export const net = { isOnline: () => true };
`,
  'index.d.ts': `import type { EventEmitter } from 'node:events';
export const app: EventEmitter & { whenReady(): Promise<void>; getPath(name: 'userData'): string; quit(): void };
export const powerMonitor: EventEmitter;
export const net: { isOnline(): boolean };
`,
};

/** Puts them where programs below `directory` find them. */
export function writeElectron(directory: string): void {
  const target = join(directory, 'node_modules', 'electron');
  mkdirSync(target, { recursive: true });
  for (const [name, text] of Object.entries(electron)) writeFileSync(join(target, name), text);
}

/** @returns A directory to be put in front of `PATH`. */
export function writePrograms(directory: string): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\nRELAY_README_ROOT='${root}'\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
