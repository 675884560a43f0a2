import { FileDiskWriter } from '@relaykit/disk-writer';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import type { Durability } from '@relaykit/types';
import type { CommandContext } from './command-context.ts';
import { printable } from './describe-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { formatBytes, formatCount } from './format.ts';
import { LineOutput } from './line-output.ts';
import { MessageOutput } from './message-output.ts';
import { type RecordProgress, type RecordSummary, recordLines } from './record-lines.ts';
import { spoolLimits } from './spool-limits.ts';
import { isDirectory } from './standard-input.ts';
import { fromArguments, UsageError } from './usage-error.ts';

/** Lines that are refused one after the other have one cause, and the first hundred show it. */
export const maxNamedLines = 100;

export interface RecordCommandOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly strict?: true;
  readonly ack?: true;
  readonly durability: Durability;
  /** A line and the line feed behind it. */
  readonly maxEventBytes: number;
  readonly maxSpoolBytes: number;
  readonly whenFull: 'refuse' | 'drop-oldest';
}

/** What went by beside the lines. */
interface Happenings {
  segments: number;
  droppedSegments: number;
  droppedEvents: number;
}

/** Stores standard input; see the command's help. */
export async function recordCommand(options: RecordCommandOptions, context: CommandContext): Promise<ExitCode> {
  const { stdin, signal } = context;
  if (isDirectory(stdin)) {
    throw new UsageError('Standard input is a directory; give a file or a pipe with lines of JSON.');
  }
  const messages = new MessageOutput(context.stderr, signal);
  const acks = new LineOutput(context.stdout, signal, ({ message }) => {
    messages.say(`nobody reads the acknowledgements any more (${message}); recording goes on`);
  });
  const happenings: Happenings = { segments: 0, droppedSegments: 0, droppedEvents: 0 };
  const writer = createWriter(options, messages, happenings);
  let settled: RecordProgress | undefined;
  let namedLines = 0;

  try {
    await writer.open();
    if (stdin.isTTY) messages.say('reading lines of JSON from the terminal; end with Ctrl-D');
    const summary = await recordLines({
      input: stdin,
      writer,
      maxLineBytes: options.maxEventBytes - 1,
      isStrict: options.strict === true,
      signal,
      onRefused: ({ number, reason }) => {
        namedLines += 1;
        if (namedLines <= maxNamedLines) messages.say(`line ${number} is not stored: ${printable(reason)}`);
      },
      onStored: async (progress) => {
        settled = progress;
        if (options.ack) await acks.write(JSON.stringify(progress));
      },
    });
    await writer.close();
    await Promise.all([acks.flush(), messages.end(describeSummary(summary, happenings))]);
    return summary.refused > 0 ? exitCodes.linesRefused : exitCodes.done;
  } catch (cause) {
    // What is acknowledged stays on disk; it is sealed here if the disk still allows it, and by the next start if not.
    await writer.close().catch(() => undefined);
    const texts = describeDropped(happenings);
    if (settled) texts.push(`the first ${formatCount(settled.lines, 'line')} are settled, what follows is not stored`);
    await Promise.all([acks.flush(), messages.end(texts)]);
    throw cause;
  }
}

function createWriter(
  options: RecordCommandOptions,
  messages: MessageOutput,
  happenings: Happenings,
): FileDiskWriter<Uint8Array> {
  const { dir: directory, allowUnsafeDirectory = false, durability, maxEventBytes, maxSpoolBytes, whenFull } = options;
  return fromArguments(
    () =>
      new FileDiskWriter({
        directory,
        allowUnsafeDirectory,
        serializer: new RawJSONLineSerializer(),
        durability,
        maxEventBytes,
        ...spoolLimits(maxSpoolBytes),
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
