import { Quarantine, type QuarantinedSegment } from '@relaykit/segments';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatAge, formatBytes, formatCount } from '../format.ts';
import { jsonLine } from '../json-line.ts';
import { openSpool } from '../open-spool.ts';
import { directoryOption, jsonOption, unsafeDirectoryOption } from '../options.ts';
import { plainTable } from '../plain-table.ts';
import { print } from '../print.ts';
import { UsageError } from '../usage-error.ts';
import type { CommandSetup } from './command-setup.ts';

interface QuarantineOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly json?: true;
}

interface ChangeOptions extends QuarantineOptions {
  readonly all?: true;
  readonly reason?: string;
}

export function defineQuarantine({ program, context, run }: CommandSetup): void {
  const group = program
    .command('quarantine')
    .summary('look at what was refused or damaged: ls, requeue, discard')
    .description(
      'Segments that the receiver refused for good, or that are damaged, wait in quarantine for somebody: list them, put ' +
        'them back to be delivered, or give them up.',
    )
    .addHelpText(
      'after',
      `
A segment that is put back is sent with the Idempotency-Key it had. One that is
given up is recorded as dropped, with the reason. Damaged files that recovery or
a repair went through cannot be put back: what is whole in them is in a segment
of its own. Those that an export found damaged still hold all of theirs: run
relay repair.

Examples:
  relay quarantine ls --dir spool
  relay quarantine requeue --dir spool --all
  relay quarantine discard --dir spool --all --reason spam

Exit codes: 0 done, 8 some were left (damaged, in use, gone), 1 failure, 2 wrong
use.`,
    );
  addCommon(
    group.command('ls').summary('list what is in quarantine').description('Lists what is in quarantine, oldest first.'),
  )
    .addOption(jsonOption('print one line of JSON for each segment'))
    .addHelpText('after', '\nExit codes: 0 listed, 1 failure, 2 wrong use.')
    .action(run(list));
  const change = (
    name: string,
    description: string,
    act: (quarantine: Quarantine, id: string, options: ChangeOptions) => Promise<Outcome>,
  ): Command =>
    addCommon(group.command(name).summary(description.toLowerCase()).description(`${description}.`))
      .argument('[ids...]', 'ids of segments, as relay quarantine ls has them')
      .option('--all', 'all that are in quarantine')
      .addOption(jsonOption('print one line of JSON for each segment'))
      .addHelpText('after', '\nExit codes: 0 done, 8 some were left (damaged, in use, gone), 1 failure,\n2 wrong use.')
      .action((ids: readonly string[], options: ChangeOptions) =>
        run(() => changeEach(ids, options, context, act))(undefined),
      );
  change('requeue', 'Put segments back to be delivered', (quarantine, id) => quarantine.requeue(id));
  change('discard', 'Give segments up', (quarantine, id, { reason }) =>
    quarantine.discard(id, reason === undefined ? {} : { reason }),
  ).option('--reason <words>', 'why, for the ledger (default: "discarded")');
}

function addCommon(command: Command): Command {
  return command.addOption(directoryOption()).addOption(unsafeDirectoryOption());
}

async function list(options: QuarantineOptions, context: CommandContext): Promise<ExitCode> {
  const segments = await new Quarantine(await openSpool(options)).list();
  await print(context, options.json ? segments.map((segment) => jsonLine(segment)) : describeSegments(segments));
  return exitCodes.done;
}

function describeSegments(segments: readonly QuarantinedSegment[]): string[] {
  if (segments.length === 0) return ['Nothing is in quarantine.'];
  const rows = [['segment', 'since', 'events', 'size', 'reason']];
  for (const { id, at, eventCount, bytes, reason, isWhole } of segments) {
    const age = at === undefined ? '?' : formatAge(Date.now() - Date.parse(at));
    const events = eventCount > 0 ? eventCount.toLocaleString('en-US') : '?';
    rows.push([id, age, events, formatBytes(bytes), `${printable(reason)}${isWhole ? '' : ' (cannot be put back)'}`]);
  }
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  return [plainTable(rows, [1, 2, 3]), '', `${formatCount(segments.length, 'segment')}, ${formatBytes(bytes)}`];
}

interface Outcome {
  readonly status: string;
  readonly reason?: string;
}

async function changeEach(
  named: readonly string[],
  options: ChangeOptions,
  context: CommandContext,
  act: (quarantine: Quarantine, id: string, options: ChangeOptions) => Promise<Outcome>,
): Promise<ExitCode> {
  if (named.length > 0 === (options.all === true)) throw new UsageError('Name segments, or give --all, and not both.');
  const quarantine = new Quarantine(await openSpool(options));
  const ids = options.all ? (await quarantine.list()).map(({ id }) => id) : named;
  const lines: string[] = [];
  let left = 0;
  for (const id of ids) {
    if (context.signal.aborted) break;
    const { status, reason } = await act(quarantine, id, options);
    if (status !== 'requeued' && status !== 'discarded') left += 1;
    const why = { busy: 'left: another process has it', gone: 'left: it is not in quarantine' }[status] ?? `${status}`;
    const text = reason === undefined ? why : `left: ${reason}`;
    lines.push(options.json ? jsonLine({ id, status, reason }) : `${printable(id)}  ${text}`);
  }
  if (lines.length === 0 && !options.json) lines.push('Nothing is in quarantine.');
  await print(context, lines);
  return left > 0 || context.signal.aborted ? exitCodes.unfinished : exitCodes.done;
}
