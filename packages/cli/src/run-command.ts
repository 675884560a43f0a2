import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { defineBundle } from './commands/bundle.ts';
import { defineCat } from './commands/cat.ts';
import type { CommandSetup } from './commands/command-setup.ts';
import { defineCompletion } from './commands/completion.ts';
import { defineDoctor } from './commands/doctor.ts';
import { defineExport } from './commands/export.ts';
import { defineList } from './commands/ls.ts';
import { defineRecord } from './commands/record.ts';
import { defineRekey } from './commands/rekey.ts';
import { defineRepair } from './commands/repair.ts';
import { defineServe } from './commands/serve.ts';
import { defineStat } from './commands/stat.ts';
import { defineTop } from './commands/top.ts';
import { defineVerify } from './commands/verify.ts';
import { describeError } from './describe-error.ts';
import { type ExitCode, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { inCommandTerms } from './in-command-terms.ts';
import { paintFor } from './paint.ts';
import { UsageError } from './usage-error.ts';

/** In the order of the help: what fills and empties a spool, what looks into it, what mends it. */
const definitions = [
  defineRecord,
  defineExport,
  defineList,
  defineStat,
  defineCat,
  defineTop,
  defineServe,
  defineVerify,
  defineRepair,
  defineRekey,
  defineBundle,
  defineDoctor,
  defineCompletion,
];

const moreHelp = `
${exitCodesHelp}

Environment:
  NO_COLOR     no colours, whatever its value
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
  const paint = paintFor(context.stdout);
  const program = new Command('relay')
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
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /u, 'relay: ')),
    });
  const run: CommandSetup['run'] = (handle) => async (options) => end(await handle(options, context));
  for (const define of definitions) define({ program, context, run });
  return program;
}
