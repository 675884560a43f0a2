import type { DroppedSegment } from '@relaykit/segments';

/** A loss is said even where nobody asked to be told: as a warning of the process. */
export function warnOfDroppedSegment({ id, eventCount, reason }: DroppedSegment): void {
  const message =
    `relay gave up segment ${id} with ${eventCount} undelivered events (${reason}). ` +
    "Raise retention, pass whenFull: 'refuseNew', or pass onSegmentDropped or a logger to be told in your own way.";
  process.emitWarning(message, { code: 'RELAY_SEGMENT_DROPPED' });
}
