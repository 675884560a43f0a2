import type { DroppedSegment } from '@relaykit/segments';
import type {
  HistogramPoint,
  Measurement,
  Metric,
  MetricDefinition,
  MetricPoint,
  MetricsSnapshot,
  MetricsSource,
  Unsubscribe,
} from '@relaykit/types';
import { DurationHistogram } from './duration-histogram.ts';
import type { FlushFacts } from './file-disk-writer-options.ts';
import { LabelledCounter } from './labelled-counter.ts';
import {
  DURATION_BOUNDS_SECONDS,
  METRIC_DEFINITIONS,
  type MetricName,
  QUEUE_STATES,
  type QueueState,
} from './metric-definitions.ts';
import type { MetricsActivities, MetricsActivity, MetricsActivityType, RetryFacts } from './metrics-activity.ts';
import type { ObservedBuffer, ObservedQueue, ObservedSpool, ObservedWriter } from './observed-parts.ts';

type BufferCounts = ReturnType<ObservedBuffer['counts']>;

/** What a writer tells while it works. */
export interface WriterInstruments {
  flushed(facts: FlushFacts): void;
  synced(durationMs: number): void;
  retried(facts: RetryFacts): void;
  dropped(segment: DroppedSegment): void;
  /** The writer is closed: its spool is not asked any more. */
  end(): void;
}

/**
 * Counts what happens in a pipeline: events and bytes at every station, drops by reason, retries, durations, and how
 * spool and queue are. Names, units and labels are in docs/METRICS.md.
 *
 * Pass it to writers as `metrics`, and show it the buffers and queues; `createRelay` does all of it. One collector may
 * serve several pipelines, whose numbers it adds up. Nothing is counted for each event: buffers are asked when a snapshot
 * is taken, writers and queues tell once a flush or a segment.
 */
