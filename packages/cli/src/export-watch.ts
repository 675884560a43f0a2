import type { DiskExportQueue } from '@relaykit/export-queue';
import type { CommandContext } from './command-context.ts';
import { describeError } from './describe-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { describeBlock, sayTroubles } from './export-report.ts';
import { formatBytes, formatCount } from './format.ts';
import { jsonLine } from './json-line.ts';
import { LineOutput } from './line-output.ts';
import { MessageOutput } from './message-output.ts';

/** Runs until a signal comes, or the queue blocks itself. */
export async function watchQueue(
  queue: DiskExportQueue,
  { json }: { readonly json?: true },
  context: CommandContext,
): Promise<ExitCode> {
  const { signal } = context;
  const output = new LineOutput(context.stdout, signal);
  const messages = new MessageOutput(context.stderr, signal);
  const delivered = { segments: 0, events: 0, bytes: 0 };
  queue.on('uploaded', ({ segment: { id, metadata }, bytes, durationMs, attempts, receipt }) => {
    delivered.segments += 1;
    delivered.events += metadata.eventCount;
    delivered.bytes += bytes;
    const { eventCount } = metadata;
    const fact = { id, eventCount, bytes, durationMs, attempts, ...(receipt === undefined ? {} : { receipt }) };
    // Nobody may read it; deliveries do not wait for that.
    if (json) void output.write(jsonLine({ delivered: fact }));
    else messages.say(`${id} delivered: ${formatCount(eventCount, 'event')}, ${formatBytes(bytes)}`);
  });
  sayTroubles(queue, (text) => messages.say(text));
  queue.on('destinationPaused', ({ delayMs, cause }) => {
    messages.say(
      `the receiver gets a pause of ${formatCount(Math.ceil(delayMs / 1_000), 'second')}: ${describeError(cause)}`,
    );
  });
  let block: string | undefined;
  // Between deliveries the queue alone would let the process end.
  const keepAlive = setInterval(() => undefined, 2 ** 30);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    queue.on('blocked', ({ kind, reason }) => {
      block = describeBlock(reason, kind);
      resolve();
    });
    queue.start();
  });
  clearInterval(keepAlive);
  await queue.close();
  const { quarantined } = queue.counts();
  const sums = `${formatCount(delivered.segments, 'segment')} delivered: ${formatCount(delivered.events, 'event')}, ${formatBytes(delivered.bytes)}`;
  if (json) await output.write(jsonLine({ ...delivered, quarantined }));
  await Promise.all([output.flush(), messages.end(block === undefined ? [sums] : [sums, block])]);
  return block === undefined ? exitCodes.done : exitCodes.blocked;
}
