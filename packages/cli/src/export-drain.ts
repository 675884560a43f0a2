import type { DiskExportQueue } from '@relaykit/export-queue';
import type { SegmentStore } from '@relaykit/types';
import type { CommandContext } from './command-context.ts';
import type { ExitCode } from './exit-codes.ts';
import { describeReport, exitCodeOf, reportJSON, sayTroubles } from './export-report.ts';
import { LineOutput } from './line-output.ts';
import { MessageOutput } from './message-output.ts';
import { startProgress } from './progress.ts';
import { findPutOff } from './put-off.ts';

/** Delivers what is ready, once. */
export async function drainQueue(
  queue: DiskExportQueue,
  store: SegmentStore,
  { dir, json }: { readonly dir: string; readonly json?: true },
  context: CommandContext,
): Promise<ExitCode> {
  const output = new LineOutput(context.stdout, context.signal);
  const messages = new MessageOutput(context.stderr, context.signal);
  const total = context.stderr.isTTY ? await countSegments(store) : 0;
  const progress = startProgress({ stream: context.stderr, messages, unit: 'segments', total });
  let events = 0;
  queue.on('uploaded', ({ segment }) => {
    events += segment.metadata.eventCount;
    progress.advance(1);
  });
  sayTroubles(queue, (text) => progress.say(text));
  const report = await queue.drain({ signal: context.signal }).finally(() => progress.stop());
  const nowMs = Date.now();
  const putOff = report.remaining > report.held ? await findPutOff(dir, store, nowMs) : { waiting: 0 };
  const lines = json ? [reportJSON(report, events, putOff)] : describeReport(report, events, putOff, nowMs);
  for (const line of lines) await output.write(line);
  await Promise.all([output.flush(), messages.end([])]);
  output.assertWritten();
  return exitCodeOf(report);
}

async function countSegments(store: SegmentStore): Promise<number> {
  let total = 0;
  for await (const _ of store.list()) total += 1;
  return total;
}
