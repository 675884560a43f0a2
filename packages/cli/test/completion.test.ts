// Goal: the scripts of relay completion make shells complete what the command knows.
// Method: the shells themselves; those that are missing are said, and every script is searched for every command.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { relay } from './in-process.ts';

const has = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    console.warn(`completion.test.ts: no ${shell} here, so its script is not run`);
    return false;
  }
};

describe('relay completion', () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const { stdout } = await relay(['completion', 'bash']);
    const script = `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}\n_relay\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).trim().split('\n');
  };

  it('completes commands, options and choices in bash', async () => {
    expect(await complete('relay', 're')).toEqual(['record', 'repair', 'rekey']);
    expect(await complete('relay', 'record', '--ro')).toEqual(['--rotate-bytes', '--rotate-age', '--rotate-events']);
    expect(await complete('relay', 'record', '--durability', '')).toEqual(['written', 'synced']);
    expect(await complete('relay', 'completion', 'z')).toEqual(['zsh']);
    expect(await complete('relay', 'help', 've')).toEqual(['verify']);
    expect(await complete('relay', 'ls', '--dir', '/et')).toEqual(['/etc']);
    expect(await complete('relay', 'quarantine', 'discard', '--re')).toEqual(['--reason']);
  });

  it.skipIf(!has('fish'))('completes the same in fish (skipped where fish is missing)', async () => {
    const { stdout: script } = await relay(['completion', 'fish']);
    const completeInFish = (line: string): string[] =>
      execFileSync('fish', ['--no-config', '-c', `${script}\ncomplete -C '${line}'`], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((text) => text.split('\t', 1)[0] ?? '');
    expect(completeInFish('relay re')).toEqual(['record', 'rekey', 'repair']);
    expect(completeInFish('relay record --ro')).toEqual(['--rotate-age', '--rotate-bytes', '--rotate-events']);
    expect(completeInFish('relay record --durability ')).toEqual(['synced', 'written']);
    expect(completeInFish('relay completion z')).toEqual(['zsh']);
    expect(completeInFish('relay help ve')).toEqual(['verify']);
    expect(completeInFish('relay ls --dir /et')).toEqual(['/etc/']);
    expect(completeInFish('relay quarantine discard --re')).toEqual(['--reason']);
  });

  // Only a zsh with a terminal completes: it gets one of its own, and what it prints there is waited for.
  it.skipIf(!has('zsh'))('completes the same in zsh (skipped where zsh is missing)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'relay-zsh-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, '_relay'), (await relay(['completion', 'zsh'])).stdout);
    const wanted = [
      ['relay re', '*record *rekey *repair *'],
      ['relay record --ro', '*--rotate-age *--rotate-bytes *'],
      ['relay record --durability ', '*synced *written*'],
      ['relay help v', '*verify*'],
      ['relay quarantine discard --re', '*--reason*'],
    ] as const;
    await writeFile(
      join(folder, 'driver'),
      [
        'zmodload zsh/zpty',
        'zpty z zsh -f -i',
        // In two parts, so that the echo of what is typed is not taken for the answer.
        String.raw`zpty -w z "fpath=('$HOME' \$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=0; echo rea''dy"`,
        `zpty -r z out '*ready*'`,
        ...wanted.flatMap(([line, pattern]) => [
          String.raw`zpty -w -n z '${line}'$'\t\t'`,
          `zpty -r z out '${pattern}' && print -r -- '${line}'`,
          String.raw`zpty -w -n z $'\x15'`,
        ]),
        'zpty -d z',
      ].join('\n'),
    );
    const env = { ...process.env, TERM: 'dumb', HOME: folder };
    const options = { encoding: 'utf8', timeout: 50_000, env } as const;
    const printed = execFileSync('zsh', ['-f', join(folder, 'driver')], options);
    expect(printed.split('\n').slice(0, -1)).toEqual(wanted.map(([line]) => line));
  });

  it.each(['zsh', 'fish'])('names every command and option in %s', async (shell) => {
    const { code, stdout } = await relay(['completion', shell]);
    expect(code).toBe(0);
    const help = (await relay(['--help'])).stdout;
    const commands = [...help.matchAll(/^ {2}([a-z]+) \[options\]/gmu)].map(([, name]) => name ?? '');
    expect(commands.length).toBeGreaterThanOrEqual(12);
    for (const name of commands) expect(stdout).toContain(name);
    for (const option of ['release-held', 'rotate-age', 'include-tried']) expect(stdout).toContain(option);
  });

  it('refuses a shell that it does not know', async () => {
    expect(await relay(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bash, zsh, fish'),
    });
  });
});
