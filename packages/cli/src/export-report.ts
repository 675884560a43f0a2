import type { BlockKind, DiskExportQueue, DrainReport } from '@relaykit/export-queue';
import { isRelayError } from '@relaykit/types';
import { describeError, printable } from './describe-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';
import { jsonLine } from './json-line.ts';
import type { PutOff } from './put-off.ts';

/** Tells of everything that does not go well. */
export function sayTroubles(queue: DiskExportQueue, say: (text: string) => void): void {
  queue.on('retryScheduled', ({ segment, cause }) => {
    say(`${segment.id} is not delivered and stays: ${describeFailure(segment.id, cause)}`);
  });
  queue.on('quarantined', ({ segment, reason, cause }) => {
    // The reason quotes the cause; what it leaves out comes behind it.
    say(`${segment.id} is in quarantine: ${describeError(new Error(reason, { cause }))}`);
  });
  queue.on('error', ({ operation, segmentId = 'the spool', cause }) => {
    say(`cannot ${operation} ${segmentId}: ${describeError(cause)}`);
  });
}

/** What the codes of the system mean that a wrong address or a receiver that is away brings. */
const hints: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no host has this name; check --to',
  EAI_AGAIN: 'the name service does not answer; is there a network?',
  ECONNREFUSED: 'nobody listens there',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no network',
};

/** The line begins with the segment, so its name stands there once. */
function describeFailure(id: string, cause: unknown): string {
  const text = describeError(cause).replace(`Upload of ${id} to`, 'the upload to');
  const code = isRelayError(cause, 'RELAY_UPLOAD_FAILED') ? cause.facts.systemCode : undefined;
  const hint = code === undefined ? undefined : hints[code];
  return hint === undefined ? text : `${text.replace(/\.$/u, '')}: ${hint}`;
}

/** The outcome for programs: the queue's report, the events, and until when segments are put off. */
export function reportJSON(report: DrainReport, events: number, { waiting, nextAttemptAtMs }: PutOff): string {
  const at = nextAttemptAtMs === undefined ? {} : { nextAttemptAt: new Date(nextAttemptAtMs).toISOString() };
  return jsonLine({ ...report, events, waiting, ...at });
}

export function describeReport(report: DrainReport, events: number, putOff: PutOff, nowMs: number): string[] {
  const { delivered, quarantined, remaining, held, bytes, blocked, blockedKind, hold } = report;
  const lines = [
    `${formatCount(delivered, 'segment')} delivered: ${formatCount(events, 'event')}, ${formatBytes(bytes)}`,
  ];
  if (quarantined > 0) lines.push(`${formatCount(quarantined, 'segment')} refused or damaged, now in quarantine`);
  if (held > 0) lines.push(`${formatCount(held, 'segment')} held back: their metadata says that they are not ready`);
  if (remaining > held) lines.push(describeRemaining(remaining - held, putOff, nowMs));
  if (blocked !== undefined) lines.push(describeBlock(blocked, blockedKind));
  if (hold !== undefined) lines.push(`stopped: ${printable(hold)}`);
  return lines;
}

function describeRemaining(remaining: number, { waiting, nextAttemptAtMs }: PutOff, nowMs: number): string {
  const count = formatCount(remaining, 'segment');
  if (nextAttemptAtMs === undefined) return `${count} not delivered; run the command again later`;
  const failed = waiting >= remaining ? '' : `, ${waiting.toLocaleString('en-US')} of them because attempts failed`;
  const at = new Date(nextAttemptAtMs).toISOString();
  return `${count} not delivered${failed}; the next attempt is due in ${formatDuration(Math.max(1_000, nextAttemptAtMs - nowMs))}, at ${at}; run the command again then`;
}

export function describeBlock(reason: string, kind: BlockKind | undefined): string {
  const advice = kind === 'quarantineFull' ? '' : 'check --to and --header, ';
  // A reason that is a sentence of its own goes on here.
  return `stopped: ${printable(reason).replace(/\.$/u, '')}; ${advice}nothing was removed`;
}

/** What most needs somebody's attention decides. */
export function exitCodeOf({ blocked, remaining, quarantined, endedBy }: DrainReport): ExitCode {
  if (blocked !== undefined) return exitCodes.blocked;
  if (endedBy === 'storage') return exitCodes.failed;
  if (remaining > 0) return exitCodes.remaining;
  return quarantined > 0 ? exitCodes.quarantined : exitCodes.done;
}
