// Goal: what relay record says is stored is on disk, with its own bytes, whatever the input and whoever goes away.
// Method: the real command as a process, its standard input fed by hand, its spool read as plain files.
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RunningCommand, run, runWith, spawnCommand } from './command.ts';
import { newSpool, segmentFiles, spoolBytes } from './spool.ts';
import { UnreadPipe } from './unread-pipe.ts';

const lastLine = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');

describe('relay record', () => {
  it('stores each line with its own bytes, and seals', async () => {
    const spool = await newSpool();
    const lines = [
      '{"a":1.0,"b":12345678901234567890,"a":2}',
      '  { "z" : "\\u00e9é\\/", "a" : [ ] }\t',
      '"漢字 😀 \\ud83d\\ude00"',
      '-0.0e+00',
      'null',
    ];
    const ended = await run(['record', '--dir', spool], `${lines.join('\n')}\n`);
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: 'relay: 5 lines stored in 1 segment\n' });
    expect((await spoolBytes(spool)).toString('utf8')).toBe(`${lines.join('\n')}\n`);
    expect(await segmentFiles(spool)).toEqual([expect.stringMatching(/\.ndjson$/u)]);
  });

  it('takes CR LF, a byte order mark, blank lines and a last line without a line end', async () => {
    const spool = await newSpool();
    const ended = await run(['record', '--dir', spool, '--ack'], '\uFEFF{"a":1}\r\n\r\n  \n{"b":"x"}\r\n[3]');
    expect(ended.code).toBe(0);
    expect(lastLine(ended.stdout)).toEqual({ lines: 5, stored: 3, refused: 0, blank: 2 });
    expect((await spoolBytes(spool)).toString('utf8')).toBe('{"a":1}\n{"b":"x"}\n[3]\n');
  });

  it('says what became of the input as JSON', async () => {
    const ended = await run(['record', '--dir', await newSpool(), '--json'], '1\nno\n\n2\n');
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringMatching(/^relay: line 2 is not stored: [^\n]*\n$/u) });
    const counts = { lines: 4, stored: 2, refused: 1, blank: 1, segments: 1, droppedSegments: 0, droppedEvents: 0 };
    expect(JSON.parse(ended.stdout)).toEqual({ ...counts, endedBy: 'end' });
  });

  it('names each refused line, stores the others, and says so by its exit code', async () => {
    const spool = await newSpool();
    const input = Buffer.concat([
      Buffer.from('1\n{"a":\n\n2\n"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"\n\uFEFF3\n4\0\n5\nnot json'),
    ]);
    const ended = await run(['record', '--dir', spool], input);
    expect(ended.code).toBe(3);
    const numbers = [...ended.stderr.matchAll(/^relay: line (\d+) is not stored: \S/gmu)].map(([, number]) => number);
    expect(numbers).toEqual(['2', '5', '6', '7', '9']);
    expect(ended.stderr).toContain('relay: line 2 is not stored: it is not a JSON value in valid UTF-8\n');
    expect(ended.stderr).toContain('relay: 3 lines stored in 1 segment, 5 lines refused, 1 blank line left out\n');
    expect((await spoolBytes(spool)).toString('utf8')).toBe('1\n2\n5\n');
  });

  it('stops at the first refused line with --strict, with those before it stored', async () => {
    const spool = await newSpool();
    const ended = await run(['record', '--dir', spool, '--strict', '--ack'], '1\n2\nno\n3\n');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('relay: stopped at line 3, as --strict asks; nothing behind it is stored\n');
    expect(lastLine(ended.stdout)).toEqual({ lines: 3, stored: 2, refused: 1, blank: 0 });
    expect((await spoolBytes(spool)).toString('utf8')).toBe('1\n2\n');
  });

  it('refuses a line that is too long, by its size', async () => {
    const spool = await newSpool();
    const input = `"${'x'.repeat(17)}"\n"${'x'.repeat(18)}"\n"${'x'.repeat(3_000_000)}"\n1\n`;
    const ended = await run(['record', '--dir', spool, '--max-event-bytes', '20'], input);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('relay: line 2 is not stored: it is 20 bytes long; a line may have 19\n');
    expect(ended.stderr).toContain('relay: line 3 is not stored: it is 3000002 bytes long; a line may have 19\n');
    expect((await spoolBytes(spool)).toString('utf8')).toBe(`"${'x'.repeat(17)}"\n1\n`);
  });

  it.each(['written', 'synced'])('acknowledges each line while its writer waits, durability %s', async (durability) => {
    const spool = await newSpool();
    const command = new RunningCommand(['record', '--dir', spool, '--ack', '--durability', durability]);
    for (let number = 1; number <= 3; number += 1) {
      command.process.stdin.write(`${number}\n`);
      await command.untilStdout(`{"lines":${number},"stored":${number},"refused":0,"blank":0}\n`);
      expect((await spoolBytes(spool)).toString('utf8').split('\n')).toHaveLength(number + 1);
    }
    command.process.stdin.end();
    expect(await command.ended).toMatchObject({ code: 0 });
  });

  it('goes on recording when nobody reads the acknowledgements any more', async () => {
    const spool = await newSpool();
    const command = new RunningCommand(['record', '--dir', spool, '--ack']);
    command.process.stdin.write('1\n');
    await command.untilStdout('"stored":1');
    command.process.stdout.destroy();
    for (let number = 2; number <= 50; number += 1) {
      command.process.stdin.write(`${number}\n`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    command.process.stdin.end();
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('recording goes on') });
    const wanted = Array.from({ length: 50 }, (_, index) => `${index + 1}\n`).join('');
    expect((await spoolBytes(spool)).toString('utf8')).toBe(wanted);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'stores and seals what it read when %s comes, and ends by it',
    async (signal) => {
      const spool = await newSpool();
      const command = new RunningCommand(['record', '--dir', spool, '--ack']);
      command.process.stdin.write('1\n2\n{"unfin');
      await command.untilStdout('"stored":2');
      command.process.kill(signal);
      const ended = await command.ended;
      expect(ended).toMatchObject({ code: null, signal });
      expect(ended.stderr).toContain('relay: stopped inside line 3; its first 7 bytes are not stored\n');
      expect((await spoolBytes(spool)).toString('utf8')).toBe('1\n2\n');
      expect(await segmentFiles(spool)).toEqual([expect.stringMatching(/\.ndjson$/u)]);
    },
  );

  it('leaves an empty input without a segment', async () => {
    const spool = await newSpool();
    expect(await run(['record', '--dir', spool])).toMatchObject({
      code: 0,
      stderr: 'relay: 0 lines stored in 0 segments\n',
    });
    expect(await segmentFiles(spool)).toEqual([]);
  });

  it('says what is wrong with a directory it cannot use', async () => {
    const ended = await run(['record', '--dir', '/dev/null/spool'], '1\n');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^relay: .*\/dev\/null/u);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  describe('on a spool that is full', () => {
    const line = `"${'x'.repeat(97)}"\n`;
    const smallSpool = ['--ack', '--max-spool-bytes', '8000'];

    /** Writes lines one by one, each acknowledged, until the command ends or all are written. */
    async function feed(command: RunningCommand, count: number): Promise<void> {
      for (let number = 1; number <= count && command.process.exitCode === null; number += 1) {
        command.process.stdin.write(line);
        await command.untilStdout(`"stored":${number},`).catch(() => undefined);
      }
      command.process.stdin.end();
    }

    it('stops with exit code 1, keeps everything acknowledged, and says what to do', async () => {
      const spool = await newSpool();
      const command = new RunningCommand(['record', '--dir', spool, ...smallSpool]);
      await feed(command, 200);
      const { code, stdout, stderr } = await command.ended;
      expect(code).toBe(1);
      const { stored } = lastLine(stdout) as { readonly stored: number };
      expect(stored).toBeGreaterThanOrEqual(70);
      expect(stored).toBeLessThanOrEqual(100);
      expect((await spoolBytes(spool)).toString('utf8')).toBe(line.repeat(stored));
      expect(stderr).toContain(`relay: the first ${stored} lines are settled, what follows is not stored\n`);
      expect(stderr).toMatch(/relay: The spool \S+ has reached its limits; .* relay export, raise --max-spool-bytes/u);
    });

    it('gives up the oldest with --when-full drop-oldest, announces each, and counts', async () => {
      const spool = await newSpool();
      const command = new RunningCommand(['record', '--dir', spool, ...smallSpool, '--when-full', 'drop-oldest']);
      await feed(command, 200);
      const { code, stderr } = await command.ended;
      expect(code).toBe(0);
      const drops = [
        ...stderr.matchAll(/^relay: dropped \S+ before it was delivered: (\d+) events, .* \(totalBytes\)$/gmu),
      ];
      const dropped = drops.reduce((sum, [, events]) => sum + Number(events), 0);
      expect(dropped).toBeGreaterThan(0);
      const end = `${dropped} events in ${drops.length} segments dropped undelivered\n`;
      expect(stderr).toMatch(new RegExp(`^relay: 200 lines stored in \\d+ segments, ${end}`, 'mu'));
      expect((await spoolBytes(spool)).toString('utf8')).toBe(line.repeat(200 - dropped));
    });
  });

  it('names the first hundred refused lines and counts the others', async () => {
    const ended = await run(['record', '--dir', await newSpool()], 'no\n'.repeat(250));
    expect(ended.code).toBe(3);
    expect(ended.stderr.match(/is not stored/gu)).toHaveLength(100);
    expect(ended.stderr).toContain('relay: 150 more lines refused and not named\n');
    expect(ended.stderr).toContain('relay: 0 lines stored in 0 segments, 250 lines refused\n');
  });

  it.each(['stdout', 'stderr'] as const)('ends by the first signal while nobody reads %s', async (stream) => {
    const spool = await newSpool();
    using pipe = new UnreadPipe(dirname(spool));
    const child = spawnCommand(['record', '--dir', spool, '--ack'], { [stream]: pipe.fd });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdin?.write('1\nno\n');
    await vi.waitFor(async () => expect((await spoolBytes(spool)).toString('utf8')).toBe('1\n'), { timeout: 20_000 });
    // The end of the input makes it wait for whoever reads the last line.
    if (stream === 'stderr') child.stdin?.end();
    else await new Promise((resolve) => setTimeout(resolve, 100));
    if (stream === 'stderr') {
      const sealed = expect.stringMatching(/\.ndjson$/u);
      await vi.waitFor(async () => expect(await segmentFiles(spool)).toEqual([sealed]), { timeout: 20_000 });
    }
    child.kill('SIGTERM');
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await segmentFiles(spool)).toEqual([expect.stringMatching(/\.ndjson$/u)]);
  });

  it('refuses a directory as its standard input', async () => {
    const spool = await newSpool();
    const stdin = openSync(dirname(spool), 'r');
    const ended = await runWith(['record', '--dir', spool], { stdin });
    closeSync(stdin);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('Standard input is a directory') });
  });

  it('uses an unsafe directory only where the command line allows it', async () => {
    const spool = await newSpool();
    await mkdir(spool);
    await chmod(spool, 0o777);
    const link = join(dirname(spool), 'link');
    await symlink(spool, link);
    for (const dir of [spool, link]) {
      const refused = await run(['record', '--dir', dir], '1\n');
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('accept it with --allow-unsafe-directory.'),
      });
      expect(await run(['record', '--dir', dir, '--allow-unsafe-directory'], '1\n')).toMatchObject({ code: 0 });
      const listed = await run(['ls', '--dir', dir]);
      expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('ready') });
    }
  });
});
