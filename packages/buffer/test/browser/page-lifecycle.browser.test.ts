// Goal: in a real browser a page that is hidden, frozen or left stores what its buffer holds.
// Method: Chromium loads a page with the bundled buffer, which has no other trigger; a server on loopback keeps what comes.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

interface Post {
  readonly how: string;
  readonly visibility: string;
  readonly events: readonly { readonly n: number }[];
}

interface InPage {
  add(from: number, count: number): void;
  counts(): { readonly buffered: number; readonly persisted: number };
}

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const executablePath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find(isExecutable);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('./page.ts', import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@relaykit/source', 'browser', 'import'] },
    build: { write: false, minify: false, lib: { entry, formats: ['es'], fileName: 'page' } },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !('output' in output)) throw new Error('vite gave no output');
  return output.output[0].code;
}

// Without Chromium there is nothing to run in; .ci/run installs it.
/** Starts Chromium and resolves to the address of its developer tools. */
function startChromium(
  path: string,
  profile: string,
): { readonly process: ChildProcess; readonly address: Promise<string> } {
  const flags = ['--headless=new', '--no-first-run', '--disable-gpu', '--remote-debugging-port=0'];
  // The tests may run as root, where Chromium has no sandbox.
  const child = spawn(path, [...flags, '--no-sandbox', `--user-data-dir=${profile}`, 'about:blank']);
  const address = new Promise<string>((resolve, reject) => {
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = /listening on (?<address>ws:\S+)/u.exec(output)?.groups?.['address'];
      if (found !== undefined) resolve(found);
    });
    child.on('error', reject);
    child.on('close', () => reject(new Error(`Chromium ended: ${output}`)));
  });
  return { process: child, address };
}

// Without Chromium there is nothing to run in; .ci/run installs it.
const title =
  executablePath === undefined ? 'pageLifecycle: skipped, no Chromium on the PATH' : 'pageLifecycle in Chromium';

describe.skipIf(executablePath === undefined)(title, () => {
  let [script, origin, profile] = ['', '', ''];
  let server: Server;
  let browser: Browser;
  let program: ChildProcess;
  const posts: Post[] = [];

  beforeAll(async () => {
    script = await bundle();
    server = createServer(async (request, response) => {
      if (request.method === 'POST') {
        let body = '';
        for await (const piece of request.setEncoding('utf8')) body += piece;
        posts.push(JSON.parse(body) as Post);
        response.writeHead(204).end();
      } else if (request.url === '/page.js') {
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
      } else {
        const content = request.url === '/' ? '<script type="module" src="/page.js"></script>' : 'elsewhere';
        response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>test</title>${content}`);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    profile = mkdtempSync(join(tmpdir(), 'relaykit-chromium-'));
    const started = startChromium(executablePath ?? '', profile);
    program = started.process;
    // Without its defaults: with them every page is shown as if it were in front.
    browser = await chromium.connectOverCDP(await started.address, { noDefaults: true });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    if (program !== undefined && program.exitCode === null && program.signalCode === null) {
      const ended = new Promise((resolve) => program.on('close', resolve));
      program.kill();
      await ended;
    }
    if (profile !== '') rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    server?.closeAllConnections();
    server?.close();
  });

  /** A page in front, with 25 events in its buffer and nothing stored. */
  async function openPage(): Promise<{ readonly page: Page; readonly devtools: CDPSession }> {
    posts.length = 0;
    const [context] = browser.contexts();
    if (context === undefined) throw new Error('Chromium has no window');
    const page = await context.newPage();
    await page.goto(origin, { waitUntil: 'load' });
    await page.waitForFunction(() => 'add' in globalThis);
    await add(page, 0, 25);
    expect(await page.evaluate(() => (globalThis as unknown as InPage).counts())).toMatchObject({ buffered: 25 });
    expect(posts).toEqual([]);
    return { page, devtools: await context.newCDPSession(page) };
  }

  const add = (page: Page, from: number, count: number): Promise<void> =>
    page.evaluate(([first, many]) => (globalThis as unknown as InPage).add(first ?? 0, many ?? 0), [from, count]);
  const numbers = (): number[] => posts.flatMap(({ events }) => events.map(({ n }) => n));
  const arrived = (count: number): Promise<void> =>
    vi.waitFor(() => expect(numbers()).toEqual(Array.from({ length: count }, (_, n) => n)), { timeout: 30_000 });
  const hide = async (page: Page): Promise<void> => (await page.context().newPage()).bringToFront();

  it('flushes when its tab is hidden behind another', async () => {
    const { page } = await openPage();
    await hide(page);
    await arrived(25);
    expect(posts).toEqual([expect.objectContaining({ how: 'fetch', visibility: 'hidden' })]);
    expect(await page.evaluate(() => (globalThis as unknown as InPage).counts())).toMatchObject({ buffered: 0 });
    await page.close();
  });

  it('flushes when it is frozen', async () => {
    const { page, devtools } = await openPage();
    await hide(page);
    await arrived(25);
    await add(page, 25, 5);
    expect(numbers()).toHaveLength(25);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    await arrived(30);
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await page.close();
  });

  it('stores, once, what it holds when it is left', async () => {
    const { page } = await openPage();
    await page.goto(`${origin}/elsewhere`);
    await arrived(25);
    await page.close();
  });

  it('stores, once, what it holds when its tab is closed', async () => {
    const { page } = await openPage();
    await page.close();
    await arrived(25);
  });
});
