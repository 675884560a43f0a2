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

/** The library takes time with the square of a table's rows. */
const ROWS_AT_A_TIME = 200;

/** @param right - Columns, from 0, that are aligned to the right. */
export function plainTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const columns = Math.max(0, ...rows.map(({ length }) => length));
  const colAligns = Array.from({ length: columns }, (_, index) => (right.includes(index) ? 'right' : 'left'));
  const parts: (readonly (readonly string[])[])[] = [];
  for (let start = 0; start < rows.length; start += ROWS_AT_A_TIME) {
    parts.push(rows.slice(start, start + ROWS_AT_A_TIME));
  }
  // Drawn once so that the library tells how wide their columns are, and then as parts of one table.
  const widths = parts.length > 1 ? widest(parts.map((part) => draw(part, colAligns).colWidths)) : [];
  return parts.map((part) => draw(part, colAligns, widths).text).join('\n');
}

function draw(
  rows: readonly (readonly string[])[],
  colAligns: ('left' | 'right')[],
  widths: readonly number[] = [],
): { readonly text: string; readonly colWidths: readonly number[] } {
  // The library writes into this list what it chose.
  const colWidths = [...widths];
  const table = new Table({ colAligns, colWidths, ...plain });
  for (const row of rows) table.push([...row]);
  const lines = table.toString().split('\n');
  return { text: lines.map((line) => line.trimEnd()).join('\n'), colWidths };
}

function widest(lists: readonly (readonly number[])[]): number[] {
  const widths: number[] = [];
  for (const list of lists) {
    for (const [index, width] of list.entries()) widths[index] = Math.max(widths[index] ?? 0, width);
  }
  return widths;
}
