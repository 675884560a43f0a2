import { FileDiskWriter } from '@relaykit/disk-writer';
import {
  DEFAULT_MAX_SEGMENT_AGE_MS,
  DEFAULT_MAX_SEGMENT_EVENTS,
  DEFAULT_MAX_TOTAL_BYTES,
  MIN_SEGMENT_AGE_MS,
  MIN_SEGMENT_BYTES,
  MIN_TOTAL_BYTES,
} from '@relaykit/rotation';
import { DEFAULT_MAX_EVENT_BYTES, type RawJSONLine } from '@relaykit/serializers';
import type { Durability } from '@relaykit/types';
import { Option } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { printable } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount } from '../format.ts';
import { type FormatOptions, formatToWrite, type LineSerializer } from '../formats.ts';
import { unpackInput } from '../gzip-input.ts';
import { jsonLine } from '../json-line.ts';
import { LineOutput } from '../line-output.ts';
import { MessageOutput } from '../message-output.ts';
import {
  byteSize,
  directoryOption,
  duration,
  jsonOption,
  keyFileOption,
  unsafeDirectoryOption,
  wholeNumber,
} from '../options.ts';
import { startProgress } from '../progress.ts';
import { type RecordProgress, type RecordSummary, recordLines } from '../record-lines.ts';
import { spoolLimits } from '../spool-limits.ts';
import { isDirectory, sizeOfFile } from '../standard-input.ts';
import { fromArguments, UsageError } from '../usage-error.ts';
import type { CommandSetup } from './command-setup.ts';

/** Lines that are refused one after the other have one cause, and the first hundred show it. */
export const maxNamedLines = 100;

interface RecordOptions extends FormatOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly strict?: true;
  readonly ack?: true;
  readonly json?: true;
  readonly durability: Durability;
  /** A line and the line feed behind it. */
  readonly maxEventBytes: number;
  readonly maxSpoolBytes: number;
  readonly rotateBytes?: number;
  /** Milliseconds. */
  readonly rotateAge: number;
  readonly rotateEvents: number;
  readonly whenFull: 'refuse' | 'drop-oldest';
}

/** What went by beside the lines. */
interface Happenings {
  segments: number;
  droppedSegments: number;
  droppedEvents: number;
}

export function defineRecord({ program, run }: CommandSetup): void {
  program
    .command('record')
    .summary('store JSON Lines from standard input')
    .description(
      'Stores JSON Lines from standard input as segment files. Each line is checked and stored with its own bytes. A ' +
        'line that is not JSON, or too long, is left out, and the first hundred are reported with their numbers; blank ' +
        'lines are ignored. Input that is compressed with gzip is unpacked. Ends with the input, or at SIGINT, SIGTERM or ' +
        'SIGHUP once everything that was read is stored.',
    )
    .addOption(directoryOption('spool directory; created where it is missing'))
    .addOption(unsafeDirectoryOption())
    .addOption(new Option('--gzip', 'compress the segments with gzip').conflicts('zstd'))
    .addOption(new Option('--zstd', 'compress the segments with Zstandard'))
    .addOption(keyFileOption('encrypt the segments with the first key of this file, which nobody else can read'))
    .addOption(
      new Option(
        '--rotate-bytes <size>',
        'begin another segment at this size, such as 4Mi (default: 8 MiB, or less in a small spool)',
      ).argParser(byteSize(MIN_SEGMENT_BYTES)),
    )
    .addOption(
      new Option('--rotate-age <duration>', 'begin another segment at this age, such as 30s or 5m')
        .argParser(duration(MIN_SEGMENT_AGE_MS))
        .default(DEFAULT_MAX_SEGMENT_AGE_MS, '60s'),
    )
    .addOption(
      new Option('--rotate-events <count>', 'begin another segment at so many events')
        .argParser(wholeNumber(1))
        .default(DEFAULT_MAX_SEGMENT_EVENTS, '10,000'),
    )
    .option('--strict', 'stop at the first line that is refused')
    .option('--ack', 'print after each write how many lines are safe, as JSON')
    .addOption(jsonOption('print what became of the input as one JSON object'))
    .addOption(
      new Option(
        '--durability <level>',
        'what stored lines survive: written, the end of the process; synced, a power cut',
      )
        .choices(['written', 'synced'])
        .default('written'),
    )
    .addOption(
      new Option('--max-event-bytes <size>', 'largest line, its line end included')
        .argParser(byteSize(2))
        .default(DEFAULT_MAX_EVENT_BYTES, '1Mi'),
    )
    .addOption(
      new Option('--max-spool-bytes <size>', 'how much may wait in the spool')
        .argParser(byteSize(MIN_TOTAL_BYTES))
        .default(DEFAULT_MAX_TOTAL_BYTES, '512Mi'),
    )
    .addOption(
      new Option(
        '--when-full <way>',
        'without room for more: refuse, stop and lose nothing; drop-oldest, go on without the oldest events',
      )
        .choices(['refuse', 'drop-oldest'])
        .default('refuse'),
    )
    .addHelpText('after', recordHelp)
    .action(run(record));
}

const recordHelp = `
With --ack each write is followed by one line of JSON on standard output:
  {"lines":1200,"stored":1198,"refused":1,"blank":1}
The first 1,200 lines of the input are settled: stored as durably as asked, or
refused with a message, or blank. Whoever asks for this has to read it.
With --json the last line has the same members, and how it ended.

When the spool is full, or the disk is, the recording stops with exit code 1,
and all that was acknowledged stays. With --when-full drop-oldest it goes on
instead: the oldest segments go undelivered, each is announced on standard
error, and the last line says how many events went.

Examples:
  my-program | relay record --dir spool
  relay record --dir spool --zstd --rotate-age 5m < events.ndjson.gz
  relay record --dir spool --key-file relay.key --durability synced --ack

Exit codes: 0 everything is stored, 3 lines were refused, 1 failure (also: no
room left), 2 wrong use. Events that --when-full drop-oldest gave up change none
of them.`;

