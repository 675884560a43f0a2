import { InMemorySegmentStore } from '@relaykit/testing';
import type { LeasedSegment, SegmentMetadata, UploadResult } from '@relaykit/types';
import { S3Uploader, type S3UploaderOptions } from '@relaykit/uploader-s3';

export const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};

export function s3Uploader(options: Partial<S3UploaderOptions>): S3Uploader {
  return new S3Uploader({ bucket: 'events', region: 'us-east-1', credentials, ...options });
}

/** A segment as the queue hands it to an uploader, with the metadata it has or that is given. */
export async function leasedSegment(
  content: Uint8Array | string,
  metadata: Partial<SegmentMetadata> = {},
): Promise<LeasedSegment> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const info = await new InMemorySegmentStore().addSegment({ content: bytes, writerId: 'k3f9q2m4xa', metadata });
  return { info, idempotencyKey: info.id, sizeBytes: bytes.byteLength, stream: () => pieces(bytes) };
}

export async function upload(
  uploader: S3Uploader,
  segment: LeasedSegment,
  signal: AbortSignal = new AbortController().signal,
): Promise<UploadResult> {
  return uploader.upload(segment, { signal });
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let position = 0; position < bytes.byteLength; position += 65_536)
    yield bytes.slice(position, position + 65_536);
}
