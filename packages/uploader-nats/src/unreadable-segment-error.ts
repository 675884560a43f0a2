/** A segment cannot be sent as it is. Its message tells no event. */
export class UnreadableSegmentError extends Error {
  override readonly name = 'UnreadableSegmentError';
  /** `rejected`: the segment is the reason. `blocked`: the configuration is, and all segments share it. */
  readonly status: 'rejected' | 'blocked';

  constructor(status: 'rejected' | 'blocked', message: string) {
    super(message);
    this.status = status;
  }
}
