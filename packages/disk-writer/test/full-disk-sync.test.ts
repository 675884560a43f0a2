// Goal: a disk that finds itself full only when it is asked to sync costs the oldest segments, too, and no more than it must.
import { describe, expect, it } from 'vitest';
import { events, WriterOnDisk } from './writer-on-disk.ts';

async function tenSegments(
  flushMode: 'append' | 'atomic',
  text = '',
): Promise<{ spool: WriterOnDisk; dropped: string[] }> {
  const dropped: string[] = [];
  const spool = new WriterOnDisk({ flushMode, onSegmentDropped: ({ reason }) => dropped.push(reason) });
  for (let n = 0; n < 10; n += 1) {
    await spool.writer.write(events(n).map((event) => ({ ...event, text })));
    await spool.writer.rotate();
  }
  return { spool, dropped };
}

const isSegmentSync = ({ name, path }: { name: string; path: string }): boolean =>
  name === 'sync' && /\.(open|atomic)$/.test(path);

describe.for(['append', 'atomic'] as const)('a sync without room, %s', (flushMode) => {
  it('gives up one segment, and the events are stored', async () => {
    const { spool, dropped } = await tenSegments(flushMode);
    spool.disk.failNext(isSegmentSync, 'ENOSPC', { landed: 'none' });
    await spool.writer.write(events(10), { durability: 'synced' });
    expect(dropped).toEqual(['diskFull']);
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

it('gives up one segment where the move of what was acknowledged lacks room, too', async () => {
  const { spool, dropped } = await tenSegments('append', 'x'.repeat(5_000));
  await spool.writer.write(events(10));
  // Not enough for the metadata that ends the file.
  spool.disk.capacityBytes = spool.disk.usedBytes + 60;
  spool.disk.failNext(isSegmentSync, 'ENOSPC', { landed: 'all' });
  await spool.writer.write(events(11), { durability: 'synced' });
  expect(dropped).toEqual(['diskFull']);
  spool.disk.capacityBytes = 2 ** 40;
  await spool.writer.close();
  expect(await spool.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

it('makes room for events that a failed sync leaves to be moved', async () => {
  const { spool, dropped } = await tenSegments('append');
  await spool.writer.write(events(10));
  spool.disk.failNext(isSegmentSync, 'EIO', { landed: 'all' });
  spool.disk.failNext(({ name, path }) => name === 'write' && path.endsWith('.salvage'), 'ENOSPC');
  await spool.writer.write(events(11), { durability: 'synced' });
  expect(dropped).toEqual(['diskFull']);
  await spool.writer.close();
  expect(await spool.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});
