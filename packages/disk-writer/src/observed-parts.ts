import type { Unsubscribe } from '@relaykit/types';

/** What a collector needs of a buffer. `RelayEventBuffer` fits. */
export interface ObservedBuffer {
  counts(): {
    readonly added: number;
    readonly addedBytes: number;
    readonly buffered: number;
    readonly bufferedBytes: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly refused: Readonly<Record<string, number>>;
  };
}

interface QueuedSegment {
  readonly id: string;
  readonly metadata: { readonly eventCount: number; readonly bytes: number };
}

/** What a collector needs of an export queue. `DiskExportQueue` fits. */
export interface ObservedQueue {
  on(type: 'uploaded', listener: (event: { readonly segment: QueuedSegment }) => void): Unsubscribe;
  on(type: 'retryScheduled', listener: (event: { readonly segment: QueuedSegment }) => void): Unsubscribe;
  on(
    type: 'quarantined',
    listener: (event: { readonly segment: QueuedSegment; readonly reason: string }) => void,
  ): Unsubscribe;
  status(): {
    readonly isStarted: boolean;
    readonly isPaused: boolean;
    readonly isClosed: boolean;
    readonly blocked: string | undefined;
    readonly hold: string | undefined;
    readonly destinationPausedUntilMs: number | undefined;
    readonly underWay: number;
  };
}

/** What a writer tells a collector when asked. */
export interface ObservedSpool {
  readonly fileCount: number;
  readonly totalBytes: number;
  readonly oldestAgeMs: number;
}

/** What a writer does for a collector. */
export interface ObservedWriter {
  /** `undefined` before the spool is open. */
  spool(): ObservedSpool | undefined;
  /** A segment is gone from the spool; without it that is noticed within a minute. */
  forget(segmentId: string): void;
}
