// Goal: nobody reads a figure in a README that was not measured.
// Method: every number beside a unit of speed, and every number of a table that is headed by one, in every README, has to
// stand in docs/BENCHMARKS.md.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const measured = 'docs/BENCHMARKS.md';
const units = ['events/s', 'events a second', 'MB/s', 'ns', 'µs', '×', 'times (?:as|faster|slower|smaller|less|more)'];
const number = '(?<![\\w.,])(?<number>\\d[\\d,]*(?:\\.\\d+)?)';
const besideUnit = new RegExp(`${number} ?(?:${units.join('|')})(?!\\w)`, 'gu');
const anyNumber = new RegExp(number, 'gu');
/** What the head of a table, or of one of its rows, says where measured numbers follow. */
const headsFigures = /events\/s|MB\/s|\bns\b|µs|\bmilliseconds\b|times smaller|in multiples of|relative to/u;

const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
const readmes = ['.', 'demo', 'benchmarks', ...folders]
  .map((folder) => join(folder, 'README.md'))
  .filter((path) => existsSync(join(root, path)));

function numbersIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(({ groups }) => groups?.['number'] ?? '');
}

function figuresIn(page: string): string[] {
  // What a terminal showed once is an example, not a measurement.
  const text = page.replaceAll(/^```[\s\S]*?^```/gmu, '');
  const found = numbersIn(text, besideUnit);
  for (const [table] of text.matchAll(/(?:^\|.*\n)+/gmu)) {
    const [head = '', , ...rows] = table.trim().split('\n');
    for (const row of rows) {
      const [, first = '', ...cells] = row.split('|');
      if (headsFigures.test(head) || headsFigures.test(first)) found.push(...numbersIn(cells.join('|'), anyNumber));
    }
  }
  return found;
}

it('finds figures by their units', () => {
  const text =
    'It takes 1,234 events/s, 9.5 µs and 12 MB/s, is 2.5 times faster, 0.9 × that; not 10 ms, 3 times, or 8 MiB.';
  expect(figuresIn(`${text}\n\`\`\`text\n7 events/s\n\`\`\`\n`)).toEqual(['1,234', '9.5', '12', '2.5', '0.9']);
});

it('finds figures in tables that are headed by units', () => {
  const byColumn = '| milliseconds | 100 events |\n| --- | --- |\n| JSON | 0.041 |\n';
  const byRow = '| | plain | gzip |\n| --- | --- | --- |\n| times smaller | 1 | 6.3 |\n| opens | 2 | 3 |\n';
  expect(figuresIn(`${byColumn}\n${byRow}`)).toEqual(['0.041', '1', '6.3']);
});

it.for(readmes)('%s quotes only what was measured', (path) => {
  const report = readFileSync(join(root, measured), 'utf8');
  const known = new Set(numbersIn(report, anyNumber));
  const unknown = figuresIn(readFileSync(join(root, path), 'utf8')).filter((figure) => !known.has(figure));
  expect(unknown, `not in ${measured}; npm run bench:compare -- report takes over what packages measure`).toEqual([]);
});
