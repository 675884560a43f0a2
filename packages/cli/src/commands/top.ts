import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { viewSpool } from '../open-spool.ts';
import { directoryOption, duration } from '../options.ts';
import { paintFor } from '../paint.ts';
import { SampleHistory } from '../samples.ts';
import { SpoolWatcher } from '../spool-snapshot.ts';
import { FullScreen } from '../top/full-screen.ts';
import { renderTop } from '../top/render-top.ts';
import { UsageError } from '../usage-error.ts';
import type { CommandSetup } from './command-setup.ts';

/** Often enough to feel alive, seldom enough to cost nothing. */
const defaultIntervalMs = 1_000;
const minIntervalMs = 100;

interface TopOptions {
  readonly dir: string;
  /** Milliseconds. */
  readonly interval: number;
}

export function defineTop({ program, run }: CommandSetup): void {
  program
    .command('top')
    .summary('watch a spool, full screen')
    .description(
      'Shows what waits, how old it is, how fast it comes and goes, and what became of the last segments, until q, Escape ' +
        'or Ctrl-C. Takes no lock and changes nothing.',
    )
    .addOption(directoryOption())
    .addOption(
      new Option('--interval <duration>', 'how often to look')
        .argParser(duration(minIntervalMs))
        .default(defaultIntervalMs, '1s'),
    )
    .addHelpText(
      'after',
      `
Needs a terminal. For programs there is relay stat --json, for a browser relay
serve. What is recorded shows in bytes at once, and as events once its segment
is sealed.

Exit codes: 0 done, 1 failure, 2 wrong use.`,
    )
    .action(run(top));
}

async function top({ dir, interval }: TopOptions, context: CommandContext): Promise<ExitCode> {
  if (!context.stdout.isTTY) {
    throw new UsageError('relay top needs a terminal; take relay stat --json where there is none.');
  }
  const history = new SampleHistory(new SpoolWatcher(await viewSpool(dir)));
  // Before the screen is taken, so that a failure is said where somebody sees it.
  await history.take();
  const end = new AbortController();
  const signal = AbortSignal.any([context.signal, end.signal]);
  const paint = paintFor(context.stdout);
  const screen = new FullScreen(context, () => end.abort());
  const draw = (): void => {
    const { latest: snapshot, samples } = history;
    const { columns, rows } = screen;
    if (snapshot) screen.show(renderTop({ snapshot, samples, columns, rows, paint }));
  };
  context.stdout.on('resize', draw);
  try {
    draw();
    while (!signal.aborted) {
      await sleep(interval, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      await history.take();
      draw();
    }
  } finally {
    context.stdout.off('resize', draw);
    screen[Symbol.dispose]();
  }
  return exitCodes.done;
}
