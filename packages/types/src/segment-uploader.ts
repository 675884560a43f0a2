import type { SegmentInfo } from './segment-store.ts';

/** A segment in the hands of an uploader. */
export interface LeasedSegment {
  readonly info: SegmentInfo;
  /** The same for every attempt at this segment, in every process: its id. */
  readonly idempotencyKey: string;
  readonly sizeBytes: number;
  /** The file's bytes from the start, in pieces; each call begins anew. Memory does not grow with the segment. */
  stream(): AsyncIterable<Uint8Array>;
}

/**
 * - `accepted`: the receiver has it; the segment is removed.
 * - `retry`: not now; tried again by the queue's policy, not before `retryAfterMs`. `pausesDestination` holds the
 *   other segments back as long, for an answer that speaks of the receiver and not of the segment.
 * - `rejected`: never; the segment goes to quarantine.
 * - `blocked`: something is wrong with address or credentials; the queue stops and says so, nothing is removed.
 */
export type UploadResult =
  | { readonly status: 'accepted'; readonly receipt?: string }
  | {
      readonly status: 'retry';
      readonly retryAfterMs?: number;
      readonly pausesDestination?: boolean;
      readonly cause: unknown;
    }
  | { readonly status: 'rejected'; readonly cause: unknown }
  | { readonly status: 'blocked'; readonly cause: unknown };

/** Sends segments somewhere. Implementations pass `describeSegmentUploader` of `@relaykit/testing/conformance`. */
export interface SegmentUploader {
  /**
   * Sends one segment and waits for the answer. A throw counts as `retry`.
   *
   * @param options.signal - Aborts the attempt; the promise then rejects with the signal's reason.
   */
  upload(segment: LeasedSegment, options: { readonly signal: AbortSignal }): Promise<UploadResult>;
  /** Releases connections. Calling it again is harmless. */
  close?(): Promise<void>;
}
