import { createGzip } from 'node:zlib';
import { nodeFileSystem } from '@relaykit/segments';
import { Option } from 'commander';
import { writeBundle } from '../bundle.ts';
import { type BundleContent, bundleEntries } from '../bundle-entries.ts';
import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { FileSink } from '../file-sink.ts';
import { formatBytes, formatCount } from '../format.ts';
import { jsonLine } from '../json-line.ts';
import { MessageOutput } from '../message-output.ts';
import { viewSpool } from '../open-spool.ts';
import { directoryOption, jsonOption } from '../options.ts';
import { print } from '../print.ts';
import { startProgress } from '../progress.ts';
import type { CommandSetup } from './command-setup.ts';

interface BundleOptions {
  readonly dir: string;
  readonly output: string;
  readonly withEvents?: boolean;
  readonly json?: true;
}

export function defineBundle({ program, run }: CommandSetup): void {
  program
    .command('bundle')
    .summary('pack a spool into a tar for support')
    .description(
      'Packs what describes a spool into a tar: spool.json, ledger, metadata, export states, a list of all files, and what ' +
        'relay stat says. No events, unless asked for. Only files of a spool go in, so no key that lies beside them does.',
    )
    .addOption(directoryOption())
    .addOption(
      new Option(
        '-o, --output <file>',
        'tar to write; must not exist. Compressed where it ends with gz',
      ).makeOptionMandatory(),
    )
    .option('--with-events', 'also pack the segments themselves, those in quarantine, too')
    .addOption(jsonOption('print the counts as one JSON object'))
    .addHelpText(
      'after',
      `
Look into it before you send it: names and texts of errors of your receiver are
in it (tar tzf spool.tar.gz). Encrypted segments stay encrypted. The file is
readable by you alone (mode 0600).

Example:
  relay bundle --dir spool --output spool.tar.gz

Exit codes: 0 done, 8 something could not be read and is left out, 1 failure,
2 wrong use.`,
    )
    .action(run(bundle));
}

async function bundle(
  { dir, output, withEvents = false, json }: BundleOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const view = await viewSpool(dir);
  const content: BundleContent = await bundleEntries(view, { withEvents, version: context.version });
  const messages = new MessageOutput(context.stderr, context.signal);
  const total = content.entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const progress = startProgress({ stream: context.stderr, messages, unit: 'bytes', total });
  const fileSystem = nodeFileSystem();
  const sink = new FileSink(fileSystem, output);
  const compress = /gz$/u.test(output) ? [createGzip()] : [];
  try {
    const missing = await writeBundle(view, content, [...compress, sink], {
      signal: context.signal,
      onRead: (bytes) => progress.advance(bytes),
    });
    progress.stop();
    const files = content.entries.length - missing.length;
    const leftOut = [...content.leftOut, ...missing];
    for (const { name, reason } of leftOut) messages.say(`${printable(name)} is left out: ${reason}`);
    const named = leftOut.map(({ name, reason }) => ({ name, reason }));
    const facts = { output, files, bytes: sink.sizeBytes, leftOut: named };
    const text = `${output}: ${formatCount(files, 'file')}, ${formatBytes(sink.sizeBytes)}`;
    await print(context, [json ? jsonLine(facts) : text]);
    await messages.end([]);
    return leftOut.some(({ isUnread }) => isUnread) ? exitCodes.unfinished : exitCodes.done;
  } catch (error) {
    progress.stop();
    // Half a bundle helps nobody. One that was there before would have stopped us earlier.
    await fileSystem.remove(output);
    throw error;
  }
}
