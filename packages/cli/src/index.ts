export type { CommandContext } from './command-context.ts';
export { type ExitCode, exitCodes } from './exit-codes.ts';
export { runCommand } from './run-command.ts';
