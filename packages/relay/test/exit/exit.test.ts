// Goal: whatever was added before a process ends is on disk afterwards, and the process ends as it would without us.
// Method: a process per ending, in the middle of a write and its sync, beside the same one without a relay. What it says
// it has added is compared with what is read back.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { accountForSpool, readSpool, recoverSpool, Spool } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { describe, expect, it } from 'vitest';

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  /** The last line of what it complained of, if anything. */
  readonly complaint: string | undefined;
}

const script = fileURLToPath(new URL('./end.ts', import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

function run(...args: readonly string[]): Promise<End> {
  const child = spawn(process.execPath, ['--conditions=@relaykit/source', '--import', tsx, script, ...args]);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      const complaint = /^Error: .*$/mu.exec(errors)?.[0];
      resolve({ code, signal, lines: output.split('\n').filter((line) => line !== ''), complaint });
    });
  });
}

async function readIds(directory: string): Promise<{ readonly ids: string[]; readonly lost: number }> {
  const spool = Spool.openSync({ directory });
  const serializers = [new JSONEventSerializer<{ readonly id: string }>()];
  await recoverSpool(spool, serializers);
  const ids: string[] = [];
  for await (const { event } of readSpool(directory, { serializers })) ids.push((event as { readonly id: string }).id);
  const { lost, repeated } = await accountForSpool(spool);
  return { ids, lost: lost + repeated };
}

/** What it is without us: an exit code, or the signal that ends the process. */
const endings: readonly (readonly [ending: string, code: number | null, signal: string | null])[] = [
  ['exit', 7, null],
  ['exitFromListener', 7, null],
  ['throwingExitListener', 7, null],
  ['exception', 1, null],
  ['rejection', 1, null],
  ['handledException', 9, null],
  ['endOfScript', 0, null],
  ['exitCode', 3, null],
  ['unsettled', 13, null],
  ['SIGTERM', null, 'SIGTERM'],
  ['SIGINT', null, 'SIGINT'],
  ['SIGHUP', null, 'SIGHUP'],
  ['twice', null, 'SIGINT'],
  ['othersOnce', 42, null],
  ['othersGoOn', null, 'SIGHUP'],
  ['closed', null, 'SIGTERM'],
];

describe.concurrent.each(endings)('%s', (ending, code, signal) => {
  it.for(['0', '1', '3'])(
    'stores everything that was added, after %s turns',
    async (turns, { expect, onTestFinished }) => {
      const directory = mkdtempSync(join(tmpdir(), 'relaykit-exit-'));
      onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
      const end = await run(directory, ending, turns);
      expect(end).toMatchObject({ code, signal });
      expect(end.lines.length).toBeGreaterThanOrEqual(21);
      const { ids, lost } = await readIds(directory);
      expect(ids).toEqual(end.lines);
      expect(lost).toBe(0);
    },
  );

  it('ends as it would have', async ({ expect, onTestFinished }) => {
    const directory = mkdtempSync(join(tmpdir(), 'relaykit-exit-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const [withRelay, without] = await Promise.all([run(directory, ending, '1'), run('-', ending, '1')]);
    expect(without).toMatchObject({ code, signal, lines: [] });
    expect({ ...withRelay, lines: [] }).toEqual(without);
  });
});

it('has endings', () => {
  expect(endings.length).toBeGreaterThan(10);
});
