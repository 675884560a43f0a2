// Bar charts as SVG: one bar a case, and a thin line from the lowest to the highest of its runs.
import type { Spread } from './statistics.ts';

export interface Bar {
  readonly label: string;
  readonly value: Spread;
  readonly isOurs: boolean;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 820;
const LABEL_WIDTH = 330;
const VALUE_WIDTH = 90;
const ROW_HEIGHT = 26;
const TOP = 44;

export function barChart({ title, unit, bars }: Chart): string {
  const largest = Math.max(...bars.map(({ value }) => value.highest));
  const toX = (value: number): number => LABEL_WIDTH + (value / largest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
  const rows = bars.map(({ label, value, isOurs }, index) => {
    const y = TOP + index * ROW_HEIGHT;
    const middle = y + ROW_HEIGHT / 2 - 2;
    const width = Math.max(1, toX(value.median) - LABEL_WIDTH);
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${middle + 4}" text-anchor="end">${toXML(label.replace(/[*`]/gu, ''))}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${y + 3}" width="${width.toFixed(1)}" height="16" class="${isOurs ? 'ours' : 'theirs'}"/>`,
      `<path d="M${toX(value.lowest).toFixed(1)} ${middle}H${toX(value.highest).toFixed(1)}" class="spread"/>`,
      `<text x="${(toX(value.highest) + 6).toFixed(1)}" y="${middle + 4}">${toXML(figure(value.median))}</text>`,
    ].join('\n  ');
  });
  const height = TOP + bars.length * ROW_HEIGHT + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
  <title>${toXML(`${title}, ${unit}`)}</title>
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 }
    .ours { fill: #2f6f4f } .theirs { fill: #b8c1cc }
    .spread { stroke: #57606a; stroke-width: 1.5; fill: none }
  </style>
  <rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
  <text x="12" y="24" class="title">${toXML(`${title} (${unit})`)}</text>
  ${rows.join('\n  ')}
</svg>
`;
}

/** Three digits that count, and separators where there are more. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1_000) return Number(value.toPrecision(3)).toLocaleString('en-US');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(Math.abs(value) < 1 ? 2 : 3)));
}

function toXML(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
