import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import type { ExitCode } from '../exit-codes.ts';

/** What a command needs to define itself. Each file of this folder defines one. */
export interface CommandSetup {
  readonly program: Command;
  readonly context: CommandContext;
  /** Makes an action of a handler; what it resolves to becomes the exit code. */
  run<Options>(
    handle: (options: Options, context: CommandContext) => Promise<ExitCode>,
  ): (options: Options) => Promise<void>;
}
