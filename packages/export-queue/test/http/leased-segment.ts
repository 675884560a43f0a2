import { InMemorySegmentStore } from '@relaykit/testing';
import type { LeasedSegment, SegmentFormat } from '@relaykit/types';
import { segmentContent } from '../../src/segment-content.ts';

/** A segment as the queue hands it to an uploader. */
export async function leasedSegment(content: Uint8Array | string, format?: SegmentFormat): Promise<LeasedSegment> {
  const store = new InMemorySegmentStore();
  const { id } = await store.addSegment({ content, writerId: 'w', ...(format === undefined ? {} : { format }) });
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error('a new segment can be leased');
  const { segment: info, content: source } = attempt.lease;
  const { signal } = new AbortController();
  return {
    info,
    idempotencyKey: id,
    sizeBytes: source.sizeBytes,
    stream: () => segmentContent({ segmentId: id, content: source, bandwidth: undefined, signal }),
  };
}