/** Stores standard input; see the command's help. */
async function record(options: RecordOptions, context: CommandContext): Promise<ExitCode> {
  const { stdin, signal } = context;
  const { maxSpoolBytes, rotateBytes = 0 } = options;
  if (rotateBytes > maxSpoolBytes) {
    throw new UsageError(`--rotate-bytes must be at most --max-spool-bytes, ${maxSpoolBytes}; got ${rotateBytes}.`);
  }
  if (isDirectory(stdin)) {
    throw new UsageError('Standard input is a directory; give a file or a pipe with lines of JSON.');
  }
  const messages = new MessageOutput(context.stderr, signal);
  const acks = new LineOutput(context.stdout, signal, ({ message }) => {
    messages.say(`nobody reads the acknowledgements any more (${message}); recording goes on`);
  });
  const happenings: Happenings = { segments: 0, droppedSegments: 0, droppedEvents: 0 };
  const writer = createWriter(options, await formatToWrite(options), messages, happenings);
  const total = sizeOfFile(stdin);
  const progress = startProgress({
    stream: context.stderr,
    messages,
    unit: 'bytes',
    ...(total === undefined ? {} : { total }),
    // Typed lines and acknowledgements show how far it is themselves.
    isHidden: stdin.isTTY === true || (options.ack === true && context.stdout.isTTY === true),
  });
  let settled: RecordProgress | undefined;
  let namedLines = 0;

  try {
    await writer.open();
    if (stdin.isTTY) messages.say('reading lines of JSON from the terminal; end with Ctrl-D');
    const summary = await recordLines({
      input: unpackInput(counted(stdin, (bytes) => progress.advance(bytes))),
      writer,
      maxLineBytes: options.maxEventBytes - 1,
      isStrict: options.strict === true,
      signal,
      onRefused: ({ number, reason }) => {
        namedLines += 1;
        if (namedLines <= maxNamedLines) progress.say(`line ${number} is not stored: ${printable(reason)}`);
      },
      onStored: async (progress) => {
        settled = progress;
        if (options.ack) await acks.write(JSON.stringify(progress));
      },
    });
    await writer.close();
    progress.stop();
    if (options.json) void acks.write(jsonLine({ ...summary, ...happenings }));
    await Promise.all([acks.flush(), messages.end(options.json ? [] : describeSummary(summary, happenings))]);
    return summary.refused > 0 ? exitCodes.linesRefused : exitCodes.done;
  } catch (cause) {
    progress.stop();
    // What is acknowledged stays on disk; it is sealed here if the disk still allows it, and by the next start if not.
    await writer.close().catch(() => undefined);
    const texts = describeDropped(happenings);
    if (settled) texts.push(`the first ${formatCount(settled.lines, 'line')} are settled, what follows is not stored`);
    await Promise.all([acks.flush(), messages.end(texts)]);
    throw cause;
  }
}

async function* counted(input: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    yield chunk;
    count(chunk.length);
  }
}

function createWriter(
  options: RecordOptions,
  serializer: LineSerializer,
  messages: MessageOutput,
  happenings: Happenings,
): FileDiskWriter<RawJSONLine> {
  const { dir: directory, allowUnsafeDirectory = false, durability, maxEventBytes, whenFull } = options;
  return fromArguments(
    () =>
      new FileDiskWriter({
        directory,
        allowUnsafeDirectory,
        serializer,
        durability,
        maxEventBytes,
        ...spoolLimits(options),
        whenFull: whenFull === 'refuse' ? 'refuseNew' : 'dropOldestUndelivered',
        onSegmentSealed: () => {
          happenings.segments += 1;
        },
        onSegmentDropped: ({ id, eventCount, bytes, reason }) => {
          happenings.droppedSegments += 1;
          happenings.droppedEvents += eventCount;
          const content = `${formatCount(eventCount, 'event')}, ${formatBytes(bytes)}`;
          messages.say(`dropped ${id} before it was delivered: ${content} (${reason})`);
        },
      }),
  );
}

function describeSummary(summary: RecordSummary, happenings: Happenings): string[] {
  const { lines, stored, refused, blank, endedBy, unfinishedBytes = 0 } = summary;
  const texts: string[] = [];
  if (refused > maxNamedLines) texts.push(`${formatCount(refused - maxNamedLines, 'more line')} refused and not named`);
  const counts = [`${formatCount(stored, 'line')} stored in ${formatCount(happenings.segments, 'segment')}`];
  if (refused > 0) counts.push(`${formatCount(refused, 'line')} refused`);
  if (blank > 0) counts.push(`${formatCount(blank, 'blank line')} left out`);
  texts.push([...counts, ...describeDropped(happenings)].join(', '));
  if (endedBy === 'refused') texts.push(`stopped at line ${lines}, as --strict asks; nothing behind it is stored`);
  if (unfinishedBytes > 0) {
    texts.push(`stopped inside line ${lines + 1}; its first ${formatCount(unfinishedBytes, 'byte')} are not stored`);
  }
  return texts;
}

function describeDropped({ droppedSegments, droppedEvents }: Happenings): string[] {
  if (droppedSegments === 0) return [];
  return [`${formatCount(droppedEvents, 'event')} in ${formatCount(droppedSegments, 'segment')} dropped undelivered`];
}
