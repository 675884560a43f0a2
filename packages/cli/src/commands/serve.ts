import { setTimeout as sleep } from 'node:timers/promises';
import { isLoopback } from '@relaykit/export-queue/uploader-kit';
import { Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { describeError } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { LineOutput } from '../line-output.ts';
import { MessageOutput } from '../message-output.ts';
import { viewSpool } from '../open-spool.ts';
import { directoryOption, duration, jsonOption, wholeNumber } from '../options.ts';
import { SampleHistory } from '../samples.ts';
import { hostnameOf } from '../serve/known-hosts.ts';
import { readPageFiles } from '../serve/page-files.ts';
import { PageServer } from '../serve/page-server.ts';
import { SpoolWatcher } from '../spool-snapshot.ts';
import { UsageError } from '../usage-error.ts';
import type { CommandSetup } from './command-setup.ts';

/** Not that of any well-known service. */
const defaultPort = 7361;
const defaultIntervalMs = 2_000;
const minIntervalMs = 100;

interface ServeOptions {
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  readonly allowRemote?: true;
  readonly allowHost?: readonly string[];
  /** Milliseconds. */
  readonly interval: number;
  readonly json?: true;
}

export function defineServe({ program, run }: CommandSetup): void {
  program
    .command('serve')
    .summary('show a spool in a browser')
    .description(
      'Serves a small page with what relay top shows, as charts over time, until a signal comes. For browsers of this ' +
        'machine alone, unless told otherwise. Shows counts, sizes and names, and no event. Changes nothing.',
    )
    .addOption(directoryOption())
    .addOption(new Option('--host <address>', 'address to listen on').default('127.0.0.1'))
    .addOption(
      new Option('--port <port>', 'port to listen on; 0 takes a free one')
        .argParser(wholeNumber(0))
        .default(defaultPort),
    )
    .addOption(
      new Option('--interval <duration>', 'how often to look')
        .argParser(duration(minIntervalMs))
        .default(defaultIntervalMs, '2s'),
    )
    .option('--allow-remote', 'listen on an address that other machines reach; there is no password')
    .addOption(
      new Option('--allow-host <name>', 'also answer requests for this host name; may be given again').argParser(
        (name: string, others: readonly string[] = []) => [...others, name],
      ),
    )
    .addOption(jsonOption('print the address as JSON'))
    .addHelpText(
      'after',
      `
Requests are answered for localhost, for any address, for the name it listens
on, and for names given with --allow-host. Charts begin when it is started and
hold an hour or two.

Exit codes: 0 ended by a signal, 1 failure, 2 wrong use.`,
    )
    .action(run(serve));
}

async function serve(options: ServeOptions, context: CommandContext): Promise<ExitCode> {
  const { dir, host, port, interval, allowHost = [] } = options;
  const hostname = hostnameOf(host);
  if (hostname === undefined) throw new UsageError(`--host must be a name or an address, got ${JSON.stringify(host)}.`);
  if (!isLoopback(hostname) && !options.allowRemote) {
    throw new UsageError(
      `--host ${host} is reached by other machines, and there is no password; add --allow-remote to mean it.`,
    );
  }
  if (port > 65_535) throw new UsageError(`--port must be at most 65535, got ${port}.`);
  const { signal } = context;
  const output = new LineOutput(context.stdout, signal);
  const messages = new MessageOutput(context.stderr, signal);
  const history = new SampleHistory(new SpoolWatcher(await viewSpool(dir)));
  await history.take();
  const server = new PageServer({ history, files: await readPageFiles(), hostname, port, allowedHosts: allowHost });
  const url = await server.listen().catch((cause: unknown) => {
    throw new Error(`Cannot listen on ${host}, port ${port}; choose another with --port`, { cause });
  });
  try {
    await output.write(options.json ? JSON.stringify({ url }) : `Open ${url} in a browser; Ctrl-C ends it.`);
    while (!signal.aborted) {
      await sleep(interval, undefined, { signal }).catch(() => undefined);
      // A spool that cannot be read now may be read the next time.
      if (!signal.aborted) await history.take().catch((error: unknown) => messages.say(describeError(error)));
    }
  } finally {
    await server.close();
  }
  return exitCodes.done;
}
