import Table from 'cli-table3';

/** No lines, two spaces between the columns: fits 80 columns, and a person's `awk`. */
const plain = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
};

/** @param right - Columns, from 0, that are aligned to the right. */
export function plainTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const columns = Math.max(0, ...rows.map(({ length }) => length));
  const colAligns = Array.from({ length: columns }, (_, index) => (right.includes(index) ? 'right' : 'left'));
  const table = new Table({ colAligns, ...plain });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
