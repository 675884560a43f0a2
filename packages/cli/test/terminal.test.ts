// Goal: what people see fits their terminal, comes back to it, and stays out of pipes.
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { exitCodes } from '../src/exit-codes.ts';
import { formatDuration, formatRate } from '../src/format.ts';
import { MessageOutput } from '../src/message-output.ts';
import { paintFor } from '../src/paint.ts';
import { describeProgress, startProgress } from '../src/progress.ts';
import { ratesOf, type Sample } from '../src/samples.ts';
import type { SpoolSnapshot } from '../src/spool-snapshot.ts';
import { renderTop } from '../src/top/render-top.ts';
import { sparkline } from '../src/top/sparkline.ts';
import { jsonLines, relay } from './in-process.ts';
import { newSpool } from './spool.ts';

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';

async function snapshotOf(): Promise<SpoolSnapshot> {
  const spool = await newSpool();
  await relay(['record', '--dir', spool], { stdin: '1\n2\n3\n' });
  const [snapshot] = jsonLines<SpoolSnapshot>(await relay(['stat', '--dir', spool, '--json']));
  if (!snapshot) throw new Error('no snapshot');
  const record = { kind: 'segment', outcome: 'delivered', firstSequence: 0, eventCount: 5, bytes: 50 } as const;
  const recent = Array.from({ length: 20 }, (_, n) => ({ ...record, id: `id${n}`, at: snapshot.at }));
  const retrying = [{ id: 'r', attempts: 3, firstFailureAtMs: 1, nextAttemptAtMs: 2, lastError: 'http\u001b[2J 503' }];
  return { ...snapshot, recent, retrying };
}

const sample = (atMs: number, recordedBytes: number): Sample => ({
  atMs,
  recordedBytes,
  pending: 0,
  pendingBytes: 0,
  quarantined: 0,
  oldestAgeMs: 0,
  delivered: 0,
});

describe('relay top', () => {
  it.each([
    [80, 24],
    [132, 50],
    [40, 10],
    [20, 5],
    [5, 2],
    [1, 1],
  ])('fits %i columns and %i rows', async (columns, rows) => {
    const snapshot = await snapshotOf();
    const samples = Array.from({ length: 300 }, (_, n) => sample(n * 1_000, n * n));
    const paint = paintFor({ isTTY: true }, {});
    const lines = renderTop({ snapshot, samples, columns, rows, paint });
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const text of lines) expect(stripVTControlCharacters(text).length).toBeLessThanOrEqual(columns);
    const plain = lines.map((text) => stripVTControlCharacters(text)).join('\n');
    if (columns >= 40) expect(plain).toContain('pending      3 events, 1 segment');
    if (rows >= 24) expect(plain).toMatch(/retry 3 {2}r {2}http 503/u);
  });

  it('shows rates of hundred thousands, and why an upload failed, within 80 columns', async () => {
    const snapshot = await snapshotOf();
    const id = '20261124T000000000Z-000000000000-aaaaaaaaaa';
    const lastError = `Upload of ${id} to https://collector.example.com/v1/events failed: connect ECONNREFUSED`;
    const retrying = [{ id, attempts: 3, firstFailureAtMs: 1, nextAttemptAtMs: 2, lastError }];
    const samples = [sample(0, 0), { ...sample(1_000, 0), delivered: 123_456 }];
    const view = { snapshot: { ...snapshot, retrying }, samples, columns: 80, rows: 50, paint: paintFor({}, {}) };
    const lines = renderTop(view);
    expect(lines.find((line) => line.startsWith('delivered   '))).toBeDefined();
    expect(lines.some((line) => line.endsWith('  123,456 events/s'))).toBe(true);
    const at = lines.indexOf(`retry 3  ${id}`);
    expect(lines[at + 1]).toBe('  to https://collector.example.com/v1/events failed: connect ECONNREFUSED');
  });

  it('takes the other screen, and gives the terminal back at the signal', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: '1\n' });
    const stop = new AbortController();
    let printed = '';
    const watching = relay(['top', '--dir', spool, '--interval', '100ms'], {
      signal: stop.signal,
      terminal: { columns: 60, rows: 12 },
      onStdout: (all) => {
        printed = all;
      },
    });
    await vi.waitFor(() => expect(printed).toContain('pending      1 event,'), { timeout: 30_000 });
    await relay(['record', '--dir', spool], { stdin: '2\n' });
    await vi.waitFor(() => expect(printed).toContain('pending      2 events'), { timeout: 30_000 });
    stop.abort();
    expect(await watching).toMatchObject({ code: 0, stderr: '' });
    expect(printed.startsWith(enter)).toBe(true);
    expect(printed.endsWith(leave)).toBe(true);
    expect(printed.split(leave)).toHaveLength(2);
  });

  it('gives the terminal back when the spool goes away', async () => {
    const spool = await newSpool();
    await relay(['record', '--dir', spool], { stdin: '1\n' });
    let isRemoved = false;
    const { rm } = await import('node:fs/promises');
    const watched = await relay(['top', '--dir', spool, '--interval', '100ms'], {
      terminal: { columns: 60, rows: 12 },
      onStdout: () => {
        if (!isRemoved) void rm(spool, { recursive: true });
        isRemoved = true;
      },
    });
    expect(watched.code).toBe(exitCodes.failed);
    expect(watched.stdout.endsWith(leave)).toBe(true);
    expect(watched.stderr).toMatch(/^relay: /u);
  });

  it('needs a terminal', async () => {
    expect(await relay(['top', '--dir', 'x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('needs a terminal'),
    });
  });
});

