import type { LeasedSegment } from '@relaykit/types';
import { expect, it } from 'vitest';
import { InMemorySegmentStore, RecordingUploader, settle } from '../src/index.ts';

async function leased(content: string): Promise<LeasedSegment> {
  const info = await new InMemorySegmentStore().addSegment({ content });
  const bytes = new TextEncoder().encode(content);
  async function* stream(): AsyncIterable<Uint8Array> {
    yield bytes.slice(0, 3);
    yield bytes.slice(3);
  }
  return { info, idempotencyKey: info.id, sizeBytes: bytes.byteLength, stream };
}

it('answers as scripted, then as told, and keeps what it got', async () => {
  const uploader = new RecordingUploader();
  const segment = await leased('{"n":1}\n');
  const { signal } = new AbortController();
  const cause = new Error('busy');
  uploader.script({ status: 'retry', retryAfterMs: 10, cause }, new Error('connection reset'));
  expect(await uploader.upload(segment, { signal })).toEqual({ status: 'retry', retryAfterMs: 10, cause });
  await expect(uploader.upload(segment, { signal })).rejects.toThrow('connection reset');
  expect(await uploader.upload(segment, { signal })).toEqual({ status: 'accepted' });
  uploader.otherwise(({ info }) => ({ status: 'accepted', receipt: info.id }));
  expect(await uploader.upload(segment, { signal })).toEqual({ status: 'accepted', receipt: segment.info.id });
  expect(uploader.acceptedIds).toEqual([segment.info.id, segment.info.id]);
  expect(uploader.uploads.map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual(Array(4).fill('{"n":1}\n'));
  await uploader.close();
  expect(uploader.closeCount).toBe(1);
});

it('holds uploads until released', async () => {
  const uploader = new RecordingUploader();
  uploader.hold();
  const { signal } = new AbortController();
  const segment = await leased('{}\n');
  const calls = [uploader.upload(segment, { signal }), uploader.upload(segment, { signal })];
  await settle();
  expect([uploader.heldCount, uploader.acceptedIds.length]).toEqual([2, 0]);
  uploader.release(1);
  await calls[0];
  expect([uploader.heldCount, uploader.acceptedIds.length]).toEqual([1, 1]);
  uploader.release();
  await calls[1];
});
