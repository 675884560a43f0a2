// Goal: nothing that stands in an event or in a file's name steers the terminal, and a pipe gets every byte as it was.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { printable } from '../src/describe-error.ts';
import { relay } from './in-process.ts';
import { newSpool } from './spool.ts';

const terminal = { columns: 80, rows: 24 };

const steering = [
  ...[0x7f, 0x80, 0x85, 0x9b, 0x9f],
  ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
];

/** C0 controls may not stand in strings of JSON, which has an escape for each. */
const ofC0 = Array.from({ length: 0x20 }, (_, code) => code);

const characters = steering.map((code) => String.fromCharCode(code));

it.each([[], ['--json']])('shows control characters of events on a terminal as escapes (%s)', async (...flags) => {
  const spool = await newSpool();
  const event = { text: `a${characters.join('b')}c`, kept: 'ä – 𝄞 \u00a0 \\u009b ]' };
  const line = `${JSON.stringify(event)}\n`;
  await relay(['record', '--dir', spool], { stdin: line });
  const { stdout, code } = await relay(['cat', '--dir', spool, ...flags], { terminal });
  expect(code).toBe(0);
  for (const character of characters) expect(stdout).not.toContain(character);
  expect(stdout).toContain('\\u009b');
  expect(stdout).toContain('\\u202e');
  // It is the same event.
  const shown = JSON.parse(stdout) as { event?: unknown };
  expect(flags.length > 0 ? shown.event : shown).toEqual(event);
  const piped = await relay(['cat', '--dir', spool, ...flags]);
  expect(piped.stdout).toContain(line.trimEnd());
});

it('shows no carriage return between values, and a tab as it is', async () => {
  const spool = await newSpool();
  await relay(['record', '--dir', spool], { stdin: '{"a":\r\t1}\n' });
  expect((await relay(['cat', '--dir', spool], { terminal })).stdout).toBe('{"a": \t1}\n');
  expect((await relay(['cat', '--dir', spool])).stdout).toBe('{"a":\r\t1}\n');
});

it.each([...steering, ...ofC0])('prints no character %i in a message or a name', (code) => {
  const character = String.fromCharCode(code);
  expect(printable(`a${character}${character}b`)).toBe('a b');
});

it('names a file whose name turns the direction of text without turning it', async () => {
  const spool = await newSpool();
  await relay(['record', '--dir', spool], { stdin: '1\n' });
  await writeFile(join(spool, '\u202etxt.exe'), '');
  const { stdout } = await relay(['verify', '--dir', spool]);
  expect(stdout).toContain(' txt.exe');
  expect(stdout).not.toContain('\u202e');
});

it('quotes an argument that it does not know without what steers the terminal', async () => {
  const { stderr, code } = await relay(['ls', '--dir', 'spool', '--\u001b]0;title\u0007\u202e']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^relay: unknown option '--[^\p{Cc}\p{Cf}]*'\nRun relay --help/u);
});
