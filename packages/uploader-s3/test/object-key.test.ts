// Goal: every segment has one key, which leads nowhere else.
import { InMemorySegmentStore } from '@relaykit/testing';
import type { SegmentInfo } from '@relaykit/types';
import { checkKeyTemplate, DEFAULT_KEY_TEMPLATE } from '@relaykit/uploader-s3';
import { describe, expect, it } from 'vitest';
import { objectKey } from '../src/object-key.ts';

async function info(changes: Partial<SegmentInfo> = {}): Promise<SegmentInfo> {
  const createdAtMs = Date.UTC(2026, 10, 22, 3, 4, 5, 67);
  const added = await new InMemorySegmentStore().addSegment({ createdAtMs, writerId: 'k3f9q2m4xa' });
  return { ...added, ...changes };
}

describe('a key', () => {
  it.each([
    [DEFAULT_KEY_TEMPLATE, '2026-11-22/20261122T030405067Z-000000000000-k3f9q2m4xa.ndjson'],
    [
      'raw/year={year}/month={month}/day={day}/hour={hour}/{segmentId}.{extension}',
      'raw/year=2026/month=11/day=22/hour=03/20261122T030405067Z-000000000000-k3f9q2m4xa.ndjson',
    ],
    ['{spoolId}/{writerId}/{segmentId}', 'in-memory/k3f9q2m4xa/20261122T030405067Z-000000000000-k3f9q2m4xa'],
  ])('of %s', async (template, key) => {
    expect(objectKey(checkKeyTemplate(template), await info())).toBe(key);
  });

  it.each([
    ['../x', 'segmentId'],
    ['a/b', 'segmentId'],
    ['a?b', 'segmentId'],
    ['a b', 'segmentId'],
    ['a%2e', 'segmentId'],
    ['', 'segmentId'],
    ['a'.repeat(1_025), '1024 bytes'],
  ])('is not made of the id %j', async (id, message) => {
    const segment = await info({ id });
    expect(() => objectKey('{segmentId}', segment)).toThrow(message);
  });

  it.each(['.', '..'])('has no part %j, whatever the id', async (id) => {
    const segment = await info({ id });
    expect(() => objectKey('a/{segmentId}/b', segment)).toThrow('part');
  });

  it('is refused where the creation time is none', async () => {
    const segment = await info({ createdAtMs: Number.NaN });
    expect(() => objectKey(DEFAULT_KEY_TEMPLATE, segment)).toThrow('time');
  });
});

describe('a template', () => {
  it.each([
    ['', 'text'],
    ['{date}/x', 'hold {segmentId}'],
    ['{segmentId}/{who}', 'know only'],
    ['{segmentId}/{constructor}', 'know only'],
    ['/{segmentId}', 'part'],
    ['a//{segmentId}', 'part'],
    ['{segmentId}/', 'part'],
    ['../{segmentId}', 'part'],
    ['a/./{segmentId}', 'part'],
    ['a b/{segmentId}', 'alone'],
    ['{segmentId}?x', 'alone'],
    ['{segmentId}{', 'alone'],
    ['é/{segmentId}', 'alone'],
  ])('is not %j', (template, message) => {
    expect(() => checkKeyTemplate(template)).toThrow(message);
  });
});
