import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createRelay, type Relay } from '@relaykit/relay';
import { LineMultiset } from './line-multiset.ts';
import type { Progress } from './progress.ts';
import type { Receiver } from './receiver.ts';
import type { Source } from './sources.ts';

/** Small enough that the demo's events fill several segments. */
const maxSegmentEvents = 2_500;

/** Showing progress costs more than an event does. */
const eventsPerUpdate = 250;

/** The receiver is on this machine: what has not arrived by then will not. */
const maxWaitMs = 30_000;

/** How many refused lines are named: those that follow mostly have the same cause. */
const maxNamedLines = 10;

/** Events that were not taken for one reason. */
export interface Refusal {
  readonly events: number;
  /** Where in the file the first of them are. */
  readonly lineNumbers: readonly number[];
}

export interface DemoResult {
  readonly added: LineMultiset;
  readonly received: LineMultiset;
  /** Events that were not taken, by reason; they are not in `added`. */
  readonly refused: ReadonlyMap<string, Refusal>;
  readonly writtenEvents: number;
  readonly deliveredEvents: number;
  /** What was sealed. */
  readonly segments: { readonly count: number; readonly events: number; readonly bytes: number };
  readonly deliveredSegments: number;
  readonly wireBytes: number;
  readonly recordMs: number;
  readonly totalMs: number;
}

export interface DemoOptions<TEvent> {
  readonly source: Source<TEvent>;
  readonly receiver: Receiver;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Takes events from the source through a relay to the receiver, in a temporary spool that is removed in the end.
 *
 * @throws The signal's reason, after cleaning up.
 */
export async function runDemo<TEvent>(options: DemoOptions<TEvent>): Promise<DemoResult> {
  const directory = await mkdtemp(join(tmpdir(), 'relaykit-demo-'));
  try {
    return await runIn(join(directory, 'spool'), options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runIn<TEvent>(directory: string, options: DemoOptions<TEvent>): Promise<DemoResult> {
  const { source, receiver, progress, signal } = options;
  const segments = { count: 0, events: 0, bytes: 0 };
  let delivered = 0;
  const added = new LineMultiset();
  const refused = new Map<string, Refusal>();

  await using relay = createRelay<TEvent>({
    directory,
    url: receiver.url,
    serializer: source.serializer,
    maxSegmentEvents,
    onSegmentSealed({ eventCount, bytes }) {
      segments.count += 1;
      segments.events += eventCount;
      segments.bytes += bytes;
    },
  });
  relay.queue?.on('uploaded', ({ segment }) => {
    delivered += segment.metadata.eventCount;
    progress.update('delivered', delivered, added.count);
  });

  let events = 0;
  const startMs = performance.now();
  for await (const { event, line, lineNumber, done } of source.read()) {
    signal.throwIfAborted();
    const answer = relay.add(event);
    // Waits for the disk where the buffer is full, so that memory stays bounded however large the source is.
    const result = answer.status === 'refused' ? await relay.addWhenRoom(event, { signal }) : answer;
    if (result.status === 'added') added.add(line);
    else refused.set(result.reason, withLine(refused.get(result.reason), lineNumber));
    events += 1;
    if (events % eventsPerUpdate === 0) progress.update('recorded', done, source.total);
  }
  progress.update('recorded', source.total, source.total);
  await relay.flush();
  const recordMs = performance.now() - startMs;
  await drainAll(relay, signal);
  const totalMs = performance.now() - startMs;

  const { events: received, segments: deliveredSegments, wireBytes } = receiver.received;
  return {
    added,
    received,
    refused,
    writtenEvents: relay.counts().persisted,
    deliveredEvents: delivered,
    segments,
    deliveredSegments,
    wireBytes,
    recordMs,
    totalMs,
  };
}

function withLine(refusal: Refusal | undefined, lineNumber: number | undefined): Refusal {
  const { events, lineNumbers } = refusal ?? { events: 0, lineNumbers: [] };
  const isNamed = lineNumber !== undefined && lineNumbers.length < maxNamedLines;
  return { events: events + 1, lineNumbers: isNamed ? [...lineNumbers, lineNumber] : lineNumbers };
}

/** Drains until nothing is left; a segment that could not be sent at once has a time before which it rests. */
async function drainAll<TEvent>(relay: Relay<TEvent>, signal: AbortSignal): Promise<void> {
  const giveUpAtMs = performance.now() + maxWaitMs;
  for (;;) {
    const { remaining, endedBy } = await relay.drain({ signal });
    signal.throwIfAborted();
    if (remaining === 0 || endedBy === 'blocked' || performance.now() >= giveUpAtMs) return;
    await setTimeout(100, undefined, { signal });
  }
}
