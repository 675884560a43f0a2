import { DiskExportQueue, type DrainReport, HttpUploader } from '@relaykit/export-queue';
import { openSegmentStore } from '@relaykit/segments';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import type { SegmentStore } from '@relaykit/types';
import type { CommandContext } from './command-context.ts';
import { describeError, printable } from './describe-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { formatBytes, formatCount } from './format.ts';
import { LineOutput } from './line-output.ts';
import { MessageOutput } from './message-output.ts';
import { requireSpool } from './require-spool.ts';
import { showSegmentProgress } from './segment-progress.ts';
import { fromArguments } from './usage-error.ts';

export interface ExportCommandOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly to: string;
  /** Each `Name: value`. */
  readonly header?: readonly string[];
}

/** Delivers the segments that are ready and ends; see the command's help. */
export async function exportCommand(options: ExportCommandOptions, context: CommandContext): Promise<ExitCode> {
  const { dir, allowUnsafeDirectory = false, to, header = [] } = options;
  const uploader = fromArguments(() => new HttpUploader({ url: to, headers: parseHeaders(header) }));
  await requireSpool(dir);
  // With the format's serializer the store also recovers what a dead writer left behind.
  const serializer = new RawJSONLineSerializer();
  const store = await openSegmentStore({ directory: dir, allowUnsafeDirectory, serializers: [serializer] });
  try {
    const queue = new DiskExportQueue({ store, uploader });
    try {
      return await drain(queue, store, context);
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

async function drain(queue: DiskExportQueue, store: SegmentStore, context: CommandContext): Promise<ExitCode> {
  const output = new LineOutput(context.stdout, context.signal);
  const messages = new MessageOutput(context.stderr, context.signal);
  const progress = await showSegmentProgress(store, context.stderr, messages);
  let events = 0;
  queue.on('uploaded', ({ segment }) => {
    events += segment.metadata.eventCount;
    progress.advance();
  });
  queue.on('retryScheduled', ({ segment, cause }) => {
    progress.say(`${segment.id} is not delivered and stays: ${describeError(cause)}`);
  });
  queue.on('quarantined', ({ segment, reason, cause }) => {
    // The reason quotes the cause; what it leaves out comes behind it.
    progress.say(`${segment.id} is in quarantine: ${describeError(new Error(reason, { cause }))}`);
  });
  queue.on('error', ({ operation, segmentId = 'the spool', cause }) => {
    progress.say(`cannot ${operation} ${segmentId}: ${describeError(cause)}`);
  });
  const report = await queue.drain({ signal: context.signal }).finally(() => progress.stop());
  for (const line of describeReport(report, events)) await output.write(line);
  await Promise.all([output.flush(), messages.end([])]);
  output.assertWritten();
  return exitCodeOf(report);
}

function describeReport(report: DrainReport, events: number): string[] {
  const { delivered, quarantined, remaining, held, bytes, blocked, hold } = report;
  const lines = [
    `${formatCount(delivered, 'segment')} delivered: ${formatCount(events, 'event')}, ${formatBytes(bytes)}`,
  ];
  if (quarantined > 0) lines.push(`${formatCount(quarantined, 'segment')} refused or damaged, now in quarantine`);
  if (held > 0) lines.push(`${formatCount(held, 'segment')} held back: their metadata says that they are not ready`);
  if (remaining > held)
    lines.push(`${formatCount(remaining - held, 'segment')} not delivered; run the command again later`);
  if (blocked !== undefined) lines.push(`stopped: ${printable(blocked)}; check --to and --header, nothing was removed`);
  if (hold !== undefined) lines.push(`stopped: ${printable(hold)}`);
  return lines;
}

/** What most needs somebody's attention decides. */
function exitCodeOf({ blocked, remaining, quarantined, endedBy }: DrainReport): ExitCode {
  if (blocked !== undefined) return exitCodes.blocked;
  if (endedBy === 'storage') return exitCodes.failed;
  if (remaining > 0) return exitCodes.remaining;
  return quarantined > 0 ? exitCodes.quarantined : exitCodes.done;
}
