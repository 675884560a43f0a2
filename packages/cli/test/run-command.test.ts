// Goal: the command line is checked before anything happens, and help reads well.
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run, runWith } from './command.ts';
import { newSpool } from './spool.ts';

describe('relay', () => {
  it('prints help and version on standard output', async () => {
    const [help, recordHelp, version] = await Promise.all([
      run(['--help']),
      run(['help', 'record']),
      run(['--version']),
    ]);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['record', 'export', 'ls']) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'mu'));
    expect(help.stdout).toContain('Exit codes:');
    expect(recordHelp).toMatchObject({ code: 0, stderr: '' });
    expect(recordHelp.stdout).toContain('"stored":1198');
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/u) });
  });

  it.skipIf(!existsSync('/dev/full')).each([[['--help']], [['help', 'ls']], [['--version']]])(
    'says that %j could not be printed',
    async (args) => {
      const stdout = openSync('/dev/full', 'w');
      try {
        expect(await runWith(args, { stdout })).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/^relay: Cannot write to standard output: ENOSPC.*\n$/u),
        });
      } finally {
        closeSync(stdout);
      }
    },
  );

  it('uses bold letters where colours are wanted, and none with NO_COLOR or without a terminal', async () => {
    const env = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined };
    const [forced, refused, piped] = await Promise.all([
      run(['--help'], '', { ...env, FORCE_COLOR: '1' }),
      run(['--help'], '', { ...env, NO_COLOR: '1' }),
      run(['--help'], '', env),
    ]);
    expect(forced.stdout).toContain('\u001b[1m');
    expect(refused.stdout).not.toContain('\u001b');
    expect(piped.stdout).not.toContain('\u001b');
  });

  it.each([
    [[], /Usage: relay/u],
    [['record'], /--dir/u],
    [['record', '--dir', ''], /'--dir <directory>' argument '' is invalid. It must be a path/u],
    [['ls', '--dir', ''], /'--dir <directory>' argument '' is invalid. It must be a path/u],
    [['recrod'], /unknown command 'recrod'/u],
    [['help', 'recrod'], /unknown command 'recrod'/u],
    [['recrod', '--help'], /unknown command 'recrod'/u],
    [['record', '--dir', 'x', '--sync'], /unknown option '--sync'/u],
    [['record', '--dir', 'x', '--durability', 'never'], /Allowed choices are written, synced/u],
    [['record', '--dir', 'x', '--max-event-bytes', '1.5'], /It must be a whole number >= 2/u],
    [['record', '--dir', 'x', '--max-spool-bytes', '100'], /It must be a whole number >= 2048/u],
    [['record', '--dir', 'x', '--when-full', 'panic'], /Allowed choices are refuse, drop-oldest/u],
    [['record', '--dir', 'x', 'stray'], /too many arguments/u],
    [['export', '--dir', 'x'], /--to/u],
    [['record', '--dir', 'x', '--max-event-bytes', '9Gi'], /^relay: --max-event-bytes must be at most 33554432, got/u],
    [['export', '--dir', 'x', '--to', 'nowhere'], /--to must be an absolute http or https address/u],
    [
      ['export', '--dir', 'x', '--to', 'http://example.com/'],
      /^relay: --to must be https, or http to this machine; got http:\/\/example.com\n/u,
    ],
    [['export', '--dir', 'x', '--to', 'https://u:p@example.com'], /--to must not hold a user name .* with --header/u],
    [['export', '--dir', 'x', '--to', 'https://x.test', '--header', 'a b: c'], /--header must have a name of letters/u],
  ])('refuses %j with exit code 2', async (args, message) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });

  it('keeps a header that is wrong out of its message', async () => {
    const ended = await run([
      'export',
      '--dir',
      await newSpool(),
      '--to',
      'https://x.test',
      '--header',
      'secret-canary',
    ]);
    expect(ended).toMatchObject({ code: 2, stderr: 'relay: --header must be "Name: value"\n' });
    expect(ended.stderr).not.toContain('secret-canary');
  });
});
