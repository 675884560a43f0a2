import { relative } from 'node:path';
import { listSpoolFiles, nodeFileSystem } from '@relaykit/segments';
import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { DryRunFileSystem, type PlannedChange } from '../dry-run/dry-run-file-system.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount } from '../format.ts';
import { type FormatOptions, knownFormats } from '../formats.ts';
import { jsonLine } from '../json-line.ts';
import { MessageOutput } from '../message-output.ts';
import { directoryOption, jsonOption, keyFileOption, unsafeDirectoryOption } from '../options.ts';
import { print } from '../print.ts';
import { startProgress } from '../progress.ts';
import { type RepairReport, repairSpool } from '../repair-spool.ts';
import { requireRemains } from '../require-spool.ts';
import type { CommandSetup } from './command-setup.ts';

interface RepairOptions extends Pick<FormatOptions, 'keyFile'> {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly dryRun?: true;
  readonly releaseHeld?: true;
  readonly json?: true;
}

export function defineRepair({ program, run }: CommandSetup): void {
  program
    .command('repair')
    .summary('mend what can be mended')
    .description(
      'Does what every start does (seals what dead writers left, finishes removals), and looks into every sealed segment, ' +
        'which a start does not: whole frames of a damaged one go to a segment of their own, and the file goes to ' +
        'quarantine as it is. So do those that an export found damaged and put there. Metadata and spool.json are written anew where they are damaged. Nothing whole is given up.',
    )
    .addOption(directoryOption())
    .addOption(unsafeDirectoryOption())
    .addOption(keyFileOption())
    .option('-n, --dry-run', 'say what would be done, and change nothing')
    .option('--release-held', 'let intact segments go that were held back until somebody has looked at them')
    .addOption(jsonOption('print the same as one JSON object'))
    .addHelpText(
      'after',
      `
Run it with --dry-run first: the same steps are taken in memory, on top of the
files as they are. It may run beside writers and exports; what they hold is left
to them.

Whole lines of a damaged plain segment are held back, because a changed line may
look whole: look at them with relay cat, then relay repair --release-held.
Frames with checksums (--gzip, --zstd, --key-file) need no look.

Exit codes: 0 done, 8 something was left as it is (no key, in use), 1 failure, 2
wrong use.`,
    )
    .action(run(repair));
}

async function repair(options: RepairOptions, context: CommandContext): Promise<ExitCode> {
  const { dir: directory, allowUnsafeDirectory = false, dryRun, json } = options;
  const formats = await knownFormats(options);
  await requireRemains(directory);
  const real = nodeFileSystem();
  const dry = dryRun ? new DryRunFileSystem(real) : undefined;
  const messages = new MessageOutput(context.stderr, context.signal);
  const sealed = (await listSpoolFiles({ directory, fileSystem: real })).filter(({ kind }) => kind === 'sealed');
  const progress = startProgress({ stream: context.stderr, messages, unit: 'segments', total: sealed.length });
  const onRead = (segments: number): void => {
    progress.advance(segments);
    context.signal.throwIfAborted();
  };
  const report = await repairSpool({
    directory,
    allowUnsafeDirectory,
    fileSystem: dry ?? real,
    formats,
    releaseHeld: options.releaseHeld === true,
    onRead,
  }).finally(() => progress.stop());
  const changes = dry?.changes().filter(({ path }) => !path.endsWith('ledger.lock'));
  const lines = json
    ? [jsonLine({ dryRun: dryRun === true, ...report, ...(changes ? { changes } : {}) })]
    : [...describeReport(report, dryRun === true), ...describeChanges(directory, changes)];
  await print(context, lines);
  await messages.end([]);
  const { problems, filesWaiting } = report.recovery;
  const isLeft = problems.length > 0 || filesWaiting > 0 || report.actions.some(({ action }) => action === 'left');
  return isLeft ? exitCodes.unfinished : exitCodes.done;
}

function describeReport({ recovery, actions }: RepairReport, isDryRun: boolean): string[] {
  const { segmentsRecovered, eventsSalvaged, bytesCut, filesQuarantined, removalsFinished } = recovery;
  const { metadataRebuilt, segmentsMissing, filesInUse, problems } = recovery;
  const lines: string[] = [];
  if (segmentsRecovered > 0) {
    lines.push(
      `${formatCount(segmentsRecovered, 'unfinished segment')} sealed, with ${formatCount(eventsSalvaged, 'event')}`,
    );
  }
  if (bytesCut > 0) lines.push(`torn tails cut off: ${formatBytes(bytesCut)}`);
  if (filesQuarantined > 0) lines.push(`${formatCount(filesQuarantined, 'damaged unfinished file')} in quarantine`);
  if (removalsFinished > 0) lines.push(`${formatCount(removalsFinished, 'removal')} finished`);
  if (metadataRebuilt > 0) lines.push(`${formatCount(metadataRebuilt, 'segment')} described anew, held back`);
  if (segmentsMissing > 0) lines.push(`${formatCount(segmentsMissing, 'missing segment')} recorded as dropped`);
  if (filesInUse > 0) lines.push(`${formatCount(filesInUse, 'file')} in use, left to their writers`);
  for (const { fileName, reason } of problems) lines.push(`left: ${fileName}: ${printable(reason)}`);
  for (const { file, action, message } of actions) lines.push(`${action}: ${file}: ${printable(message)}`);
  if (lines.length === 0) return [isDryRun ? 'Nothing would be done.' : 'Nothing was to be done.'];
  return isDryRun ? ['This would be done; nothing was changed:', ...lines] : lines;
}

function describeChanges(directory: string, changes: readonly PlannedChange[] = []): string[] {
  if (changes.length === 0) return [];
  const name = (path: string): string => relative(directory, path);
  const lines = changes.map((change) => {
    const cut = 'cutBytes' in change && change.cutBytes > 0 ? `, cut by ${formatCount(change.cutBytes, 'byte')}` : '';
    if (change.kind === 'rename') return `  rename  ${name(change.path)} -> ${name(change.to)}${cut}`;
    if (change.kind === 'create') return `  create  ${name(change.path)}, ${formatBytes(change.sizeBytes)}`;
    return `  ${change.kind.padEnd(6)}  ${name(change.path)}${cut}`;
  });
  return ['', 'Files:', ...lines];
}
