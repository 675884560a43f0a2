// Goal: relay serve shows a spool in a real browser, lets nobody else in, and follows light and dark.
// Method: the real server in this process; Chromium through playwright-core. RELAY_SCREENSHOTS=FOLDER keeps pictures.
import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { isLoopback } from '@relaykit/export-queue/uploader-kit';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hostnameOf } from '../src/serve/known-hosts.ts';
import { relay } from './in-process.ts';
import { TestReceiver } from './receiver.ts';
import { newSpool } from './spool.ts';

const screenshots = process.env['RELAY_SCREENSHOTS'];

function findChromium(): string | undefined {
  if (process.env['CHROMIUM_PATH'] !== undefined) return process.env['CHROMIUM_PATH'];
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `{"n":${from + index}}\n`).join('');

/** A spool in which something was delivered, something refused, and something waits. */
async function spoolWithHistory(): Promise<string> {
  const spool = await newSpool();
  await relay(['record', '--dir', spool], { stdin: lines(0, 400) });
  {
    await using receiver = await TestReceiver.start();
    expect(await relay(['export', '--dir', spool, '--to', receiver.url])).toMatchObject({ code: 0 });
  }
  await relay(['record', '--dir', spool], { stdin: lines(400, 30) });
  {
    await using receiver = await TestReceiver.start(() => 422);
    expect(await relay(['export', '--dir', spool, '--to', receiver.url])).toMatchObject({ code: 6 });
  }
  await relay(['record', '--dir', spool], { stdin: lines(430, 1_234) });
  return spool;
}

interface Served extends AsyncDisposable {
  readonly url: string;
}

async function serve(spool: string, ...options: string[]): Promise<Served> {
  const stop = new AbortController();
  let printed = '';
  const served = relay(['serve', '--dir', spool, '--port', '0', '--interval', '100ms', '--json', ...options], {
    signal: stop.signal,
    onStdout: (all) => {
      printed = all;
    },
  });
  await vi.waitFor(() => expect(printed).toContain('\n'), { timeout: 30_000 });
  return {
    url: (JSON.parse(printed) as { url: string }).url,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      expect(await served).toMatchObject({ code: 0, stderr: '' });
    },
  };
}

function ask(url: string, { host, method = 'GET', path = '/' }: { host?: string; method?: string; path?: string }) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(url);
      const headers = host === undefined ? {} : { host };
      const asked = request({ hostname, port, method, path, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          body += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      });
      asked.on('error', reject).end();
    },
  );
}

