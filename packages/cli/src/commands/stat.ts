import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatAge, formatBytes, formatCount, formatDuration, formatRate } from '../format.ts';
import { jsonLine } from '../json-line.ts';
import { viewSpool } from '../open-spool.ts';
import { directoryOption, jsonOption } from '../options.ts';
import { plainTable } from '../plain-table.ts';
import { print } from '../print.ts';
import { type SpoolSnapshot, SpoolWatcher } from '../spool-snapshot.ts';
import type { CommandSetup } from './command-setup.ts';

interface StatOptions {
  readonly dir: string;
  readonly json?: true;
}

export function defineStat({ program, run }: CommandSetup): void {
  program
    .command('stat')
    .summary('account for every event of a spool')
    .description(
      'Says where every event of a spool is, how old what waits is, and how fast events come and go. Reads metadata and ' +
        'ledger, not the segments, so it takes the same time however large they are. Changes nothing.',
    )
    .addOption(directoryOption())
    .addOption(jsonOption('print the same as one JSON object'))
    .addHelpText(
      'after',
      `
Each writer numbers its events, so that each number is in one place:
  added = pending + delivered + quarantined + dropped + lost
  pending      in sealed segments that wait, those held back included
  delivered    the receiver has them, and the ledger says so
  quarantined  in segments that were refused or damaged
  dropped      given up, by reason: totalBytes, fileCount, age, missing ...
  lost         nowhere: damaged, or not on disk when the power failed
Events in a file that is being written count once it is sealed. Rates are of the
last hour, or of as much of it as the ledger still names segment by segment.

Exit codes: 0 done, 1 failure, 2 wrong use.`,
    )
    .action(run(stat));
}

async function stat({ dir, json }: StatOptions, context: CommandContext): Promise<ExitCode> {
  const snapshot = await new SpoolWatcher(await viewSpool(dir)).snapshot();
  await print(context, json ? [jsonLine(snapshot)] : describeSnapshot(snapshot));
  return exitCodes.done;
}

export function describeSnapshot(snapshot: SpoolSnapshot): string[] {
  const { added, pending, delivered, quarantined, dropped, lost, repeated, segments, bytes, rates, disk } = snapshot;
  const nowMs = Date.parse(snapshot.at);
  const age = (at: string | undefined): string => (at === undefined ? '' : formatAge(nowMs - Date.parse(at)));
  const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const number = (count: number): string => count.toLocaleString('en-US');
  const sealed = segments.ready + segments.held + segments.unknown;
  const waiting = [formatCount(sealed, 'segment'), formatBytes(bytes.pending)];
  if (snapshot.oldestPendingAt) {
    const ages = new Set([age(snapshot.oldestPendingAt), age(snapshot.newestPendingAt)]);
    waiting.push(`${[...ages].join(' to ')} old`);
  }
  const rows = [
    ['added', number(added), 'events'],
    ['= pending', number(pending), waiting.join(', ')],
    ['+ delivered', number(delivered), ''],
    ['+ quarantined', number(quarantined), describeQuarantine(snapshot)],
    ['+ dropped', number(drops), describeReasons(dropped)],
    ['+ lost', number(lost), ''],
  ];
  const lines = [plainTable(rows, [1]), ''];
  if (repeated > 0) lines.push(`repeated   ${number(repeated)} events stand in two places; run relay verify`);
  if (segments.open > 0) {
    lines.push(`open       ${formatCount(segments.open, 'file')}, ${formatBytes(bytes.open)}; counted once sealed`);
  }
  if (segments.held > 0) lines.push(`held       ${formatCount(segments.held, 'segment')} not to be delivered yet`);
  if (segments.unknown > 0) {
    lines.push(`unknown    ${formatCount(segments.unknown, 'segment')} without metadata; run relay repair`);
  }
  lines.push(...describeRetrying(snapshot));
  lines.push(
    `rates      ${formatRate(rates.addedPerSecond)} events/s added, ${formatRate(rates.deliveredPerSecond)} delivered, ` +
      `over ${formatDuration(rates.windowMs)}`,
    `disk       ${formatBytes(disk.freeBytes)} free of ${formatBytes(disk.totalBytes)}`,
    `spool      ${snapshot.spoolId}, ${printable(snapshot.directory)}`,
  );
  return lines;
}

function describeQuarantine({ segments, bytes }: SpoolSnapshot): string {
  return segments.quarantined === 0
    ? ''
    : `${formatCount(segments.quarantined, 'segment')}, ${formatBytes(bytes.quarantined)} in quarantine/`;
}

function describeReasons(dropped: SpoolSnapshot['dropped']): string {
  return Object.entries(dropped)
    .map(([reason, count]) => `${count.toLocaleString('en-US')} ${printable(reason)}`)
    .join(', ');
}

function describeRetrying({ retrying, at }: SpoolSnapshot): string[] {
  const [worst] = retrying.toSorted((a, b) => a.firstFailureAtMs - b.firstFailureAtMs);
  if (!worst) return [];
  const since = worst.firstFailureAtMs > 0 ? ` for ${formatAge(Date.parse(at) - worst.firstFailureAtMs)}` : '';
  const error = worst.lastError === undefined ? '' : `: ${printable(worst.lastError)}`;
  return [`retrying   ${formatCount(retrying.length, 'segment')}${since}${error}`];
}
