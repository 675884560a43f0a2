import { styleText } from 'node:util';
import { DEFAULT_MAX_TOTAL_BYTES, MIN_TOTAL_BYTES } from '@relaykit/rotation';
import { DEFAULT_MAX_EVENT_BYTES } from '@relaykit/serializers';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './command-context.ts';
import { describeError } from './describe-error.ts';
import { type ExitCode, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { type ExportCommandOptions, exportCommand } from './export-command.ts';
import { inCommandTerms } from './in-command-terms.ts';
import { type ListCommandOptions, listCommand } from './list-command.ts';
import { type RecordCommandOptions, recordCommand } from './record-command.ts';
import { UsageError } from './usage-error.ts';

const exampleHelp = `Example:
  zcat events.ndjson.gz | relay record --dir spool
  relay ls --dir spool
  relay export --dir spool --to https://example.com/events`;

const acknowledgementHelp = `
With --ack each write is followed by one line of JSON on standard output:
  {"lines":1200,"stored":1198,"refused":1,"blank":1}
The first 1,200 lines of the input are settled: stored as durably as asked, or
refused with a message, or blank. Whoever asks for this has to read it.

When the spool is full, or the disk is, the recording stops with exit code 1, and
all that was acknowledged stays. With --when-full drop-oldest it goes on instead:
the oldest segments go undelivered, each is announced on standard error, and the
last line says how many events went.

Exit codes: 0 everything is stored, 3 lines were refused, 1 failure (also: no room
left), 2 wrong use. Events that --when-full drop-oldest gave up change none of them.`;

const deliveryHelp = `
Each segment is one POST with the header Idempotency-Key, the segment's name, and
the media type application/x-ndjson. It is removed once the receiver answers 2xx.
What a process that died left behind is recovered and delivered, too.

Exit codes: 0 all delivered, 4 segments remain, 5 blocked, 6 some in quarantine,
1 failure, 2 wrong use.`;

/**
 * Runs the `relay` command.
 *
 * @param args - What stands behind the command's name.
 * @returns The exit code; all messages are written by then.
 */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message; `--help` and `--version` end this way, too, with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    context.stderr.write(`relay: ${describeError(inCommandTerms(error))}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

function createProgram(context: CommandContext, end: (code: ExitCode) => void): Command {
  const program = new Command('relay')
    .description('Records events into durable segment files, lists them, and delivers them.')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', `\n${exitCodesHelp}\n\n${exampleHelp}`)
    // The settings below are copied to each subcommand as it is made.
    .exitOverride()
    .showHelpAfterError('Run relay --help, or relay help COMMAND, to see what there is.')
    .configureHelp({ styleTitle: (title) => styleText('bold', title) })
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /u, 'relay: ')),
    });
  addRecord(program, context, end);
  addExport(program, context, end);
  addList(program, context, end);
  return program;
}

function addRecord(program: Command, context: CommandContext, end: (code: ExitCode) => void): void {
  program
    .command('record')
    .summary('store JSON Lines from standard input')
    .description(
      'Stores JSON Lines from standard input as segment files. Each line is checked and stored with its own bytes. A ' +
        'line that is not JSON, or too long, is left out, and the first hundred are reported with their numbers; blank lines are ignored. Ends ' +
        'with the input, or at SIGINT or SIGTERM once everything that was read is stored.',
    )
    .addOption(directoryOption('spool directory; created where it is missing'))
    .addOption(unsafeDirectoryOption())
    .option('--strict', 'stop at the first line that is refused')
    .option('--ack', 'print after each write how many lines are safe')
    .addOption(
      new Option(
        '--durability <level>',
        'what stored lines survive: written, the end of the process; synced, a power cut',
      )
        .choices(['written', 'synced'])
        .default('written'),
    )
    .addOption(
      new Option('--max-event-bytes <bytes>', 'largest line, its line end included')
        .argParser(wholeNumber(2))
        .default(DEFAULT_MAX_EVENT_BYTES),
    )
    .addOption(
      new Option('--max-spool-bytes <bytes>', 'how much may wait in the spool')
        .argParser(wholeNumber(MIN_TOTAL_BYTES))
        .default(DEFAULT_MAX_TOTAL_BYTES),
    )
    .addOption(
      new Option(
        '--when-full <way>',
        'without room for more: refuse, stop and lose nothing; drop-oldest, go on without the oldest events',
      )
        .choices(['refuse', 'drop-oldest'])
        .default('refuse'),
    )
    .addHelpText('after', acknowledgementHelp)
    .action(async (options: RecordCommandOptions) => end(await recordCommand(options, context)));
}

function addExport(program: Command, context: CommandContext, end: (code: ExitCode) => void): void {
  program
    .command('export')
    .summary('deliver the segments that are ready, and end')
    .description('Delivers the segments that are ready over HTTP, oldest first, one POST each, and ends.')
    .addOption(directoryOption('spool directory'))
    .addOption(unsafeDirectoryOption())
    .requiredOption('--to <url>', 'address of the receiver: https, or http on this machine')
    .addOption(
      new Option('--header <header>', 'header to send, such as "X-Source: shop"; may be given again').argParser(
        (header: string, others: readonly string[] = []) => [...others, header],
      ),
    )
    .addHelpText('after', deliveryHelp)
    .action(async (options: ExportCommandOptions) => end(await exportCommand(options, context)));
}

function addList(program: Command, context: CommandContext, end: (code: ExitCode) => void): void {
  program
    .command('ls')
    .summary('list the segments that wait')
    .description('Lists the segments of a spool, oldest first. Changes nothing.')
    .addOption(directoryOption('spool directory'))
    .addOption(unsafeDirectoryOption())
    .option('--json', 'print one line of JSON for each segment')
    .addHelpText('after', '\nExit codes: 0 listed, 1 failure, 2 wrong use.')
    .action(async (options: ListCommandOptions) => end(await listCommand(options, context)));
}

function directoryOption(description: string): Option {
  return new Option('--dir <directory>', description).makeOptionMandatory();
}

function unsafeDirectoryOption(): Option {
  return new Option(
    '--allow-unsafe-directory',
    'accept a directory that others may change, a symbolic link, or a network file system',
  );
}

function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`It must be a whole number >= ${minimum}.`);
  };
}
