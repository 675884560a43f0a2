import { rotateByEvents } from '@relaykit/rotation';
import { settle } from '@relaykit/testing';
import { describe, expect, it, vi } from 'vitest';
import { DiskWriterMetricsCollector } from '../src/index.ts';
import { events, numbersTo, WriterOnDisk } from './writer-on-disk.ts';

describe('writeSync', () => {
  it('stores before anything else was written, without recovery', async () => {
    const spool = new WriterOnDisk();
    expect(spool.writer.writeSync?.(events(0, 2))).toMatchObject({
      firstSequence: 0,
      eventCount: 2,
      durability: 'written',
    });
    expect(spool.count('list')).toBe(0);
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('keeps nothing of earlier calls, though the event loop never turns', () => {
    const spool = new WriterOnDisk();
    const lengths: number[] = [];
    const filter = Array.prototype.filter;
    const spy = vi.spyOn(Array.prototype, 'filter').mockImplementation(function (this: unknown[], ...args) {
      lengths.push(this.length);
      return filter.apply(this, args);
    });
    try {
      for (let n = 0; n < 500; n += 1) spool.writer.writeSync?.(events(n));
    } finally {
      spy.mockRestore();
    }
    expect(Math.max(...lengths)).toBeLessThan(100);
  });

  it('stores what waits behind a batch whose sync is under way, and keeps it when the sync fails', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
    const synced = spool.writer.write(events(0), { durability: 'synced' });
    await gate.reached();
    const queued = spool.writer.write(events(1));
    spool.writer.writeSync?.(events(2));
    expect(await spool.numbers()).toEqual([0, 1, 2]);
    spool.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { landed: 'all' });
    gate.release();
    expect(await synced).toMatchObject({ durability: 'written' });
    await queued;
    await settle();
    expect(await spool.numbers()).toEqual([0, 1, 2]);
  });

  it('announces a batch that was waiting for its sync, once', async () => {
    const spool = new WriterOnDisk();
    const told: unknown[] = [];
    const metrics = new DiskWriterMetricsCollector();
    const writer = spool.another({
      metrics,
      onFlushed: ({ eventCount, durability }) => told.push([eventCount, durability]),
    });
    await writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
    const batch = events(0, 3);
    const synced = writer.write(batch, { durability: 'synced' });
    await gate.reached();
    writer.writeSync?.(batch);
    gate.release();
    await synced;
    await settle();
    expect(told).toEqual([[3, 'written']]);
    const written = metrics.snapshot().metrics.find(({ name }) => name === 'relaykit.events.written');
    expect(written?.points).toMatchObject([{ value: 3 }]);
    await writer.close();
  });

  it('keeps a batch that it has answered for, though its sync fails afterwards', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
    const batch = events(0);
    const synced = spool.writer.write(batch, { durability: 'synced' });
    await gate.reached();
    expect(spool.writer.writeSync?.(batch)).toMatchObject({ firstSequence: 0, durability: 'written' });
    spool.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { landed: 'all' });
    gate.release();
    expect(await synced).toMatchObject({ durability: 'written' });
    await settle();
    expect(await spool.numbers()).toEqual([0]);
  });

  it('opens another segment while an atomic one is being sealed, and keeps that one', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.atomic'));
    const sealed = spool.writer.write(events(0));
    await gate.reached();
    spool.writer.writeSync?.(events(1));
    const copy = spool.disk.clone();
    const process = copy.process();
    const next = new WriterOnDisk().another({ fileSystem: process });
    await next.open();
    gate.release();
    await sealed;
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('keeps an atomic batch as written where it cannot be sealed, and seals it later', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    spool.disk.failNext(({ name, path }) => name === 'write' && path.includes('meta.json'), 'ENOSPC', { times: 2 });
    expect(spool.writer.writeSync?.(events(0))).toMatchObject({ eventCount: 1, durability: 'written' });
    expect(spool.files('active')).toHaveLength(1);
    await spool.clock.advanceAsync(20_000);
    expect(spool.files('sealed')).toHaveLength(1);
    expect(await spool.numbers()).toEqual([0]);
  });

  it('stores nothing of an atomic batch that the disk refuses, and gives its numbers to the next', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    spool.disk.failNext('sync', 'EIO');
    expect(() => spool.writer.writeSync?.(events(0))).toThrow('Cannot write');
    expect(await spool.numbers()).toEqual([]);
    expect(spool.writer.writeSync?.(events(0))).toMatchObject({ firstSequence: 0 });
    expect(await spool.numbers()).toEqual([0]);
  });

  it('stores nothing of an atomic batch that can be neither sealed nor kept under another name', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    spool.disk.failNext('rename', 'EIO', { times: 2 });
    expect(() => spool.writer.writeSync?.(events(0))).toThrow('Cannot write');
    expect(await spool.numbers()).toEqual([]);
  });

  it('says what keeps it from storing, cuts off what landed, and leaves the batch to its owner', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0));
    spool.disk.failNext('write', 'EIO', { landed: 'part' });
    expect(() => spool.writer.writeSync?.(events(1))).toThrow('Cannot write /spool');
    spool.disk.failNext(({ name }) => name === 'write' || name === 'truncate', 'EIO', { times: 2, landed: 'part' });
    const batch = spool.writer.openBatch();
    batch.add({ n: 2 });
    expect(() => spool.writer.writeSync?.(batch)).toThrow('Cannot write /spool');
    expect(spool.writer.writeSync?.(batch)).toMatchObject({ firstSequence: 1, eventCount: 1 });
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 2]);
  });

  it('is refused where what was refused before cannot be cut off', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    spool.disk.failNext(({ name }) => name === 'sync' || name === 'remove', 'EIO', { times: 9 });
    await expect(spool.writer.write(events(0))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    expect(() => spool.writer.writeSync?.(events(1))).toThrow('Cannot remove');
    spool.disk.clearFaults();
    spool.writer.writeSync?.(events(1));
    expect(await spool.numbers()).toEqual([1]);
  });
});

