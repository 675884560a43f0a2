import type { MetricDefinition } from '@relaykit/types';

/** From a tenth of a millisecond, a sync of a fast disk, to the ten seconds of one that is about to fail. */
export const DURATION_BOUNDS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** How a queue is; one of them holds at any time. */
export type QueueState = 'idle' | 'running' | 'paused' | 'held' | 'destinationPaused' | 'blocked' | 'closed';

/** Every value of the label `state` of `relaykit.queue.state`. */
export const QUEUE_STATES: readonly QueueState[] = [
  'idle',
  'running',
  'paused',
  'held',
  'destinationPaused',
  'blocked',
  'closed',
];

/** The name of each metric; docs/METRICS.md says what it counts, in which unit and with which labels. */
export type MetricName =
  | 'relaykit.events.accepted'
  | 'relaykit.bytes.accepted'
  | 'relaykit.events.refused'
  | 'relaykit.buffer.events'
  | 'relaykit.buffer.bytes'
  | 'relaykit.events.written'
  | 'relaykit.bytes.written'
  | 'relaykit.events.exported'
  | 'relaykit.bytes.exported'
  | 'relaykit.segments.exported'
  | 'relaykit.events.quarantined'
  | 'relaykit.events.dropped'
  | 'relaykit.bytes.dropped'
  | 'relaykit.events.retried'
  | 'relaykit.bytes.retried'
  | 'relaykit.storage.retries'
  | 'relaykit.flush.duration'
  | 'relaykit.sync.duration'
  | 'relaykit.spool.files'
  | 'relaykit.spool.bytes'
  | 'relaykit.spool.oldest_age'
  | 'relaykit.queue.state'
  | 'relaykit.queue.uploads';

/** Every metric of the pipeline. docs/METRICS.md says the same in words; a test compares the two. */
export const METRIC_DEFINITIONS: readonly (MetricDefinition & { readonly name: MetricName })[] = [
  {
    name: 'relaykit.events.accepted',
    kind: 'counter',
    unit: 'events',
    labels: [],
    description: 'Events that buffers answered for, kept or dropped; refused ones are not among them.',
  },
  {
    name: 'relaykit.bytes.accepted',
    kind: 'counter',
    unit: 'bytes',
    labels: [],
    description: 'Encoded bytes of the events that buffers took and encoded at once.',
  },
  {
    name: 'relaykit.events.refused',
    kind: 'counter',
    unit: 'events',
    labels: ['reason'],
    description: 'Events that buffers did not take; they stayed with their callers.',
  },
  {
    name: 'relaykit.buffer.events',
    kind: 'gauge',
    unit: 'events',
    labels: [],
    description: 'Events in memory, those being written included.',
  },
  {
    name: 'relaykit.buffer.bytes',
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    description: 'Encoded bytes in memory.',
  },
  {
    name: 'relaykit.events.written',
    kind: 'counter',
    unit: 'events',
    labels: [],
    description: 'Events that writers acknowledged.',
  },
  {
    name: 'relaykit.bytes.written',
    kind: 'counter',
    unit: 'bytes',
    labels: [],
    description: 'Their encoded bytes, before compression or encryption.',
  },
  {
    name: 'relaykit.events.exported',
    kind: 'counter',
    unit: 'events',
    labels: [],
    description: 'Events in segments that the receiver has and the ledger knows as delivered.',
  },
  {
    name: 'relaykit.bytes.exported',
    kind: 'counter',
    unit: 'bytes',
    labels: [],
    description: 'Bytes of these segments, as sent.',
  },
  {
    name: 'relaykit.segments.exported',
    kind: 'counter',
    unit: 'segments',
    labels: [],
    description: 'These segments.',
  },
  {
    name: 'relaykit.events.quarantined',
    kind: 'counter',
    unit: 'events',
    labels: ['reason'],
    description: 'Events in segments that the queue put into quarantine.',
  },
  {
    name: 'relaykit.events.dropped',
    kind: 'counter',
    unit: 'events',
    labels: ['reason'],
    description: 'Events that are gone undelivered: from a buffer, or with a segment of the spool.',
  },
  {
    name: 'relaykit.bytes.dropped',
    kind: 'counter',
    unit: 'bytes',
    labels: ['reason'],
    description: 'Bytes of segments that were given up; what a buffer drops has no size.',
  },
  {
    name: 'relaykit.events.retried',
    kind: 'counter',
    unit: 'events',
    labels: ['operation'],
    description: 'Events in writes and uploads that failed and are tried again; once for each further attempt.',
  },
  {
    name: 'relaykit.bytes.retried',
    kind: 'counter',
    unit: 'bytes',
    labels: ['operation'],
    description: 'Their bytes: encoded for a write, of the segment for an upload.',
  },
  {
    name: 'relaykit.storage.retries',
    kind: 'counter',
    unit: 'count',
    labels: ['operation'],
    description: 'Steps on the file system that failed and are tried again.',
  },
  {
    name: 'relaykit.flush.duration',
    kind: 'histogram',
    unit: 'seconds',
    labels: [],
    description: 'From a call of the writer to its acknowledgement.',
    bounds: DURATION_BOUNDS_SECONDS,
  },
  {
    name: 'relaykit.sync.duration',
    kind: 'histogram',
    unit: 'seconds',
    labels: [],
    description: 'One sync of a segment that succeeded.',
    bounds: DURATION_BOUNDS_SECONDS,
  },
  {
    name: 'relaykit.spool.files',
    kind: 'gauge',
    unit: 'files',
    labels: [],
    description:
      'Segments in the spool: sealed ones of all writers, and unsealed ones of this writer. Like the two below without a value before the writer has opened the spool and after it was closed.',
  },
  { name: 'relaykit.spool.bytes', kind: 'gauge', unit: 'bytes', labels: [], description: 'Their bytes.' },
  {
    name: 'relaykit.spool.oldest_age',
    kind: 'gauge',
    unit: 'seconds',
    labels: [],
    description: 'Age of the oldest of them; 0 where there is none.',
  },
  {
    name: 'relaykit.queue.state',
    kind: 'gauge',
    unit: 'state',
    labels: ['state'],
    description: 'How the export queue is: 1 for the state that holds, 0 for the others.',
  },
  {
    name: 'relaykit.queue.uploads',
    kind: 'gauge',
    unit: 'segments',
    labels: [],
    description: 'Segments that are being delivered now.',
  },
];
