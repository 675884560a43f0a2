import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import type { CommandSetup } from './commands/command-setup.ts';
import { describeError, printable } from './describe-error.ts';
import { type ExitCode, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { inCommandTerms } from './in-command-terms.ts';
import { LineOutput } from './line-output.ts';
import { hasColours, paintFor } from './paint.ts';
import { UsageError } from './usage-error.ts';

/**
 * In the order of the help: what fills and empties a spool, what looks into it, what mends it. Each is loaded when it is
 * asked for, so that none waits for what only others need.
 */
const definitions = {
  record: async () => (await import('./commands/record.ts')).defineRecord,
  export: async () => (await import('./commands/export.ts')).defineExport,
  ls: async () => (await import('./commands/ls.ts')).defineList,
  stat: async () => (await import('./commands/stat.ts')).defineStat,
  cat: async () => (await import('./commands/cat.ts')).defineCat,
  top: async () => (await import('./commands/top.ts')).defineTop,
  serve: async () => (await import('./commands/serve.ts')).defineServe,
  quarantine: async () => (await import('./commands/quarantine.ts')).defineQuarantine,
  verify: async () => (await import('./commands/verify.ts')).defineVerify,
  repair: async () => (await import('./commands/repair.ts')).defineRepair,
  rekey: async () => (await import('./commands/rekey.ts')).defineRekey,
  bundle: async () => (await import('./commands/bundle.ts')).defineBundle,
  doctor: async () => (await import('./commands/doctor.ts')).defineDoctor,
  completion: async () => (await import('./commands/completion.ts')).defineCompletion,
} as const;

type CommandName = keyof typeof definitions;

/** The command that is asked for, or all where that is not one of ours: help, completion, a word that is misspelt. */
function namesToLoad([name = '']: readonly string[]): readonly CommandName[] {
  const names = Object.keys(definitions) as CommandName[];
  return name !== 'completion' && Object.hasOwn(definitions, name) ? [name as CommandName] : names;
}

/** `help ls` is `ls --help`. */
function withoutHelpWord(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  return first === 'help' && rest.length > 0 ? [...rest, '--help'] : args;
}

const moreHelp = `
${exitCodesHelp}

Environment:
  NO_COLOR     no colours, whatever its value; empty counts as not set
  FORCE_COLOR  colours also where there is no terminal

Example:
  zcat events.ndjson.gz | relay record --dir spool
  relay stat --dir spool
  relay export --dir spool --to https://example.com/events

Run relay help COMMAND for the options and examples of one command.`;

/**
 * Runs the `relay` command.
 *
 * @param args - What stands behind the command's name.
 * @returns The exit code; all messages are written by then.
 */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  let help: LineOutput | undefined;
  const program = createProgram(context, (text) => {
    help ??= new LineOutput(context.stdout, context.signal);
    void help.write(text.replace(/\n$/u, ''));
  });
  const run: CommandSetup['run'] = (handle) => async (options) => {
    exitCode = await handle(options, context);
  };
  const words = withoutHelpWord(args);
  for (const name of namesToLoad(words)) {
    const define = await definitions[name]();
    define({ program, context, run });
  }
  try {
    const [name = '', ...rest] = words;
    // Commander would show the help of all commands, as if that had been asked for.
    if (rest.includes('--help') && !name.startsWith('-') && !Object.hasOwn(definitions, name)) {
      program.error(`error: unknown command '${name}'`);
    }
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message; `--help` and `--version` end this way, too, with exit code 0.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? await endOfHelp(help, context) : exitCodes.usage;
    }
    context.stderr.write(`relay: ${describeError(inCommandTerms(error))}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

/** What was asked for and could not be printed is no success. */
async function endOfHelp(help: LineOutput | undefined, { stderr }: CommandContext): Promise<ExitCode> {
  try {
    await help?.flush();
    help?.assertWritten();
    return exitCodes.done;
  } catch (error) {
    stderr.write(`relay: ${describeError(error)}\n`);
    return exitCodes.failed;
  }
}

function createProgram(context: CommandContext, writeOut: (text: string) => void): Command {
  const paint = paintFor(context.stdout);
  return (
    new Command('relay')
      .description('Records events into durable segment files, looks into them, mends them, and delivers them.')
      .version(context.version, '-V, --version', 'print the version')
      .helpOption('-h, --help', 'print this help')
      .helpCommand('help [command]', 'print the help of a command')
      .addHelpText('after', moreHelp)
      // The settings below are copied to each subcommand as it is made.
      .exitOverride()
      .showHelpAfterError('Run relay --help, or relay help COMMAND, to see what there is.')
      .configureHelp({ styleTitle: (title) => paint('bold', title) })
      .configureOutput({
        writeOut,
        writeErr: (text) => void context.stderr.write(text),
        getOutHasColors: () => hasColours(context.stdout),
        getErrHasColors: () => hasColours(context.stderr),
        // It quotes arguments, which may be names of files that somebody else chose.
        outputError: (text, write) =>
          write(
            text
              .replace(/^error: /u, 'relay: ')
              .split('\n')
              .map(printable)
              .join('\n'),
          ),
      })
  );
}
