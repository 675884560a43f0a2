import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatAge, formatBytes, formatCount } from '../format.ts';
import { jsonLine } from '../json-line.ts';
import { viewSpool } from '../open-spool.ts';
import { directoryOption, jsonOption } from '../options.ts';
import { plainTable } from '../plain-table.ts';
import { print } from '../print.ts';
import { type ListedSegment, listSegments } from '../segment-view.ts';
import type { CommandSetup } from './command-setup.ts';

interface ListOptions {
  readonly dir: string;
  readonly json?: true;
}

export function defineList({ program, run }: CommandSetup): void {
  program
    .command('ls')
    .summary('list the segments that wait')
    .description('Lists the segments of a spool, oldest first. Changes nothing.')
    .addOption(directoryOption())
    .addOption(jsonOption('print one line of JSON for each segment: its state, and all of its metadata'))
    .addHelpText(
      'after',
      `
States: ready, to be delivered; held, sealed and not to be delivered yet; open,
being written, or left behind by a process that died; metadata lost, see relay
verify.

Examples:
  relay ls --dir spool
  relay ls --dir spool --json | jq -r 'select(.eventCount > 1000) | .id'

Exit codes: 0 listed, 1 failure, 2 wrong use.`,
    )
    .action(run(list));
}

async function list({ dir, json }: ListOptions, context: CommandContext): Promise<ExitCode> {
  const segments = await listSegments(await viewSpool(dir));
  await print(context, json ? segments.map((segment) => jsonLine(segment)) : describeSegments(segments));
  return exitCodes.done;
}

function describeSegments(segments: readonly ListedSegment[]): string[] {
  if (segments.length === 0) return ['No segments wait.'];
  const rows = [['segment', 'age', 'events', 'size', 'state']];
  let events = 0;
  let bytes = 0;
  for (const segment of segments) {
    const eventCount = 'eventCount' in segment ? segment.eventCount : undefined;
    rows.push([
      segment.id,
      formatAge(Date.now() - Date.parse(segment.createdAt)),
      // How many events an open segment holds is known once it is sealed.
      eventCount?.toLocaleString('en-US') ?? (segment.state === 'open' ? '-' : '?'),
      formatBytes(segment.bytes),
      describeState(segment),
    ]);
    events += eventCount ?? 0;
    bytes += segment.bytes;
  }
  const sealed = segments.filter(({ state }) => state !== 'open').length;
  const counts = [`${formatCount(sealed, 'sealed segment')} with ${formatCount(events, 'event')}`];
  if (sealed < segments.length) counts.push(`${segments.length - sealed} open`);
  const lines = [plainTable(rows, [1, 2, 3]), '', `${counts.join(', ')}; ${formatBytes(bytes)} in all`];
  if (segments.some(({ state }) => state === 'unknown')) {
    lines.push('?: the metadata is lost; relay repair counts the events and holds the segment back');
  }
  return lines;
}

function describeState(segment: ListedSegment): string {
  if (segment.state === 'held') return `held: ${printable(segment.heldReason ?? 'no reason given')}`;
  return segment.state === 'unknown' ? 'metadata lost' : segment.state;
}
