import { DiskExportQueue, HttpUploader } from '@relaykit/export-queue';
import { openSegmentStore } from '@relaykit/segments';
import { Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { drainQueue } from '../export-drain.ts';
import { watchQueue } from '../export-watch.ts';
import { type FormatOptions, knownFormats } from '../formats.ts';
import { directoryOption, jsonOption, keyFileOption, unsafeDirectoryOption } from '../options.ts';
import { requireSpool } from '../require-spool.ts';
import { fromArguments } from '../usage-error.ts';
import type { CommandSetup } from './command-setup.ts';

interface ExportOptions extends Pick<FormatOptions, 'keyFile'> {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly to: string;
  /** Each `Name: value`. */
  readonly header?: readonly string[];
  readonly watch?: true;
  readonly json?: true;
}

export function defineExport({ program, run }: CommandSetup): void {
  program
    .command('export')
    .summary('deliver the segments that are ready')
    .description(
      'Delivers the segments that are ready over HTTP, oldest first, one POST each with the file as it is, and ends. With ' +
        '--watch it goes on with what is recorded from then on, until a signal comes.',
    )
    .addOption(directoryOption())
    .addOption(unsafeDirectoryOption())
    .requiredOption('--to <url>', 'address of the receiver: https, or http on this machine')
    .addOption(
      new Option('--header <header>', 'header to send, such as "X-Source: shop"; may be given again').argParser(
        (header: string, others: readonly string[] = []) => [...others, header],
      ),
    )
    .addOption(
      keyFileOption('keys of segments that a process left unfinished; they are delivered encrypted, as they are'),
    )
    .option('--watch', 'keep running: deliver what becomes ready, try again what failed')
    .addOption(jsonOption('print the outcome as one JSON object; with --watch one for each delivery, too'))
    .addHelpText('after', exportHelp)
    .action(run(exportSpool));
}

const exportHelp = `
Each segment is one POST with the header Idempotency-Key, the segment's id, and its
media type: application/x-ndjson, with Content-Encoding where it is compressed, or
application/octet-stream where it is encrypted. It is removed once the receiver
answers 2xx. What a process that died left behind is recovered and delivered, too.

With --watch a segment that failed is tried again after a wait that grows, for up to
30 days; a receiver that is away is asked now and then. An answer that speaks of the
address or the credentials ends the command with exit code 5.

Examples:
  relay export --dir spool --to https://example.com/events
  relay export --dir spool --to https://example.com/events --watch

Exit codes: 0 all delivered, 4 segments remain, 5 blocked, 6 some in quarantine,
1 failure, 2 wrong use.`;

async function exportSpool(options: ExportOptions, context: CommandContext): Promise<ExitCode> {
  const { dir, allowUnsafeDirectory = false, to, header = [] } = options;
  const uploader = fromArguments(() => new HttpUploader({ url: to, headers: parseHeaders(header) }));
  await requireSpool(dir);
  // With its serializers the store also recovers what a dead writer left behind.
  const serializers = await knownFormats(options);
  const store = await openSegmentStore({ directory: dir, allowUnsafeDirectory, serializers });
  try {
    const queue = new DiskExportQueue({ store, uploader });
    try {
      return options.watch
        ? await watchQueue(queue, options, context)
        : await drainQueue(queue, store, options, context);
    } finally {
      await queue.close();
    }
  } finally {
    await store.close();
  }
}

/** @throws TypeError - without the text, which may hold a secret. */
function parseHeaders(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((header) => {
      const colon = header.indexOf(':');
      if (colon < 1) throw new TypeError('--header must be "Name: value"');
      return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
    }),
  );
}
