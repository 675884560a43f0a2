// Goal: what a newcomer copies from a README, a guide or any other page works.
// Method: each page has a directory of its own, in which its blocks run in their order, each in a process: TypeScript
// compiled against the built packages, shell with `relay` and a few stand-ins on its path. What they reach for outside
// is on loopback. What has to be true afterwards is in readme-runs.ts.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NatsServer, StreamView } from '../packages/uploader-nats/test/nats-server.ts';
import { type Block, type Page, readPages, root } from './markdown-blocks.ts';
import { pageRuns } from './readme-runs.ts';
import { Receiver, writeElectron, writePrograms } from './readme-stand-ins.ts';

/** What a block may be written in. `text` is for pictures and for what programs print: nobody runs it. */
const languages = new Set(['ts', 'sh', 'json', 'text', 'python']);

const pages = readPages();
const blocks = pages.flatMap((page) => page.blocks);

/** What the blocks of a page need beside Node.js and a shell. Where it is missing, the page is skipped and says so. */
const needs: Readonly<Record<string, readonly string[]>> = {
  'docs/guides/sidecar.md': ['jq', 'python3'],
  'packages/cli/README.md': ['jq', 'openssl'],
  'packages/uploader-nats/README.md': ['nats-server'],
};

let directory = '';
let bin = '';
let problems: readonly string[] = [];
let receiver: Receiver;

beforeAll(async () => {
  if (!existsSync(join(root, 'packages/types/dist/index.d.ts'))) throw new Error('Build first: npm run build');
  receiver = await Receiver.start();
  // Inside the workspace, so that imports find the packages in its node_modules.
  mkdirSync(join(root, '.cache'), { recursive: true });
  directory = mkdtempSync(join(root, '.cache', 'readme-blocks-'));
  bin = writePrograms(directory);
  writeElectron(directory);
  for (const page of pages) {
    mkdirSync(directoryOf(page));
    for (const block of page.blocks) {
      if (block.language === 'ts') writeFileSync(join(directory, sourceOf(page, block)), programOf(page, block));
    }
  }
  problems = compile();
}, 300_000);

afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]();
  if (directory !== '') rmSync(directory, { recursive: true });
});

it('finds the blocks, and knows their languages', () => {
  expect(blocks.length).toBeGreaterThan(60);
  expect(blocks.filter(({ language }) => !languages.has(language)).map(({ place }) => place)).toEqual([]);
});

it('looks after no block that is not there', () => {
  const numbers = new Map(pages.map(({ path, blocks }) => [path, blocks.length]));
  const unknown = Object.entries(pageRuns).flatMap(([path, { after = {} }]) =>
    Object.keys(after).filter((number) => Number(number) > (numbers.get(path) ?? 0)),
  );
  expect(unknown).toEqual([]);
});

it('what blocks leave to their readers compiles', () => {
  expect(problems.filter((line) => !/^(?:\s|page-)/u.test(line))).toEqual([]);
});

for (const page of pages) {
  if (page.blocks.length > 0) describe(page.path, () => testPage(page));
}

