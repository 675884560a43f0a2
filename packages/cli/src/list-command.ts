import { join } from 'node:path';
import { nodeFileSystem, openSegmentStore, parseSpoolFile } from '@relaykit/segments';
import type { SegmentMetadata } from '@relaykit/types';
import Table from 'cli-table3';
import type { CommandContext } from './command-context.ts';
import { printable } from './describe-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { formatAge, formatBytes, formatCount } from './format.ts';
import { LineOutput } from './line-output.ts';
import { requireSpool } from './require-spool.ts';

export interface ListCommandOptions {
  readonly dir: string;
  readonly allowUnsafeDirectory?: true;
  readonly json?: true;
}

/**
 * One segment. `ready` and `held` are sealed and have all of their metadata; `open` is being written, or was left behind
 * by a writer that died and waits to be recovered. `unknown` is sealed, and its metadata is lost.
 */
type ListedSegment =
  | (SegmentMetadata & { readonly state: 'ready' | 'held' })
  | { readonly state: 'open' | 'unknown'; readonly id: string; readonly createdAt: string; readonly bytes: number };

/** Lists the segments that wait; see the command's help. */
export async function listCommand(options: ListCommandOptions, context: CommandContext): Promise<ExitCode> {
  const { dir, allowUnsafeDirectory = false, json } = options;
  await requireSpool(dir);
  const output = new LineOutput(context.stdout, context.signal);
  const segments = [...(await readSealed(dir, allowUnsafeDirectory)), ...(await readOpen(dir))];
  const lines = json ? segments.map((segment) => JSON.stringify(segment)) : describeSegments(segments);
  for (const line of lines) {
    if (context.signal.aborted) break;
    await output.write(line);
  }
  await output.flush();
  output.assertWritten();
  return exitCodes.done;
}

async function readSealed(directory: string, allowUnsafeDirectory: boolean): Promise<ListedSegment[]> {
  // Without serializers, the store leaves unfinished files alone.
  const store = await openSegmentStore({ directory, allowUnsafeDirectory });
  const fileSystem = nodeFileSystem();
  const segments: ListedSegment[] = [];
  try {
    for await (const { id, fileExtension, createdAtMs } of store.list()) {
      const info = await store.info(id);
      if (info) {
        segments.push({ state: info.metadata.exportReady ? 'ready' : 'held', ...info.metadata });
        continue;
      }
      const found = await fileSystem.stat(join(directory, `${id}.${fileExtension}`));
      // A segment that went meanwhile, or is in the ledger and about to go, was delivered.
      if (!found || (await store.spool.ledger.find(id))) continue;
      const createdAt = new Date(createdAtMs).toISOString();
      segments.push({ state: 'unknown', id, createdAt, bytes: found.sizeBytes });
    }
  } finally {
    await store.close();
  }
  return segments;
}

async function readOpen(directory: string): Promise<ListedSegment[]> {
  const fileSystem = nodeFileSystem();
  const segments: ListedSegment[] = [];
  for (const fileName of (await fileSystem.list(directory)).toSorted()) {
    const file = parseSpoolFile(fileName);
    if (file?.kind !== 'active' && file?.kind !== 'atomic') continue;
    const found = await fileSystem.stat(join(directory, fileName));
    // A file that went meanwhile was sealed.
    if (!found) continue;
    const { id, createdAtMs } = file.segment;
    segments.push({ state: 'open', id, createdAt: new Date(createdAtMs).toISOString(), bytes: found.sizeBytes });
  }
  return segments;
}

/** No lines, two spaces between the columns: fits 80 columns, and a person's `awk`. */
const plainTable = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
};

function describeSegments(segments: readonly ListedSegment[]): string[] {
  if (segments.length === 0) return ['No segments wait.'];
  const table = new Table({
    head: ['segment', 'age', 'events', 'size', 'state'],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    ...plainTable,
  });
  let events = 0;
  let bytes = 0;
  for (const segment of segments) {
    const eventCount = 'eventCount' in segment ? segment.eventCount : undefined;
    table.push([
      segment.id,
      formatAge(Date.now() - Date.parse(segment.createdAt)),
      // How many events an open segment holds is known once it is sealed.
      eventCount?.toLocaleString('en-US') ?? (segment.state === 'open' ? '-' : '?'),
      formatBytes(segment.bytes),
      describeState(segment),
    ]);
    events += eventCount ?? 0;
    bytes += segment.bytes;
  }
  const sealed = segments.filter(({ state }) => state !== 'open').length;
  const counts = [`${formatCount(sealed, 'sealed segment')} with ${formatCount(events, 'event')}`];
  if (sealed < segments.length) counts.push(`${segments.length - sealed} open`);
  const lines = [table.toString(), '', `${counts.join(', ')}; ${formatBytes(bytes)} in all`];
  if (segments.some(({ state }) => state === 'unknown')) {
    lines.push('?: the metadata is lost; the next relay record or export counts the events and holds the segment back');
  }
  return lines;
}

function describeState(segment: ListedSegment): string {
  if (segment.state === 'held') return `held: ${printable(segment.heldReason ?? 'no reason given')}`;
  return segment.state === 'unknown' ? 'metadata lost' : segment.state;
}
