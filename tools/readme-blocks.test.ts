// Goal: every TypeScript block of a README compiles against the sources, so that what a newcomer copies works.
// Method: write each block to a file of its own, let the compiler look at all of them at once, and name what it says.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readmes = ['README.md', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`)];

interface Block {
  /** The README and the line at which the block begins. */
  readonly place: string;
  readonly fileName: string;
  readonly text: string;
}

const blocks: readonly Block[] = readmes.flatMap((readme) => {
  const page = readFileSync(join(root, readme), 'utf8');
  return [...page.matchAll(/^```ts\n(.*?)^```$/gmsu)].map(({ 1: text = '', index }) => {
    const line = page.slice(0, index).split('\n').length;
    return { place: `${readme}:${line}`, fileName: `${basename(dirname(join(root, readme)))}-${line}.ts`, text };
  });
});

/** What blocks leave to their reader. Names that a block makes or imports itself are not looked for here. */
const leftToReaders = `
import type { RelayEventBuffer } from '@relaykit/buffer';
import type { FileDiskWriter } from '@relaykit/disk-writer';
import type { DiskExportQueue } from '@relaykit/export-queue';
import type { openSegmentStore } from '@relaykit/segments';
import type { Clock, EventPersisting, FileHandle } from '@relaykit/types';
import type { S3Credentials } from '@relaykit/uploader-s3';
declare global {
  const buffer: RelayEventBuffer<unknown>;
  const clock: Clock;
  const events: readonly unknown[];
  const handle: FileHandle;
  const hasConsent: boolean;
  const password: string;
  const persistence: EventPersisting<object>;
  const queue: DiskExportQueue;
  const response: import('node:http').ServerResponse;
  const signal: AbortSignal;
  const store: Awaited<ReturnType<typeof openSegmentStore>>;
  const url: string;
  const writer: FileDiskWriter<unknown>;
  const myQueue: { publish(key: string, body: unknown, options: { signal?: AbortSignal | undefined }): Promise<{ ok: boolean; error: Error }> };
  interface MyWriter extends EventPersisting<unknown> {
    everythingStored(): Promise<readonly unknown[]>;
    breakOnce(): void;
    removeFiles(): Promise<void>;
  }
  const MyWriter: new () => MyWriter;
  function alert(text: string): void;
  function freshToken(): Promise<string>;
  function pageSomebody(...facts: unknown[]): void;
  function put(id: string, bytes: Uint8Array): Promise<void>;
  function putSomewhere(key: string, body: unknown, sizeBytes: number, signal?: AbortSignal): Promise<void>;
  function temporaryCredentials(): Promise<S3Credentials>;
}
`;

let directory = '';
let problems: readonly string[] = [];

beforeAll(() => {
  // Inside the workspace, so that imports find the packages in its node_modules.
  mkdirSync(join(root, '.cache'), { recursive: true });
  directory = mkdtempSync(join(root, '.cache', 'readme-blocks-'));
  for (const { fileName, text } of blocks) writeFileSync(join(directory, fileName), `${text}\nexport {};\n`);
  writeFileSync(join(directory, 'left-to-readers.d.ts'), leftToReaders);
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, incremental: false, allowJs: false };
  const config = { extends: '../../tools/tsconfig.spec.base.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}\n');
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '--pretty', 'false', '-p', directory], {
    cwd: directory,
    encoding: 'utf8',
  });
  problems = stdout.split('\n').filter((line) => line !== '');
  if (status !== 0 && problems.length === 0) throw new Error(`tsc ended with ${status}: ${stderr}`);
}, 300_000);

afterAll(() => {
  if (directory !== '') rmSync(directory, { recursive: true });
});

it('finds the blocks', () => {
  expect(blocks.length).toBeGreaterThan(20);
});

it.each(blocks)('the block at $place compiles', ({ fileName }) => {
  expect(problems.filter((line) => line.startsWith(`${fileName}(`))).toEqual([]);
});

it('what blocks leave to their readers is declared as it should be', () => {
  // Sources are checked by the projects that they belong to, with their own libraries.
  expect(problems.filter((line) => !/^(?:\s|\.\.\/)/u.test(line) && !isOfBlock(line))).toEqual([]);
});

function isOfBlock(line: string): boolean {
  return blocks.some(({ fileName }) => line.startsWith(`${fileName}(`));
}