describe('charts and numbers', () => {
  it('draws values from nothing to the largest, the newest to the right', () => {
    expect(sparkline([0, 1, 2, 4], 4)).toBe('▁▃▅█');
    expect(sparkline([9, 0, 8], 2)).toBe('▁█');
    expect(sparkline([0, 0], 4)).toBe('  ▁▁');
    expect(sparkline([], 3)).toBe('   ');
  });

  it('takes rates of neighbours, and none of a count that went back', () => {
    const samples = [sample(0, 10), sample(2_000, 30), sample(2_000, 90), sample(3_000, 5)];
    expect(ratesOf(samples, ({ recordedBytes }) => recordedBytes)).toEqual([10, 0, 0]);
  });

  it.each([
    [0, '0'],
    [0.001, '<0.01'],
    [0.25, '0.25'],
    [12.44, '12.4'],
    [3_210.7, '3,211'],
  ])('%d events a second', (rate, text) => expect(formatRate(rate)).toBe(text));

  it.each([
    [8_400, '8 s'],
    [200_000, '3 min 20 s'],
    [18_600_000, '5 h 10 min'],
  ])('%d ms', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('progress', () => {
  it('has rate and time left, on one line of 79 columns at most', () => {
    const text = describeProgress({ value: 250_000_000, total: 1_000_000_000, unit: 'bytes', elapsedMs: 5_000 });
    expect(text).toBe('██████░░░░░░░░░░░░░░░░░░ 25%  250 MB/1.00 GB  50.0 MB/s  15 s left');
    const long = describeProgress({ value: 123_456, total: 987_654, unit: 'segments', elapsedMs: 99_999_999 });
    expect(long.length).toBeLessThanOrEqual(79);
    expect(describeProgress({ value: 1_000, unit: 'bytes', elapsedMs: 2_000 })).toBe('1.00 kB  500 bytes/s  2 s');
    expect(describeProgress({ value: 1_000, unit: 'bytes', elapsedMs: 3_000 })).toBe('1.00 kB  333 bytes/s  3 s');
    expect(describeProgress({ value: 0, total: 5, unit: 'segments', elapsedMs: 2_000 })).toMatch(/waiting$/u);
  });

  it.each([
    ['where nobody watches', false, false],
    ['beside what is shown on the same terminal', true, true],
  ])('prints no bar %s, and messages all the same', async (_, isTTY, isHidden) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { Writable } = await import('node:stream');
    let written = '';
    const stream = Object.assign(
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          written += chunk.toString();
          done();
        },
      }),
      { isTTY },
    );
    const messages = new MessageOutput(stream, new AbortController().signal);
    const progress = startProgress({ stream, messages, unit: 'bytes', total: 10, isHidden });
    progress.advance(5);
    vi.advanceTimersByTime(5_000);
    progress.say('something');
    progress.stop();
    await messages.end([]);
    expect(written).toBe('relay: something\n');
  });
});

describe('colours', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('with %j, on a terminal: %j', (env, isTTY, isColoured) => {
    expect(paintFor({ isTTY }, env)('red', 'x') !== 'x').toBe(isColoured);
  });
});

describe('help', () => {
  it.each([
    [undefined, true],
    ['', true],
    ['1', false],
  ])('with NO_COLOR %j on a terminal has bold titles: %j', async (noColor, isBold) => {
    const env = { NO_COLOR: noColor, FORCE_COLOR: undefined, TERM: 'xterm' };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { stdout } = await relay(['--help'], { terminal: { columns: 80, rows: 24 } });
    expect(stdout.includes('\u001b[1m')).toBe(isBold);
    expect(stdout).toContain('empty counts as not set');
  });

  it('has options, examples or states, and exit codes for every command, within 80 columns', async () => {
    const help = (await relay(['--help'])).stdout;
    const commands = [...help.matchAll(/^ {2}([a-z]+) (?:\[options\]|<| {2})/gmu)].map(([, name]) => name ?? '');
    expect(commands).toHaveLength(14);
    const inQuarantine = ['ls', 'requeue', 'discard'].map((name) => ['quarantine', name, '--help']);
    const pages = [['--help'], ...inQuarantine, ...commands.map((name) => ['help', name])];
    for (const words of pages) {
      const name = words.join(' ');
      const { code, stdout } = await relay(words);
      expect(code, name).toBe(0);
      expect(stdout, name).toContain('Exit codes:');
      for (const line of stdout.split('\n')) expect(line.length, `${name}: ${line}`).toBeLessThanOrEqual(80);
    }
  });
});
