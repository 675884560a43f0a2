import { printable } from '../describe-error.ts';
import { formatAge, formatBytes, formatCount, formatRate } from '../format.ts';
import type { Paint } from '../paint.ts';
import { ratesOf, type Sample } from '../samples.ts';
import type { SpoolSnapshot } from '../spool-snapshot.ts';
import { sparkline } from './sparkline.ts';

export interface TopView {
  readonly snapshot: SpoolSnapshot;
  readonly samples: readonly Sample[];
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
}

interface Line {
  readonly text: string;
  readonly style?: Parameters<Paint>[0];
}

/** The lines of one screen: never more than `rows`, never wider than `columns`. What matters most comes first. */
export function renderTop(view: TopView): string[] {
  const { columns, rows, paint } = view;
  const lines = [...describeNumbers(view), ...describeCharts(view), ...describeUploads(view)];
  return lines.slice(0, rows).map(({ text, style }) => {
    const cut = text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;
    return style === undefined ? cut : paint(style, cut);
  });
}

function describeNumbers({ snapshot, columns }: TopView): Line[] {
  const { pending, delivered, quarantined, dropped, lost, segments, bytes, disk, retrying, at, directory } = snapshot;
  const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const name = `relay top  ${printable(directory)}`;
  const time = columns < 40 ? 'q quits' : `${at.slice(11, 19)}Z  q quits`;
  const age = snapshot.oldestPendingAt ? formatAge(Date.parse(at) - Date.parse(snapshot.oldestPendingAt)) : '-';
  const number = (count: number): string => count.toLocaleString('en-US');
  const sealed = segments.ready + segments.held + segments.unknown;
  return [
    {
      text: `${name.slice(0, Math.max(0, columns - time.length - 2)).padEnd(columns - time.length)}${time}`,
      style: 'inverse',
    },
    {
      text: `pending      ${formatCount(pending, 'event')}, ${formatCount(sealed, 'segment')}, ${formatBytes(bytes.pending)}`,
      style: 'bold',
    },
    { text: `oldest       ${age}` },
    { text: `delivered    ${number(delivered)}` },
    troubled(
      `quarantine   ${formatCount(segments.quarantined, 'segment')}, ${formatCount(quarantined, 'event')}`,
      segments.quarantined > 0,
    ),
    troubled(`lost         ${number(lost)}, dropped ${number(drops)}`, lost + drops > 0),
    troubled(`retrying     ${formatCount(retrying.length, 'segment')}, held ${segments.held}`, retrying.length > 0),
    { text: `open         ${formatCount(segments.open, 'file')}, ${formatBytes(bytes.open)}` },
    { text: `disk         ${formatBytes(disk.freeBytes)} free` },
  ];
}

function troubled(text: string, isTrouble: boolean): Line {
  return isTrouble ? { text, style: 'yellow' } : { text };
}

const nameColumns = 13;
/** Room for `1,234,567 events/s`, and two spaces in front of it. */
const valueColumns = 20;

function describeCharts({ samples, columns }: TopView): Line[] {
  const recorded = ratesOf(samples, ({ recordedBytes }) => recordedBytes);
  const delivered = ratesOf(samples, (sample) => sample.delivered);
  const waiting = samples.map(({ pending }) => pending);
  // Names on the left, values on the right.
  const width = columns - nameColumns - valueColumns;
  if (width < 8) return [];
  const chart = (name: string, values: readonly number[], value: string): Line => ({
    text: `${name.padEnd(nameColumns)}${sparkline(values, width)}  ${value}`,
    style: 'cyan',
  });
  return [
    { text: '' },
    chart('recorded', recorded, `${formatBytes(Math.round(recorded.at(-1) ?? 0))}/s`),
    chart('delivered', delivered, `${formatRate(delivered.at(-1) ?? 0)} events/s`),
    chart('pending', waiting, (waiting.at(-1) ?? 0).toLocaleString('en-US')),
  ];
}

function describeUploads({ snapshot, columns }: TopView): Line[] {
  const { recent, retrying } = snapshot;
  const lines: Line[] = [{ text: '' }, { text: 'uploads', style: 'bold' }];
  for (const { id, attempts, lastError = '' } of retrying.slice(0, 3)) {
    // The line begins with the segment, so its name stands there once.
    const reason = printable(lastError).replace(`Upload of ${id} to`, 'to');
    lines.push(...withReason(`retry ${attempts}  ${id}`, reason, columns, 'yellow'));
  }
  for (const { at, outcome, id, eventCount, bytes, reason = '' } of recent) {
    const size = `${formatCount(eventCount, 'event')}, ${formatBytes(bytes)}`;
    const style = outcome === 'delivered' ? undefined : 'yellow';
    lines.push(...withReason(`${at.slice(11, 19)}Z  ${outcome}  ${id}  ${size}`, printable(reason), columns, style));
  }
  if (lines.length === 2) lines.push({ text: 'none yet' });
  return lines;
}

/** The reason is what somebody looks for: it takes a line of its own where the first one has no room for it. */
function withReason(text: string, reason: string, columns: number, style: Line['style']): Line[] {
  const styled = (line: string): Line => (style === undefined ? { text: line } : { text: line, style });
  if (reason === '') return [styled(text)];
  const together = `${text}  ${reason}`;
  return together.length <= columns ? [styled(together)] : [styled(text), styled(`  ${reason}`)];
}
