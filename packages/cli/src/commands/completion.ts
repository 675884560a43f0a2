import { Argument, type Command, type Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { type CompletionTree, completionScript, type Shell, shells } from '../completion-script.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { print } from '../print.ts';
import type { CommandSetup } from './command-setup.ts';

export function defineCompletion({ program, context, run }: CommandSetup): void {
  program
    .command('completion')
    .summary('print a script that completes commands and options')
    .description('Prints a script that makes a shell complete the commands, options and choices of relay.')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText(
      'after',
      `
Install it:
  bash  relay completion bash > ~/.local/share/bash-completion/completions/relay
  zsh   relay completion zsh > "\${fpath[1]}/_relay"
  fish  relay completion fish > ~/.config/fish/completions/relay.fish

Exit codes: 0 done, 2 wrong use.`,
    )
    .action((shell: Shell) => run(() => printScript(shell, treeOf(program), context))(undefined));
}

async function printScript(shell: Shell, tree: CompletionTree, context: CommandContext): Promise<ExitCode> {
  await print(context, [completionScript(shell, tree)]);
  return exitCodes.done;
}

/** The commands as they are defined: a script that is written by hand would soon be wrong. */
function treeOf(program: CommandSetup['program']): CompletionTree {
  return {
    commands: program.commands.map((command) => ({
      name: command.name(),
      summary: command.summary(),
      words: [
        ...command.commands.map((inner) => inner.name()),
        ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      ],
      options: optionsOf(command).map(({ long, short, description, argChoices, required }) => ({
        flags: [long, short].filter((flag) => flag !== undefined && flag !== null),
        description,
        choices: argChoices ?? [],
        takesValue: required,
        takesPath: long === '--dir' || long === '--key-file' || long === '--output',
      })),
    })),
  };
}

/** Its own and those of the commands in it, each once. */
function optionsOf({ options, commands }: Command): readonly Option[] {
  const byName = new Map<string, Option>();
  for (const option of [...options, ...commands.flatMap((inner) => inner.options)]) byName.set(option.name(), option);
  return [...byName.values()];
}
