import { Ledger, nodeFileSystem, systemClock } from '@relaykit/segments';
import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { type Finding, severities } from '../findings.ts';
import { type FormatOptions, knownFormats } from '../formats.ts';
import { jsonLine } from '../json-line.ts';
import { MessageOutput } from '../message-output.ts';
import type { SpoolView } from '../open-spool.ts';
import { directoryOption, jsonOption, keyFileOption } from '../options.ts';
import { type Paint, paintFor } from '../paint.ts';
import { BulkOutput } from '../print.ts';
import { startProgress } from '../progress.ts';
import { requireRemains } from '../require-spool.ts';
import { bytesToVerify, verifySpool } from '../verify-spool.ts';
import type { CommandSetup } from './command-setup.ts';

interface VerifyCommandOptions extends Pick<FormatOptions, 'keyFile'> {
  readonly dir: string;
  readonly json?: true;
}

export function defineVerify({ program, run }: CommandSetup): void {
  program
    .command('verify')
    .summary('read everything and name each damage')
    .description(
      'Reads every byte of a spool: spool.json, each line of the ledger, each segment with its metadata, its SHA-256, its ' +
        'frames and the events in them. Names each damage with file and place. Changes nothing, and is safe beside writers and exports.',
    )
    .addOption(directoryOption())
    .addOption(keyFileOption())
    .addOption(jsonOption('print one line of JSON for each finding, and one with the counts'))
    .addHelpText(
      'after',
      `
Findings: damage, bytes are not what was written; unfinished, left by a process
that died, the next start deals with it; unchecked, could not be judged; note,
in order. What remains to be done about damage: relay repair --dry-run, then
relay repair.

Damage that leaves a plain line valid JSON shows by the SHA-256 of its segment:
that there is some is sure then, and not in which line. Formats with checksums
tell more; what they hold is decoded, too, and encrypted segments where their
keys are given.

Exit codes: 0 sound, 7 damage was found, 8 no damage, but something was not
looked into, 1 failure, 2 wrong use.`,
    )
    .action(run(verify));
}

async function verify(options: VerifyCommandOptions, context: CommandContext): Promise<ExitCode> {
  const { dir: directory, json } = options;
  const formats = await knownFormats(options);
  await requireRemains(directory);
  const [fileSystem, clock] = [nodeFileSystem(), systemClock()];
  const view: SpoolView = {
    directory,
    fileSystem,
    clock,
    ledger: new Ledger({ directory, fileSystem, clock }),
  };
  const messages = new MessageOutput(context.stderr, context.signal);
  const total = context.stderr.isTTY ? await bytesToVerify(view, formats) : 0;
  const progress = startProgress({ stream: context.stderr, messages, unit: 'bytes', total });
  const output = new BulkOutput(context);
  const counts = { damage: 0, unfinished: 0, unchecked: 0, note: 0 };
  const found: Finding[] = [];
  const onRead = (bytes: number): void => {
    progress.advance(bytes);
    context.signal.throwIfAborted();
  };
  try {
    for await (const finding of verifySpool({ view, formats, onRead })) {
      counts[finding.severity] += 1;
      found.push(finding);
    }
  } finally {
    progress.stop();
  }
  const paint = paintFor(context.stdout);
  const lines = json ? found.map((finding) => jsonLine(finding)) : found.map((item) => describe(item, paint));
  for (const line of lines) await output.write(line);
  await output.write(json ? jsonLine({ sound: counts.damage === 0, ...counts }) : summarize(counts));
  await output.end();
  await messages.end([]);
  if (counts.damage > 0) return exitCodes.unsound;
  return counts.unchecked > 0 ? exitCodes.unfinished : exitCodes.done;
}

const styles = { damage: 'red', unfinished: 'yellow', unchecked: 'yellow', note: 'dim' } as const;

function describe({ severity, file, positionBytes, line, message }: Finding, paint: Paint): string {
  const place = line !== undefined ? `:${line}` : positionBytes !== undefined ? ` at byte ${positionBytes}` : '';
  return `${paint(styles[severity], severity.padEnd(10))}  ${printable(file)}${place}: ${message}`;
}

function summarize(counts: Record<Finding['severity'], number>): string {
  const parts = severities
    .filter((severity) => counts[severity] > 0)
    .map((severity) => `${severity} ${counts[severity]}`);
  if (counts.damage > 0) return `not sound: ${parts.join(', ')}; see relay repair --dry-run`;
  const rest = parts.length > 0 ? ` (${parts.join(', ')})` : '';
  return counts.unchecked > 0 ? `no damage in what was looked into${rest}` : `sound${rest}`;
}
