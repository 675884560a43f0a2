/** A place in a segment file that lies between two batches. */
export interface SegmentMark {
  readonly sizeBytes: number;
  readonly eventCount: number;
  readonly frameCount: number;
}

export const START_OF_SEGMENT: SegmentMark = { sizeBytes: 0, eventCount: 0, frameCount: 0 };
