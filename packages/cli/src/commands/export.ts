import { DiskExportQueue } from '@relaykit/export-queue';
import { openSegmentStore } from '@relaykit/segments';
import { Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { drainQueue } from '../export-drain.ts';
import { watchQueue } from '../export-watch.ts';
import { type FormatOptions, knownFormats } from '../formats.ts';
import { directoryOption, jsonOption, keyFileOption, unsafeDirectoryOption } from '../options.ts';
import { requireSpool } from '../require-spool.ts';
import { type DestinationOptions, uploaderFor } from '../uploader-for.ts';
import type { CommandSetup } from './command-setup.ts';

interface ExportOptions extends Pick<FormatOptions, 'keyFile'>, DestinationOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly watch?: true;
  readonly json?: true;
}

export function defineExport({ program, run }: CommandSetup): void {
  program
    .command('export')
    .summary('deliver the segments that are ready')
    .description(
      'Delivers the segments that are ready, oldest first, each file as it is: over HTTP, into an S3 bucket, or into a NATS stream. Ends then. With ' +
        '--watch it goes on with what is recorded from then on, until a signal comes.',
    )
    .addOption(directoryOption())
    .addOption(unsafeDirectoryOption())
    .requiredOption(
      '--to <url>',
      'the receiver: https://… (http on this machine), s3://BUCKET/PREFIX, nats://HOST:PORT/SUBJECT',
    )
    .addOption(
      new Option('--header <header>', 'header to send, such as "X-Source: shop"; may be given again').argParser(
        (header: string, others: readonly string[] = []) => [...others, header],
      ),
    )
    .addOption(
      keyFileOption('keys of segments that a process left unfinished; they are delivered encrypted, as they are'),
    )
    .option('--s3-region <region>', 'region of the bucket (default: AWS_REGION)')
    .option('--s3-endpoint <url>', 'a store of your own instead of Amazon S3')
    .option('--s3-key <template>', 'name of an object below the prefix (default: "{date}/{segmentId}.{extension}")')
    .addOption(
      new Option('--nats-mode <mode>', 'what a message is: a segment as it is, or an event')
        .choices(['segment', 'event'])
        .default('segment'),
    )
    .option('--nats-stream <name>', 'the stream that must take the messages')
    .option('--watch', 'keep running: deliver what becomes ready, try again what failed')
    .addOption(jsonOption('print the outcome as one JSON object; with --watch one for each delivery, too'))
    .addHelpText('after', exportHelp)
    .action(run(exportSpool));
}

const exportHelp = `
Over HTTP each segment is one POST with the header Idempotency-Key, the
segment's id, and its media type: application/x-ndjson, with Content-Encoding
where it is compressed, or application/octet-stream where it is encrypted. It is
removed once the receiver answers 2xx. What a process that died left behind is
recovered and delivered, too.

S3 takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and
AWS_REGION out of the environment, NATS NATS_USER and NATS_PASSWORD, or
NATS_TOKEN.

With --watch a segment that failed is tried again after a wait that grows, for
up to 30 days; a receiver that is away is asked now and then. An answer that
speaks of the address or the credentials ends the command with exit code 5.

Examples:
  relay export --dir spool --to https://example.com/events
  relay export --dir spool --to https://example.com/events --watch
  relay export --dir spool --to s3://my-events/raw --s3-region eu-central-1
  relay export --dir spool --to nats://127.0.0.1:4222/events

Exit codes: 0 all delivered, 4 segments remain, 5 blocked, 6 some in quarantine,
1 failure, 2 wrong use.`;

async function exportSpool(options: ExportOptions, context: CommandContext): Promise<ExitCode> {
  const { dir, allowUnsafeDirectory = false } = options;
  // With its serializers the store also recovers what a dead writer left behind.
  const serializers = await knownFormats(options);
  const uploader = await uploaderFor(options, serializers);
  await requireSpool(dir);
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
