import type { DiskExportQueue } from '@relaykit/export-queue';
import type { SegmentMetadata } from '@relaykit/types';

/** How much that is, summed over segments. */
export interface SegmentSum {
  readonly segments: number;
  readonly events: number;
  readonly bytes: number;
}

/** What the queue has settled since the relay was made, segments of earlier runs included. */
export interface DeliveryCounts {
  readonly delivered: SegmentSum;
  /** Refused for good, or tried for too long: in the spool's quarantine. */
  readonly quarantined: SegmentSum;
}

export const NO_SEGMENTS: SegmentSum = { segments: 0, events: 0, bytes: 0 };

/** Adds up what a queue tells. */
export class DeliveryCounter {
  #counts: DeliveryCounts = { delivered: NO_SEGMENTS, quarantined: NO_SEGMENTS };

  constructor(queue: DiskExportQueue | undefined) {
    queue?.on('uploaded', ({ segment }) => {
      this.#counts = { ...this.#counts, delivered: plus(this.#counts.delivered, segment.metadata) };
    });
    queue?.on('quarantined', ({ segment }) => {
      this.#counts = { ...this.#counts, quarantined: plus(this.#counts.quarantined, segment.metadata) };
    });
  }

  get counts(): DeliveryCounts {
    return this.#counts;
  }
}

/** A sum with one segment more. */
export function plus(
  sum: SegmentSum,
  { eventCount, bytes }: Pick<SegmentMetadata, 'eventCount' | 'bytes'>,
): SegmentSum {
  return { segments: sum.segments + 1, events: sum.events + eventCount, bytes: sum.bytes + bytes };
}
