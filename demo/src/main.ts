import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgress } from './progress.ts';
import { Receiver } from './receiver.ts';
import { describeRefused, describeResult, findDifferences } from './report.ts';
import { runDemo } from './run-demo.ts';
import { fileSource, type Source, vegaSource } from './sources.ts';

const help = `Runs Relaykit end to end: events into a spool on disk, segments to a receiver on loopback, and a check.

  npm start                             real flights and earthquakes
  npm start -- --input FILE.ndjson      a file of JSON Lines of yours

Exit codes: 0 everything arrived, 1 something was refused, differs or failed, 2 wrong use, 130 interrupted.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const args = readArguments();
  if (typeof args === 'number') return args;

  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
  }
  try {
    const isRight = await (args.input === undefined
      ? demonstrate(await vegaSource(), interruption.signal)
      : demonstrate(await fileSource(inCallersFolder(args.input)), interruption.signal));
    return isRight ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return interruption.signal.aborted ? 130 : 1;
  }
}

function readArguments(): { readonly input: string | undefined } | number {
  try {
    const { values } = parseArgs({ options: { input: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
    if (!values.help) return { input: values.input };
    process.stdout.write(`${help}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}\n`);
    return 2;
  }
}

/** npm runs scripts in the folder of the package; a relative path means the folder the person is in. */
function inCallersFolder(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), path);
}

async function demonstrate<TEvent>(source: Source<TEvent>, signal: AbortSignal): Promise<boolean> {
  const { stdout } = process;
  stdout.write(`Recording ${source.description}\n`);
  const receiver = await Receiver.start();
  const progress = createProgress(stdout, { recorded: source.unit, delivered: 'events' });
  try {
    const result = await runDemo({ source, receiver, progress, signal });
    progress.stop();
    stdout.write(`\n${describeResult(result)}\n`);
    const differences = findDifferences(result);
    if (differences.length > 0) {
      stdout.write(`What arrived is not what was added:\n${listed(differences)}`);
    }
    const refused = describeRefused(result);
    if (refused.length > 0) stdout.write(`Not all events could be added:\n${listed(refused)}`);
    if (differences.length > 0) return false;
    const { count, digest } = result.received;
    stdout.write(
      `Checked: the ${count.toLocaleString('en-US')} lines that arrived are those that were added ` +
        `(sum of SHA-256 ${digest.slice(0, 16)}…).\n`,
    );
    return refused.length === 0;
  } finally {
    progress.stop();
    await receiver.close();
  }
}

function listed(texts: readonly string[]): string {
  return texts.map((text) => `  ${text}\n`).join('');
}
