import { rotateByAge, rotateByBytes, rotateByEvents } from '@relaykit/rotation';
import { readSpool } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import type { SegmentMetadata } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { events, numbersTo, SPOOL, type TestEvent, WriterOnDisk } from './writer-on-disk.ts';

describe('rotates', () => {
  it.each([
    ['bytes', rotateByBytes(4_096), 700],
    ['events', rotateByEvents(50), 100],
    [
      'custom',
      { shouldRotate: ({ eventCount }: { eventCount: number }) => (eventCount >= 30 ? 'custom' : undefined) },
      60,
    ],
  ])('by %s, and every event is in one segment', async (reason, rotation, eventCount) => {
    const sealed: SegmentMetadata[] = [];
    const spool = new WriterOnDisk({ rotation, onSegmentSealed: (metadata) => sealed.push(metadata) });
    for (let n = 0; n < eventCount; n += 10) await spool.writer.write(events(n, 10));
    await spool.writer.close();
    expect(sealed.length).toBeGreaterThan(1);
    expect(sealed.slice(0, -1).every(({ sealReason }) => sealReason === reason)).toBe(true);
    expect(sealed.at(-1)?.sealReason).toBe('close');
    expect(sealed.reduce((sum, segment) => sum + segment.eventCount, 0)).toBe(eventCount);
    expect(await spool.numbers()).toEqual(numbersTo(eventCount));
  });

  it('by age though no event arrives, and never an empty segment', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByAge(1_000) });
    await spool.writer.write(events(0));
    await spool.clock.advanceAsync(999);
    expect(spool.files('sealed')).toHaveLength(0);
    await spool.clock.advanceAsync(1);
    expect(spool.files('sealed')).toHaveLength(1);
    await spool.clock.advanceAsync(10_000);
    expect(spool.files('sealed')).toHaveLength(1);
    expect(spool.files('active')).toHaveLength(0);
  });

  it('by age what was stored at exit by a process that lives on', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByAge(1_000) });
    spool.writer.writeSync?.(events(0));
    await spool.clock.advanceAsync(1_000);
    expect(spool.files('sealed')).toHaveLength(1);
  });

  it('by age though the check met a batch that was refused', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByAge(1_000) });
    await spool.writer.write(events(0));
    spool.disk.failNext('write', 'ENOSPC', { landed: 'part' });
    spool.disk.failNext('truncate', 'EIO', { times: 2 });
    await expect(spool.writer.write(events(1))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    const refused = expect(spool.writer.write(events(1))).rejects.toMatchObject({ facts: { operation: 'truncate' } });
    // The check comes behind the batch that is refused, and is refused with it.
    spool.clock.advance(1_000);
    await refused;
    expect(spool.files('sealed')).toHaveLength(0);
    await spool.clock.advanceAsync(10);
    expect(spool.files('sealed')).toHaveLength(1);
    expect(await spool.numbers()).toEqual([0]);
  });

  it('asks again where the policy is of two minds', async () => {
    let asked = 0;
    const rotation = {
      shouldRotate: () => {
        asked += 1;
        return asked > 3 ? 'patience' : undefined;
      },
      nextCheckMs: () => 100,
    };
    const spool = new WriterOnDisk({ rotation });
    await spool.writer.write(events(0));
    await spool.clock.advanceAsync(1_000);
    expect(spool.files('sealed')).toHaveLength(1);
    expect(asked).toBe(4);
  });
});

describe('names', () => {
  it('sort by creation and follow each other in the reading, whatever the wall clock does', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByEvents(1) });
    const leaps = [0, -3_600_000, 0, 30 * 86_400_000, -30 * 86_400_000, -1, 0];
    for (const [n, leapMs] of leaps.entries()) {
      spool.clock.leapWallClock(leapMs);
      await spool.writer.write(events(n));
    }
    await spool.writer.close();
    expect(spool.files('sealed')).toHaveLength(leaps.length);
    expect(await read(spool)).toEqual(numbersTo(leaps.length));
  });

  it('begin behind the newest of an earlier process, whose clock was ahead', async () => {
    const spool = new WriterOnDisk();
    spool.clock.leapWallClock(86_400_000);
    await spool.writer.write(events(0));
    await spool.writer.close();
    spool.clock.leapWallClock(-2 * 86_400_000);
    const next = spool.another();
    await next.write(events(1));
    await next.close();
    expect(await read(spool)).toEqual([0, 1]);
  });

  it('do not age a segment by a leap of the wall clock', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByAge(1_000) });
    await spool.writer.write(events(0));
    spool.clock.leapWallClock(86_400_000);
    await spool.writer.write(events(1));
    expect(spool.files('sealed')).toHaveLength(0);
  });
});

async function read(spool: WriterOnDisk): Promise<readonly number[]> {
  const numbers: number[] = [];
  const serializers = [new JSONEventSerializer<TestEvent>()];
  for await (const { event } of readSpool(SPOOL, { fileSystem: spool.disk, serializers })) numbers.push(event.n);
  return numbers;
}