describe('writeSync beside a sync that fails', () => {
  it('lets nobody believe in what the kernel dropped, nor in what could not be moved', async () => {
    let refusals = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      for (const faults of [1, 2]) {
        const spool = new WriterOnDisk({}, { seed });
        await spool.writer.open();
        const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
        const synced = spool.writer.write(events(0), { durability: 'synced' });
        await gate.reached();
        spool.writer.writeSync?.(events(1));
        spool.disk.failNext('sync', 'EIO', { landed: 'none', times: faults });
        gate.release();
        const outcome = await synced.then(
          () => 'acknowledged',
          () => 'refused',
        );
        await spool.writer.close().catch(() => undefined);
        if (outcome === 'refused') refusals += 1;
        else expect(await spool.numbers()).toContain(0);
      }
    }
    expect(refusals).toBeGreaterThan(0);
  });

  it('leaves every batch in one place, whenever the process ends', async () => {
    for (const steps of numbersTo(60)) {
      const spool = new WriterOnDisk();
      await spool.writer.write(events(0), { durability: 'synced' });
      // Neither the data nor the metadata that would end the file: nothing of it can be moved.
      spool.disk.failNext('sync', 'EIO', { landed: 'all', times: 2 });
      const refused = spool.writer.write(events(1), { durability: 'synced' }).catch(() => undefined);
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      spool.writer.writeSync?.([]);
      // A process that ends here leaves this.
      const files = [...spool.disk.files()].filter(([path]) => /\.ndjson/u.test(path));
      const stored = files.flatMap(([, bytes]) => new TextDecoder().decode(bytes).match(/"n":1/gu) ?? []);
      expect(stored.length, `after ${steps} steps of promises`).toBeLessThanOrEqual(1);
      await spool.whileTimePasses(refused);
    }
  });

  it('keeps an atomic batch that it has answered for, whenever the process ends', async () => {
    for (const failing of ['sync', 'syncDirectory', 'rename'] as const) {
      for (const steps of numbersTo(120)) {
        const spool = new WriterOnDisk({ flushMode: 'atomic' });
        await spool.writer.open();
        spool.disk.failNext(failing, 'EIO', { landed: 'all' });
        const batch = events(1);
        const sealed = spool.writer.write(batch).catch(() => undefined);
        for (let step = 0; step < steps; step += 1) await Promise.resolve();
        const receipt = await Promise.resolve()
          .then(() => spool.writer.writeSync?.(batch))
          .catch(() => undefined);
        const files = [...spool.disk.files()].filter(([path]) => /\.(ndjson|open)$/u.test(path));
        const stored = files.flatMap(([, bytes]) => new TextDecoder().decode(bytes).match(/"n":1/gu) ?? []);
        const place = `${failing}, after ${steps} steps of promises`;
        expect(stored.length, place).toBeLessThanOrEqual(1);
        if (receipt) expect(stored.length, place).toBe(1);
        await spool.whileTimePasses(sealed);
      }
    }
  });

  it('nor in an atomic batch that the kernel dropped', async () => {
    let refusals = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      for (const faults of [1, 2, 3]) {
        const spool = new WriterOnDisk({ flushMode: 'atomic' }, { seed });
        await spool.writer.open();
        const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.atomic'));
        const sealed = spool.writer.write(events(0));
        await gate.reached();
        spool.writer.writeSync?.(events(1));
        spool.disk.failNext('sync', 'EIO', { landed: 'none', times: faults });
        gate.release();
        const outcome = await sealed.then(
          () => 'acknowledged',
          () => 'refused',
        );
        await spool.writer.close().catch(() => undefined);
        if (outcome === 'refused') refusals += 1;
        else expect(await spool.numbers()).toContain(0);
      }
    }
    expect(refusals).toBeGreaterThan(0);
  });

  it('and acknowledges as written what only lacks its name', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    const gate = spool.disk.hold('syncDirectory');
    const synced = spool.writer.write(events(0), { durability: 'synced' });
    await gate.reached();
    spool.writer.writeSync?.(events(1));
    spool.disk.failNext('syncDirectory', 'EIO');
    gate.release();
    expect(await synced).toMatchObject({ durability: 'written' });
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('does not repeat what was acknowledged just now, and whose caller has not heard of it', async () => {
    const spool = new WriterOnDisk();
    const batch = events(0);
    const receipts: unknown[] = [];
    const writer = spool.another({ onFlushed: () => receipts.push(writer.writeSync?.(batch)) });
    const receipt = await writer.write(batch);
    expect(receipts).toEqual([receipt]);
    expect(await spool.numbers()).toEqual([0]);
  });

  it('and acknowledges as written what stands between others, though the segment before them fails', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByEvents(1) });
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.includes('-000000000000-'));
    await spool.writer.write(events(0));
    const synced = spool.writer.write(events(1), { durability: 'synced' });
    await gate.reached();
    await settle();
    spool.writer.writeSync?.(events(2));
    spool.disk.failNext('sync', 'EIO', { landed: 'all', times: 9 });
    gate.release();
    expect(await synced).toMatchObject({ durability: 'written' });
    spool.disk.clearFaults();
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 1, 2]);
  });

  it('gives the numbers of what was taken back to a segment of their own', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.atomic'));
    const sealed = spool.writer.write(events(0, 2));
    await gate.reached();
    spool.disk.failNext('write', 'ENOSPC', { landed: 'none' });
    expect(() => spool.writer.writeSync?.(events(2))).toThrow('Cannot write');
    spool.disk.failNext('sync', 'EIO', { landed: 'all' });
    gate.release();
    expect(await sealed).toMatchObject({ firstSequence: 0, eventCount: 2 });
    expect(await spool.writer.write(events(2))).toMatchObject({ firstSequence: 2 });
    expect(spool.files('sealed').map((name) => name.split('-')[1])).toEqual(['000000000000', '000000000002']);
    expect(await spool.numbers()).toEqual([0, 1, 2]);
  });

  it('tells two calls with the same array apart', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    const batch = events(0);
    await Promise.all([spool.writer.write(batch), spool.writer.write(batch)]);
    expect(await spool.numbers()).toEqual([0, 0]);
  });
});
