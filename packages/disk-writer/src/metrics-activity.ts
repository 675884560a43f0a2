import type { DroppedSegment } from '@relaykit/segments';
import type { FlushFacts } from './file-disk-writer-options.ts';

/** A step on the file system, or an upload, that failed and is tried again. */
export interface RetryFacts {
  /** `write`, `sync`, `create`, `open`, `seal`, `upload`. */
  readonly operation: string;
  /** Events that the attempt was about; 0 where it was about none in particular. */
  readonly eventCount: number;
  readonly bytes: number;
}

/** A segment that left the spool by way of the queue. */
export interface SettledSegment {
  readonly id: string;
  readonly eventCount: number;
  readonly bytes: number;
}

/** What happens in the pipeline, by type. Numbers, names and reasons; never an event. */
export interface MetricsActivities {
  flush: FlushFacts;
  sync: { readonly durationMs: number };
  retry: RetryFacts;
  segmentDropped: DroppedSegment;
  segmentExported: SettledSegment;
  segmentQuarantined: SettledSegment & { readonly reason: string };
}

/** What `onActivity` tells of. */
export type MetricsActivityType = keyof MetricsActivities;

/** One thing that happened, as `onActivity` tells it; `type` narrows `facts`. */
export type MetricsActivity = {
  [Type in MetricsActivityType]: { readonly type: Type; readonly facts: MetricsActivities[Type] };
}[MetricsActivityType];
