// Goal: a table keeps its columns, however many rows it has.
import { expect, it } from 'vitest';
import { plainTable } from '../src/plain-table.ts';

it.each([1, 200, 201, 1_000])('aligns the columns of %i rows', (count) => {
  const rows = Array.from({ length: count }, (_, n) => [`row ${n}`, 'x'.repeat(1 + (n % 17)), String(n * 7)]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const expected = rows.map(([name = '', text = '', number = '']) => {
    const [first = 0, second = 0, third = 0] = widths;
    return `${name.padEnd(first)}  ${text.padEnd(second)}  ${number.padStart(third)}`.trimEnd();
  });
  expect(plainTable(rows, [2]).split('\n')).toEqual(expected);
});
