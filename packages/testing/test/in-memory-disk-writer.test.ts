import { describe, expect, it } from 'vitest';
import { InMemoryDiskWriter } from '../src/index.ts';

describe('InMemoryDiskWriter', () => {
  it('opens another segment where a batch would exceed the limit, and splits none', async () => {
    const writer = new InMemoryDiskWriter<number>({ maxSegmentEvents: 3, writerId: 'w' });
    for (const batch of [[0, 1], [2], [3, 4], [5, 6, 7, 8], [9]]) await writer.write(batch);
    const shapes = writer.segments.map(({ firstSequence, lines, isSealed }) => [firstSequence, lines.length, isSealed]);
    expect(shapes).toEqual([
      [0, 3, true],
      [3, 2, true],
      [5, 4, true],
      [9, 1, false],
    ]);
    expect(writer.segments.map(({ id }) => id)).toEqual([...writer.segments.map(({ id }) => id)].sort());
    await writer.close();
    expect(writer.segments.every(({ isSealed }) => isSealed)).toBe(true);
  });

  it('knows what a power cut would leave', async () => {
    const writer = new InMemoryDiskWriter<number>();
    await writer.write([1, 2], { durability: 'synced' });
    await writer.write([3]);
    expect(writer.events('synced')).toEqual([1, 2]);
    expect(writer.events()).toEqual([1, 2, 3]);
    await writer.write([], { durability: 'synced' });
    expect(writer.events('synced')).toEqual([1, 2, 3]);
    writer.writeSync([4]);
    expect(writer.events('synced')).toEqual([1, 2, 3]);
  });

  it('does not sync what was stored after the sync began', async () => {
    const writer = new InMemoryDiskWriter<number>();
    const synced = writer.write([1], { durability: 'synced' });
    await Promise.resolve();
    writer.writeSync([2]);
    await synced;
    expect(writer.events('synced')).toEqual([1]);
  });

  it('rejects an event over its limit with both sizes', async () => {
    const writer = new InMemoryDiskWriter<string>({ maxEventBytes: 8 });
    const { rejected, eventCount } = await writer.write(['12345', '123456', 'é234']);
    expect(eventCount).toBe(2);
    expect(rejected).toMatchObject([
      { index: 1, cause: { code: 'RELAY_EVENT_TOO_LARGE', facts: { sizeBytes: 9, maxEventBytes: 8 } } },
    ]);
  });

  it('writes synced by default where told to', async () => {
    const writer = new InMemoryDiskWriter<number>({ durability: 'synced' });
    expect((await writer.write([1])).durability).toBe('synced');
    expect((await writer.write([1], { durability: 'written' })).durability).toBe('written');
  });

  it('gives each unserializable event its reason', async () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    // A leaf that is asked for its JSON: without one, Node 26 needs no stack for levels.
    let deep: unknown = new Date(0);
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    const throwing = {
      toJSON() {
        throw new Error('no');
      },
    };
    const { rejected } = await new InMemoryDiskWriter().write([cycle, 1n, undefined, throwing, deep]);
    const reasons = rejected.map(({ cause }) => (cause as { facts: { reason: string } }).facts.reason);
    expect(reasons).toEqual(['cycle', 'bigint', 'undefined', 'throws', 'tooDeep']);
  });

  it('refuses limits that are no whole number of at least 1', () => {
    expect(() => new InMemoryDiskWriter({ maxSegmentEvents: 0 })).toThrow(
      'maxSegmentEvents must be a whole number >= 1, got 0',
    );
    expect(() => new InMemoryDiskWriter({ maxEventBytes: 1.5 })).toThrow(RangeError);
  });
});