export class DiskWriterMetricsCollector implements MetricsSource {
  readonly definitions: readonly MetricDefinition[] = METRIC_DEFINITIONS;
  readonly #buffers = new Set<ObservedBuffer>();
  readonly #writers = new Set<ObservedWriter>();
  readonly #queues = new Set<ObservedQueue>();
  readonly #listeners = new Set<{ readonly listener: (activity: MetricsActivity) => void }>();
  /** What the sums have of a buffer that is not observed any more. */
  readonly #endedBuffers = new WeakMap<ObservedBuffer, BufferCounts>();
  readonly #sums = {
    // Of buffers that are not observed any more.
    accepted: 0,
    acceptedBytes: 0,
    written: 0,
    writtenBytes: 0,
    exported: 0,
    exportedBytes: 0,
    exportedSegments: 0,
  };
  readonly #refused = new LabelledCounter('reason');
  readonly #dropped = new LabelledCounter('reason');
  readonly #droppedBytes = new LabelledCounter('reason');
  readonly #quarantined = new LabelledCounter('reason');
  readonly #retriedEvents = new LabelledCounter('operation');
  readonly #retriedBytes = new LabelledCounter('operation');
  readonly #storageRetries = new LabelledCounter('operation');
  readonly #flushes = new DurationHistogram(DURATION_BOUNDS_SECONDS);
  readonly #syncs = new DurationHistogram(DURATION_BOUNDS_SECONDS);

  /** Called by writers that were given this collector as `metrics`. */
  attachWriter(writer: ObservedWriter): WriterInstruments {
    this.#writers.add(writer);
    return {
      flushed: (facts) => {
        this.#sums.written += facts.eventCount;
        this.#sums.writtenBytes += facts.sizeBytes;
        this.#flushes.record(facts.durationMs / 1_000);
        this.#tell('flush', facts);
      },
      synced: (durationMs) => {
        this.#syncs.record(durationMs / 1_000);
        this.#tell('sync', { durationMs });
      },
      retried: (facts) => {
        this.#storageRetries.add(facts.operation, 1);
        this.#countRetry(facts);
      },
      dropped: (segment) => {
        this.#dropped.add(segment.reason, segment.eventCount);
        this.#droppedBytes.add(segment.reason, segment.bytes);
        this.#tell('segmentDropped', segment);
      },
      end: () => void this.#writers.delete(writer),
    };
  }

  /** Counts what a buffer takes and drops, from its beginning. Once ended, its numbers stay in the sums. */
  observeBuffer(buffer: ObservedBuffer): Unsubscribe {
    if (this.#buffers.has(buffer)) return () => undefined;
    this.#buffers.add(buffer);
    // One that is observed again counts from its beginning, and what the sums have of it would count twice.
    const counted = this.#endedBuffers.get(buffer);
    if (counted) this.#addToSums(counted, -1);
    this.#endedBuffers.delete(buffer);
    return () => {
      if (!this.#buffers.delete(buffer)) return;
      const counts = buffer.counts();
      this.#addToSums(counts, 1);
      this.#endedBuffers.set(buffer, counts);
    };
  }

  /** Counts what a queue delivers from now on. */
  observeQueue(queue: ObservedQueue): Unsubscribe {
    if (this.#queues.has(queue)) return () => undefined;
    this.#queues.add(queue);
    const ends = [
      queue.on('uploaded', ({ segment }) => this.#onExported(segment)),
      queue.on('quarantined', ({ segment, reason }) => {
        const { eventCount, bytes } = segment.metadata;
        this.#forget(segment.id);
        this.#quarantined.add(quarantineKind(reason), eventCount);
        this.#tell('segmentQuarantined', { id: segment.id, eventCount, bytes, reason });
      }),
      queue.on('retryScheduled', ({ segment: { metadata } }) => {
        this.#countRetry({ operation: 'upload', eventCount: metadata.eventCount, bytes: metadata.bytes });
      }),
    ];
    return () => {
      this.#queues.delete(queue);
      for (const end of ends) end();
    };
  }

  /** Tells of everything as it happens. What a listener throws harms nobody. */
  onActivity(listener: (activity: MetricsActivity) => void): Unsubscribe {
    if (typeof listener !== 'function') throw new TypeError(`listener must be a function, got ${typeof listener}`);
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  onMeasured(listener: (measurement: Measurement) => void): Unsubscribe {
    return this.onActivity(({ type, facts }) => {
      if (type === 'flush') listener({ name: 'relaykit.flush.duration', value: facts.durationMs / 1_000 });
      if (type === 'sync') listener({ name: 'relaykit.sync.duration', value: facts.durationMs / 1_000 });
    });
  }

  /** Every metric as it is now. */
  snapshot(): MetricsSnapshot {
    const points = this.#points();
    return {
      metrics: METRIC_DEFINITIONS.map((definition) => ({ ...definition, points: points[definition.name] }) as Metric),
    };
  }

  #points(): Readonly<Record<MetricName, readonly (MetricPoint | HistogramPoint)[]>> {
    const { accepted, acceptedBytes, written, writtenBytes, exported, exportedBytes, exportedSegments } = this.#sums;
    const buffers = [...this.#buffers].map((buffer) => buffer.counts());
    const [dropped, refused] = [this.#dropped.copy(), this.#refused.copy()];
    for (const counts of buffers) {
      dropped.addAll(counts.dropped);
      refused.addAll(counts.refused);
    }
    const spools = [...this.#writers].map((writer) => writer.spool()).filter((spool) => spool !== undefined);
    const queues = [...this.#queues].map((queue) => queue.status());
    const states = queues.map(stateOf);
    return {
      'relaykit.events.accepted': number(accepted + sum(buffers, ({ added }) => added)),
      'relaykit.bytes.accepted': number(acceptedBytes + sum(buffers, ({ addedBytes }) => addedBytes)),
      'relaykit.events.refused': refused.points(),
      'relaykit.buffer.events': number(sum(buffers, ({ buffered }) => buffered)),
      'relaykit.buffer.bytes': number(sum(buffers, ({ bufferedBytes }) => bufferedBytes)),
      'relaykit.events.written': number(written),
      'relaykit.bytes.written': number(writtenBytes),
      'relaykit.events.exported': number(exported),
      'relaykit.bytes.exported': number(exportedBytes),
      'relaykit.segments.exported': number(exportedSegments),
      'relaykit.events.quarantined': this.#quarantined.points(),
      'relaykit.events.dropped': dropped.points(),
      'relaykit.bytes.dropped': this.#droppedBytes.points(),
      'relaykit.events.retried': this.#retriedEvents.points(),
      'relaykit.bytes.retried': this.#retriedBytes.points(),
      'relaykit.storage.retries': this.#storageRetries.points(),
      'relaykit.flush.duration': [this.#flushes.point()],
      'relaykit.sync.duration': [this.#syncs.point()],
      ...spoolPoints(spools),
      'relaykit.queue.state':
        queues.length === 0
          ? []
          : QUEUE_STATES.map((state) => ({ labels: { state }, value: states.filter((one) => one === state).length })),
      'relaykit.queue.uploads': number(sum(queues, ({ underWay }) => underWay)),
    };
  }

  #onExported({
    id,
    metadata: { eventCount, bytes },
  }: {
    readonly id: string;
    readonly metadata: { readonly eventCount: number; readonly bytes: number };
  }): void {
    this.#forget(id);
    this.#sums.exported += eventCount;
    this.#sums.exportedBytes += bytes;
    this.#sums.exportedSegments += 1;
    this.#tell('segmentExported', { id, eventCount, bytes });
  }

  #addToSums({ added, addedBytes, dropped, refused }: BufferCounts, sign: 1 | -1): void {
    this.#sums.accepted += sign * added;
    this.#sums.acceptedBytes += sign * addedBytes;
    for (const [reason, count] of Object.entries(dropped)) this.#dropped.add(reason, sign * count);
    for (const [reason, count] of Object.entries(refused)) this.#refused.add(reason, sign * count);
  }

  #countRetry(facts: RetryFacts): void {
    this.#retriedEvents.add(facts.operation, facts.eventCount);
    this.#retriedBytes.add(facts.operation, facts.bytes);
    this.#tell('retry', facts);
  }

  #forget(segmentId: string): void {
    for (const writer of this.#writers) writer.forget(segmentId);
  }

  #tell<Type extends MetricsActivityType>(type: Type, facts: MetricsActivities[Type]): void {
    if (this.#listeners.size === 0) return;
    for (const { listener } of [...this.#listeners]) {
      try {
        listener({ type, facts } as MetricsActivity);
      } catch {
        // Whoever only watches must not stop what it watches.
      }
    }
  }
}

function stateOf(status: ReturnType<ObservedQueue['status']>): QueueState {
  if (status.isClosed) return 'closed';
  if (status.blocked !== undefined) return 'blocked';
  if (status.isPaused) return 'paused';
  if (status.hold !== undefined) return 'held';
  if (status.destinationPausedUntilMs !== undefined) return 'destinationPaused';
  return status.underWay > 0 ? 'running' : 'idle';
}

/** The ledger has the whole story, with numbers and errors in it: too many different ones for a label. */
function quarantineKind(reason: string): string {
  return /^(?:rejected|damaged)\b/u.exec(reason)?.[0] ?? 'gaveUp';
}

function number(value: number): readonly MetricPoint[] {
  return [{ labels: {}, value }];
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** No point where no writer has its spool open: a zero would say that nothing waits there. */
function spoolPoints(
  spools: readonly ObservedSpool[],
): Record<'relaykit.spool.files' | 'relaykit.spool.bytes' | 'relaykit.spool.oldest_age', readonly MetricPoint[]> {
  const of = (value: number): readonly MetricPoint[] => (spools.length === 0 ? [] : number(value));
  return {
    'relaykit.spool.files': of(sum(spools, ({ fileCount }) => fileCount)),
    'relaykit.spool.bytes': of(sum(spools, ({ totalBytes }) => totalBytes)),
    'relaykit.spool.oldest_age': of(Math.max(0, ...spools.map(({ oldestAgeMs }) => oldestAgeMs)) / 1_000),
  };
}
