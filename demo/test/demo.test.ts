// Goal: the demo says yes only if everything arrived, and leaves nothing behind, however it ends.
// Method: the whole demo as a process; the comparison with results that differ in one thing each.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineMultiset } from '../src/line-multiset.ts';
import { describeRefused, findDifferences } from '../src/report.ts';
import type { DemoResult } from '../src/run-demo.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relaykit-demo-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runDemo(args: readonly string[], onOutput: (stdout: string, kill: () => void) => void = () => undefined) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@relaykit/source', '--import', tsx, main, ...args], {
      // Its temporary files come here, where what is left of them is seen.
      env: { ...process.env, TMPDIR: folder, INIT_CWD: folder },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
      onOutput(stdout, () => child.kill('SIGINT'));
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** What is left in the folder, tsx's own cache aside. */
async function leftovers(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('tsx-') && name !== 'node-compile-cache');
}

describe('the demo', () => {
  it('takes all flights and earthquakes to the receiver, and checks them', async () => {
    const { code, stdout, stderr } = await runDemo([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/events added\s+│\s+21,707/u);
    expect(stdout).toMatch(/events delivered\s+│\s+21,707/u);
    expect(stdout).toContain('Checked: the 21,707 lines that arrived are those that were added');
    // Not on a terminal: plain lines, and nothing that moves a cursor.
    expect(stdout).toContain('delivered 21,707 of 21,707 events\n');
    expect(stdout).not.toContain('\u001b');
    expect(await leftovers()).toEqual([]);
  });

  it('runs on a file of one’s own, each line with its own bytes', async () => {
    await writeFile(join(folder, 'mine.ndjson'), '\uFEFF{"a":1.0}\r\n\n  {"b": "ä"}\n12345678901234567890');
    const { code, stdout } = await runDemo(['--input', 'mine.ndjson']);
    expect(stdout).toContain('Checked: the 3 lines that arrived are those that were added');
    expect(code).toBe(0);
    expect(await leftovers()).toEqual(['mine.ndjson']);
  });

  it('says so where a line of the file is no JSON', async () => {
    await writeFile(join(folder, 'mine.ndjson'), '\uFEFF1\n\nno\n2\n');
    const { code, stdout } = await runDemo(['--input', 'mine.ndjson']);
    expect(code).toBe(1);
    expect(stdout).toContain('Not all events could be added:\n  1 event was refused (unserializable): line 3\n');
    // What was added did arrive.
    expect(stdout).not.toContain('What arrived is not what was added');
    expect(stdout).toContain('Checked: the 2 lines that arrived are those that were added');
  });

  it('cleans up when it is interrupted', async () => {
    let isInterrupted = false;
    const { code, stderr } = await runDemo([], (stdout, kill) => {
      if (isInterrupted || !stdout.includes('recorded')) return;
      isInterrupted = true;
      kill();
    });
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'interrupted by SIGINT\n' });
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    [['--input', 'missing.ndjson'], 1, /missing\.ndjson/u],
    [['--inputs', 'x'], 2, /--inputs/u],
  ])('refuses %j', async (args, code, message) => {
    const ended = await runDemo(args);
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(message) });
  });
});

describe('findDifferences', () => {
  function resultOf(added: readonly string[], received: readonly string[]): DemoResult {
    const multisetOf = (lines: readonly string[]) => {
      const multiset = new LineMultiset();
      for (const line of lines) multiset.add(line);
      return multiset;
    };
    return {
      added: multisetOf(added),
      received: multisetOf(received),
      refused: new Map(),
      writtenEvents: added.length,
      deliveredEvents: added.length,
      segments: { count: 1, events: added.length, bytes: 0 },
      deliveredSegments: 1,
      wireBytes: 0,
      recordMs: 1,
      totalMs: 1,
    };
  }

  it('finds none where the same lines arrived', () => {
    expect(findDifferences(resultOf(['a', 'b'], ['b', 'a']))).toEqual([]);
  });

  it('finds a line that is missing, one too many, and one that is changed', () => {
    expect(findDifferences(resultOf(['a', 'b'], ['a']))).toContain('2 events were added, 1 received');
    expect(findDifferences(resultOf(['a', 'b'], ['a', 'b', 'b']))).toContain('2 events were added, 3 received');
    expect(findDifferences(resultOf(['a', 'b'], ['a', 'B']))).toEqual([expect.stringContaining('the contents differ')]);
  });

  it('tells events that were refused, and finds those that were not written', () => {
    const refused = new Map([
      ['tooLarge', { events: 3, lineNumbers: [4, 7] }],
      ['unserializable', { events: 1, lineNumbers: [] }],
    ]);
    expect(describeRefused({ ...resultOf(['a'], ['a']), refused })).toEqual([
      '3 events were refused (tooLarge): line 4, 7 and others',
      '1 event was refused (unserializable)',
    ]);
    expect(findDifferences({ ...resultOf(['a'], ['a']), writtenEvents: 0 })).toEqual(['1 event was added, 0 written']);
  });
});