describe('relay serve', () => {
  it('answers for names of this machine and for allowed ones alone', async () => {
    await using server = await serve(await spoolWithHistory(), '--allow-host', 'Spool.example');
    const { url } = server;
    const { port } = new URL(url);
    for (const host of [
      `127.0.0.1:${port}`,
      '127.0.0.2',
      `localhost:${port}`,
      'LOCALHOST',
      '[::1]:80',
      'spool.example',
      'SPOOL.example:80',
      // Whatever leads here: a port of a container is asked for by an address that it does not know.
      `192.0.2.7:${port}`,
      `[2001:db8::7]:${port}`,
    ]) {
      expect((await ask(url, { host })).status, host).toBe(200);
    }
    // A page of somebody else, whose name is bound to this address a moment later.
    for (const host of [
      'attacker.example',
      `attacker.example:${port}`,
      'localhost.attacker.example',
      '127.0.0.1.nip.io',
      '192.0.2.7.attacker.example',
      'spool.example.attacker.example',
      '127.0.0.1@attacker.example',
      'attacker.example#@127.0.0.1',
    ]) {
      for (const path of ['/', '/samples.json']) {
        const { status, body } = await ask(url, { host, path });
        expect([status, body], host).toEqual([403, 'This host is not allowed; see --allow-host.\n']);
      }
    }
  });

  it('sends nothing but its own files, read only, under a strict policy', async () => {
    await using server = await serve(await spoolWithHistory());
    const { url } = server;
    const { headers, body } = await ask(url, {});
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'"),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(body).not.toMatch(/https?:|<style|onclick|<script>/u);
    for (const path of ['/etc/passwd', '/../package.json', '/..%2fpage.js', '//', '/constructor', '*']) {
      expect((await ask(url, { path })).status, path).toBe(404);
    }
    expect((await ask(url, { method: 'POST' })).status).toBe(405);
    expect(await ask(url, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('gives what is new since a sample', async () => {
    await using server = await serve(await spoolWithHistory());
    const { url } = server;
    const { latest, samples } = JSON.parse((await ask(url, { path: '/samples.json' })).body);
    expect(latest).toMatchObject({ added: 1_664, pending: 1_234, delivered: 400, quarantined: 30, lost: 0 });
    expect(samples[0]).toMatchObject({ pending: 1_234, delivered: 400, quarantined: 1 });
    const after = JSON.parse((await ask(url, { path: `/samples.json?after=${Date.now() + 60_000}` })).body);
    expect(after.samples).toEqual([]);
  });

  it('listens for other machines only where it is told to', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool]);
    expect(await relay(['serve', '--dir', spool, '--host', '0.0.0.0'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('add --allow-remote to mean it'),
    });
    for (const host of ['::', '192.0.2.7', 'localhost.attacker.example', 'a/b', '']) {
      expect(await relay(['serve', '--dir', spool, '--host', host]), host).toMatchObject({ code: 2 });
    }
    expect(await relay(['serve', '--dir', spool, '--port', '70000'])).toMatchObject({ code: 2 });
  });

  it('answers under the addresses of the machine where it listens for other machines', async () => {
    await using server = await serve(await spoolWithHistory(), '--host', '0.0.0.0', '--allow-remote');
    const { port } = new URL(server.url);
    const addresses = Object.values(networkInterfaces()).flatMap((list = []) =>
      list.flatMap(({ address, family }) => (family === 'IPv4' ? [address] : [])),
    );
    for (const address of addresses) expect((await ask(`http://${address}:${port}/`, {})).status, address).toBe(200);
    expect((await ask(`http://127.0.0.1:${port}/`, { host: 'attacker.example' })).status).toBe(403);
  });

  it('listens on this machine alone, however that is written', async () => {
    await using server = await serve(await spoolWithHistory(), '--host', 'LOCALHOST');
    expect((await ask(server.url, {})).status).toBe(200);
  });

  it.each([
    ['127.0.0.2', 'http://127.0.0.2:7361/'],
    ['127.1', 'http://127.0.0.1:7361/'],
    ['[::1]', 'http://[::1]:7361/'],
    ['::1', 'http://[::1]:7361/'],
    ['LocalHost', 'http://localhost:7361/'],
  ])('takes %s for this machine', (host, expected) => {
    const hostname = hostnameOf(host) ?? '';
    expect([isLoopback(hostname), new URL(`http://${hostname}:7361/`).href]).toEqual([true, expected]);
  });
});

const executablePath = findChromium();
if (executablePath === undefined)
  console.warn('page.test.ts: no Chromium here, so the page is not looked at in a browser');

describe.skipIf(executablePath === undefined)('the page, in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: executablePath ?? '', args });
  });

  afterAll(() => browser?.close());

  async function open(
    url: string,
    size: { width: number; height: number },
    colorScheme: 'light' | 'dark',
  ): Promise<Page> {
    const page = await browser.newPage({ viewport: size, colorScheme });
    onTestFinished(() => page.close());
    const troubles: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && troubles.push(message.text())));
    page.on('pageerror', (error) => void troubles.push(String(error)));
    page.on('request', (asked) => void (asked.url().startsWith(url) || troubles.push(`asked for ${asked.url()}`)));
    await page.goto(url);
    await page.waitForFunction(() => document.querySelector('#state')?.textContent?.startsWith('at '));
    onTestFinished(() => expect(troubles).toEqual([]));
    return page;
  }

  it.each([
    ['wide', { width: 1280, height: 900 }, 'light'],
    ['wide', { width: 1280, height: 900 }, 'dark'],
    ['narrow', { width: 390, height: 844 }, 'light'],
    ['narrow', { width: 390, height: 844 }, 'dark'],
  ] as const)('shows the spool, %s, %o, %s', async (name, size, scheme) => {
    const spool = await spoolWithHistory();
    await using server = await serve(spool);
    const page = await open(server.url, size, scheme);
    const text = await page.innerText('#tiles');
    for (const part of ['Pending', '1,234', 'Delivered', '400', 'Quarantine', '30 events'])
      expect(text).toContain(part);
    expect(await page.innerText('#uploads')).toMatch(/quarantined.*rejected/su);
    expect(await page.locator('figure').count()).toBe(4);
    // What is recorded and delivered meanwhile shows without anybody asking.
    await relay(['record', '--dir', spool], { stdin: lines(0, 1_000) });
    await page.waitForFunction(() => document.querySelector('#tiles')?.textContent?.includes('2,234'));
    {
      await using receiver = await TestReceiver.start();
      await relay(['export', '--dir', spool, '--to', receiver.url]);
    }
    await page.waitForFunction(() => document.querySelector('#tiles')?.textContent?.includes('2,634'));
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe(scheme === 'dark' ? 'rgb(16, 20, 27)' : 'rgb(246, 247, 249)');
    // Nothing is wider than the window; only the table scrolls by itself.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    // Something is drawn: the line of a chart has its colour.
    const hasLine = await page.evaluate(() => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      const colour = getComputedStyle(document.documentElement).getPropertyValue('--series').trim();
      const wanted = [1, 3, 5].map((start) => Number.parseInt(colour.slice(start, start + 2), 16));
      for (let index = 0; index < data.length; index += 4) {
        if (wanted.every((value, part) => data[index + part] === value)) return true;
      }
      return false;
    });
    expect(hasLine).toBe(true);
    if (screenshots !== undefined) {
      await page.screenshot({
        path: join(screenshots, `relay-serve-${name}-${scheme}.png`),
        fullPage: name === 'narrow',
      });
    }
  });

  it('labels the axes of a spool in which nothing happens with whole steps that fit', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool]);
    await using server = await serve(spool);
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.addInitScript(() => {
      const { fillText } = CanvasRenderingContext2D.prototype;
      const drawn: object[] = [];
      Object.assign(globalThis, { drawn });
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y, maxWidth) {
        // Labels of the left axis end at their place.
        if (this.textAlign === 'right') drawn.push({ text, leftEdge: x - this.measureText(text).width });
        fillText.call(this, text, x, y, maxWidth);
      };
    });
    await page.goto(server.url);
    await page.waitForFunction(() => (globalThis as unknown as { drawn: object[] }).drawn.length >= 12);
    const labels = await page.evaluate(
      () => (globalThis as unknown as { drawn: { text: string; leftEdge: number }[] }).drawn,
    );
    for (const { text, leftEdge } of labels) expect(leftEdge, text).toBeGreaterThanOrEqual(0);
    const texts = new Set(labels.map(({ text }) => text));
    expect([...texts].filter((text) => /\d\.\d+ \w/u.test(text))).toEqual([]);
    for (const text of ['100 bytes/s', '10 s', '10']) expect(texts).toContain(text);
  });

  it('says that the server went away', async () => {
    const server = await serve(await spoolWithHistory());
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(server.url);
    await page.waitForFunction(() => document.querySelector('#state')?.textContent?.startsWith('at '));
    await server[Symbol.asyncDispose]();
    await page.waitForSelector('#state.lost');
  });
});