// Several pages at a time: their programs mostly wait, for disks and for one another.
describe.concurrent('every block runs', () => {
  for (const page of pages) {
    if (page.blocks.length === 0) continue;
    const missing = (needs[page.path] ?? []).filter(
      (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
    );
    const mark = missing.length > 0 ? ` (skipped: ${missing.join(', ')} not installed)` : '';
    it.skipIf(missing.length > 0)(`${page.path}${mark}`, { timeout: 900_000 }, () => runPage(page));
  }
});

function testPage(page: Page): void {
  for (const block of page.blocks.filter(({ language }) => language === 'ts')) {
    it(`${block.place} compiles`, () => {
      expect(problems.filter((line) => line.startsWith(`${sourceOf(page, block)}(`))).toEqual([]);
    });
  }

  it('installs what it imports', () => {
    const lines = matches(page, 'sh', /^npm install (?<names>[^#\n]*)/gmu);
    const installed = new Set(lines.flatMap((names) => names.split(/\s+/u)));
    const imported = matches(page, 'ts', /^[^/\n]*\bfrom '(?<name>(?!node:)(?:@[\w-]+\/)?[\w-]+)/gmu);
    const mustSay = installed.size > 0 || page.path.startsWith('packages/');
    expect(mustSay ? imported.filter((name) => !installed.has(name)) : []).toEqual([]);
  });
}

async function runPage(page: Page): Promise<void> {
  await using nats = needs[page.path]?.includes('nats-server') ? await startNats() : undefined;
  const before = pageRuns[page.path]?.before;
  if (before !== undefined) await run(page, 'what comes before', ['bash', '-euo', 'pipefail', '-c', before]);
  for (const block of page.blocks) {
    const command = commandOf(page, block, nats?.address);
    if (command) await run(page, block.place, command);
    if (block.language === 'json') for (const line of block.text.trim().split('\n')) JSON.parse(line);
  }
}

function directoryOf(page: Page): string {
  return join(directory, `page-${pages.indexOf(page)}`);
}

function sourceOf(page: Page, block: Block): string {
  return `page-${pages.indexOf(page)}/${block.number}.ts`;
}

function afterOf(page: Page, { number }: Block): string {
  return pageRuns[page.path]?.after?.[number] ?? '';
}

/** The block, its hosts on loopback, and behind it what looks at what it did. */
function programOf(page: Page, block: Block): string {
  return `${onLoopback(page, block.text)}\n${afterOf(page, block)}\nexport {};\n`;
}

function onLoopback(page: Page, text: string): string {
  const origin = `${receiver.origin}/page-${pages.indexOf(page)}`;
  return text
    .replaceAll('https://collector.example.com', origin)
    .replace(/\.listen\(\d+\)/u, '.listen(0)')
    .replace('AbortSignal.timeout(5_000)', 'AbortSignal.timeout(300_000)') // a slow disk is no mistake
    .replace("bucket: 'my-events',", `$& endpoint: '${origin}',`)
    .replace(/servers: \[[^\]]*\], tls: \{\}/u, "servers: [process.env['RELAY_README_NATS'] ?? '']");
}

function commandOf(page: Page, block: Block, nats = ''): readonly string[] | undefined {
  const text = onLoopback(page, block.text);
  // Where zsh looks for completions; bash has no such variable.
  if (block.language === 'sh')
    return ['bash', '-euo', 'pipefail', '-c', `fpath=(. zsh)\n${text}\n${afterOf(page, block)}`];
  if (block.language === 'python') return ['python3', '-c', `${text}\n${afterOf(page, block)}`];
  if (block.language !== 'ts') return undefined;
  const environment = join(directory, 'out', 'readme-environment.js');
  const program = join(directory, 'out', sourceOf(page, block).replace(/ts$/u, 'js'));
  return ['env', `RELAY_README_NATS=${nats}`, process.execPath, '--import', environment, program];
}

/** Runs one block to its end; what it printed is shown where it fails. */
async function run(page: Page, place: string, [program = '', ...args]: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    cwd: directoryOf(page),
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
      HOME: directoryOf(page),
      RELAY_README_RECEIVER: `${receiver.origin}/page-${pages.indexOf(page)}`,
      NODE_OPTIONS: '',
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text));
  const code = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 300_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal);
    });
  });
  expect(code, `${place} ended with ${code}:\n${printed}`).toBe(0);
}

function compile(): readonly string[] {
  copyFileSync(join(root, 'tools/readme-environment.ts'), join(directory, 'readme-environment.ts'));
  const compilerOptions = {
    noEmit: false,
    rewriteRelativeImportExtensions: true,
    target: 'ES2022',
    rootDir: '.',
    outDir: 'out',
    customConditions: [],
    incremental: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const config = { extends: '../../tools/tsconfig.spec.base.json', compilerOptions, include: ['**/*.ts'] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}\n');
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '--pretty', 'false', '-p', directory], {
    cwd: directory,
    encoding: 'utf8',
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  if (status !== 0 && lines.length === 0) throw new Error(`tsc ended with ${status}: ${stderr}`);
  return lines;
}

async function startNats(): Promise<NatsServer> {
  const server = await NatsServer.start();
  await using view = await StreamView.open(server.address);
  await view.addStream();
  return server;
}

function matches(page: Page, language: string, pattern: RegExp): readonly string[] {
  const texts = page.blocks.filter((block) => block.language === language).map(({ text }) => text);
  return texts.flatMap((text) => [...text.matchAll(pattern)]).map(({ groups }) => Object.values(groups ?? {})[0] ?? '');
}
