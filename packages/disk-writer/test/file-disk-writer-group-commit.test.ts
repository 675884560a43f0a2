import { describe, expect, it } from 'vitest';
import { MAX_GROUP_BYTES } from '../src/index.ts';
import { events, numbersTo, WriterOnDisk } from './writer-on-disk.ts';

describe('group commit', () => {
  it('lets 64 concurrent synced batches share a few writes and syncs', async () => {
    const spool = new WriterOnDisk({ durability: 'synced' });
    await spool.writer.open();
    const receipts = await Promise.all(numbersTo(64).map((n) => spool.writer.write(events(n))));
    expect(receipts.map(({ firstSequence }) => firstSequence)).toEqual(numbersTo(64));
    expect(await spool.numbers()).toEqual(numbersTo(64));
    expect(spool.count('sync', '.open')).toBeLessThanOrEqual(2);
    expect(spool.count('write', '.open')).toBeLessThanOrEqual(2);
  });

  it('acknowledges what is only to be written before the sync of the others', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
    const order: string[] = [];
    const written = spool.writer.write(events(0)).then(() => order.push('written'));
    const synced = spool.writer.write(events(1), { durability: 'synced' }).then(() => order.push('synced'));
    const behind = spool.writer.write(events(2)).then(() => order.push('behind'));
    await written;
    await gate.reached();
    expect(order).toEqual(['written']);
    gate.release();
    await Promise.all([synced, behind]);
    expect(order).toEqual(['written', 'synced', 'behind']);
  });

  it('shares one segment among the batches of an atomic flush', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    const receipts = await Promise.all(numbersTo(10).map((n) => spool.writer.write(events(n))));
    expect(new Set(receipts.map(({ segmentId }) => segmentId)).size).toBeLessThanOrEqual(2);
    expect(receipts.every(({ durability }) => durability === 'synced')).toBe(true);
  });

  it('ends a group at so many bytes, so that no write holds the event loop for long', async () => {
    const spool = new WriterOnDisk({}, {});
    await spool.writer.open();
    const large = { n: 0, text: 'x'.repeat(MAX_GROUP_BYTES / 2) } as { n: number };
    await Promise.all([0, 1, 2, 3].map(() => spool.writer.write([large])));
    const writes = spool.operations.filter(({ name, path }) => name === 'write' && path.endsWith('.open'));
    expect(writes.length).toBeGreaterThanOrEqual(4);
  });

  it('syncs for an empty batch what was written before, and knows when nothing was', async () => {
    const spool = new WriterOnDisk();
    expect(await spool.writer.write([], { durability: 'synced' })).toMatchObject({ segmentId: '', eventCount: 0 });
    await spool.writer.write(events(0));
    expect(spool.count('sync', '.open')).toBe(0);
    await spool.writer.write([], { durability: 'synced' });
    expect(spool.count('sync', '.open')).toBe(1);
    spool.disk.losePower();
    spool.disk.restart({ seed: 1 });
    await spool.another().open();
    expect(await spool.numbers()).toEqual([0]);
  });

  it('makes no segment of an empty atomic flush, nor of one whose events are all rejected', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic', maxEventBytes: 10 });
    spool.disk.failNext(({ name, path }) => name === 'write' && path.endsWith('.atomic'), 'ENOSPC');
    await expect(spool.writer.write(events(0))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
    expect(await spool.writer.write([])).toMatchObject({ segmentId: '', eventCount: 0 });
    const receipt = await spool.writer.write([{ n: 123_456_789 }]);
    expect(receipt).toMatchObject({ segmentId: '', eventCount: 0, rejected: [{ index: 0 }] });
    spool.writer.writeSync?.([]);
    await spool.writer.close();
    expect([...spool.files('sealed'), ...spool.files('atomic')]).toEqual([]);
  });
});

describe('an empty synced batch', () => {
  it('is refused where what was written before cannot be made durable', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0));
    spool.disk.failNext('syncDirectory', 'EIO', { times: 3 });
    await expect(spool.writer.rotate()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    await expect(spool.writer.write([], { durability: 'synced' })).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'sync' },
    });
    spool.disk.clearFaults();
    expect(await spool.writer.write([], { durability: 'synced' })).toMatchObject({ durability: 'synced' });
  });
});
