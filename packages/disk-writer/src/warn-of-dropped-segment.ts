import type { DroppedSegment } from '@relaykit/segments';

/** Of this process: a spool that is full gives up a segment for each new one, and a warning for each would be a flood. */
let [segments, events, nextSegments] = [0, 0, 1];

/**
 * A loss is said even where nobody asked to be told: as a warning of the process, at its 1st, 10th, 100th … segment, with
 * what it comes to by then.
 */
export function warnOfDroppedSegment({ id, eventCount, reason }: DroppedSegment): void {
  segments += 1;
  events += eventCount;
  if (segments < nextSegments) return;
  nextSegments *= 10;
  const inAll = segments > 1 ? ` ${segments} segments with ${events} events so far.` : '';
  const message =
    `relay gave up segment ${id} with ${eventCount} undelivered events (${reason}).${inAll} ` +
    "Raise retention, pass whenFull: 'refuseNew', or pass onSegmentDropped or a logger to be told in your own way.";
  process.emitWarning(message, { code: 'RELAY_SEGMENT_DROPPED' });
}
