import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type CheckResult, examine } from '../doctor/examine.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { jsonLine } from '../json-line.ts';
import { directoryOption, jsonOption, keyFileOption } from '../options.ts';
import { paintFor } from '../paint.ts';
import { print } from '../print.ts';
import type { CommandSetup } from './command-setup.ts';

interface DoctorOptions {
  readonly dir: string;
  readonly keyFile?: string;
  readonly json?: true;
}

export function defineDoctor({ program, run }: CommandSetup): void {
  program
    .command('doctor')
    .summary('look for what keeps a spool from working')
    .description(
      'Looks at the machine under a spool: the directory and who may change it, the file system, locks and syncs (tried on ' +
        'a file of its own, removed afterwards), free space, clock, keys, and what waits for somebody. Works before there is ' +
        'a spool, too. For the bytes themselves see relay verify.',
    )
    .addOption(directoryOption('spool directory, or one in which a spool is to be'))
    .addOption(keyFileOption('also check this file of keys'))
    .addOption(jsonOption('print one line of JSON for each check'))
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing is wrong (there may be warnings), 7 something is wrong,\n1 failure, 2 wrong use.',
    )
    .action(run(doctor));
}

const styles = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

async function doctor({ dir, keyFile, json }: DoctorOptions, context: CommandContext): Promise<ExitCode> {
  const results: CheckResult[] = await examine({ directory: dir, ...(keyFile === undefined ? {} : { keyFile }) });
  const paint = paintFor(context.stdout);
  const width = Math.max(...results.map(({ check }) => check.length));
  const lines = results.map((result) => {
    if (json) return jsonLine(result);
    const { status, check, message } = result;
    return `${paint(styles[status], status.padEnd(4))}  ${check.padEnd(width)}  ${printable(message)}`;
  });
  await print(context, lines);
  return results.some(({ status }) => status === 'fail') ? exitCodes.unsound : exitCodes.done;
}
