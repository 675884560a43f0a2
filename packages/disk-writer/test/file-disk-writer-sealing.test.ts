import { retainFileCount, rotateByEvents } from '@relaykit/rotation';
import { settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { MAX_WAITING_SEALS, SEAL_RETRY_MS } from '../src/index.ts';
import { events, numbersTo, WriterOnDisk } from './writer-on-disk.ts';

const rotation = rotateByEvents(1);

describe('sealing', () => {
  it('goes on behind the writer, until too many segments wait', async () => {
    const spool = new WriterOnDisk({ rotation });
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
    let written = 0;
    const calls = numbersTo(MAX_WAITING_SEALS + 3).map((n) =>
      spool.writer.write(events(n)).then(() => {
        written += 1;
      }),
    );
    await settle();
    // As many as may wait for their seal, and none that would have to wait for them.
    expect(written).toBe(MAX_WAITING_SEALS);
    gate.release();
    await Promise.all(calls);
    await spool.writer.close();
    expect(await spool.numbers()).toEqual(numbersTo(MAX_WAITING_SEALS + 3));
  });

  it('makes a synced batch wait until the segments before it are durable', async () => {
    const spool = new WriterOnDisk({ rotation });
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.includes('-000000000000-'));
    await spool.writer.write(events(0));
    let isSynced = false;
    const synced = spool.writer.write(events(1), { durability: 'synced' }).then(() => {
      isSynced = true;
    });
    await gate.reached();
    await settle();
    expect(isSynced).toBe(false);
    gate.release();
    await synced;
    spool.disk.losePower();
    spool.disk.restart({ seed: 7 });
    await spool.another().open();
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('refuses a synced batch whose predecessors cannot be made durable, and takes it when they can', async () => {
    const spool = new WriterOnDisk({ rotation });
    await spool.writer.open();
    const failing = ({ name }: { readonly name: string }): boolean => name === 'sync';
    await spool.writer.write(events(0));
    spool.disk.failNext(failing, 'EIO', { times: 99, landed: 'all' });
    await expect(spool.writer.write(events(1), { durability: 'synced' })).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
    });
    spool.disk.clearFaults();
    await spool.writer.write(events(1), { durability: 'synced' });
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('begins again by itself where it failed, though nobody writes', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0));
    spool.disk.failNext('rename', 'EIO', { times: 2 });
    await expect(spool.writer.rotate()).rejects.toMatchObject({ facts: { operation: 'seal' } });
    await spool.clock.advanceAsync(SEAL_RETRY_MS);
    expect(spool.files('sealed')).toHaveLength(0);
    await spool.clock.advanceAsync(SEAL_RETRY_MS);
    expect(spool.files('sealed')).toHaveLength(1);
  });

  it('begins again after a rotation that nobody waits for, and after a sync that could not be moved', async () => {
    const spool = new WriterOnDisk({ rotation });
    await spool.writer.write(events(0));
    spool.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { landed: 'all' });
    spool.disk.failNext('create', 'EACCES');
    await spool.writer.write([], { durability: 'synced' }).catch(() => undefined);
    await spool.clock.advanceAsync(SEAL_RETRY_MS);
    expect(spool.files('active')).toEqual([]);
    expect(await spool.numbers()).toEqual([0]);
  });

  it('reports what keeps it from sealing once too many segments wait for good', async () => {
    const spool = new WriterOnDisk({ rotation });
    await spool.writer.open();
    spool.disk.failNext('rename', 'EACCES', { times: Number.POSITIVE_INFINITY });
    let refusal: unknown;
    let written = 0;
    while (!refusal && written < 20) {
      await spool.writer.write(events(written)).then(
        () => {
          written += 1;
        },
        (error: unknown) => {
          refusal = error;
        },
      );
      await settle();
    }
    expect(written).toBe(MAX_WAITING_SEALS);
    expect(refusal).toMatchObject({ code: 'RELAY_STORAGE_FAILED', facts: { operation: 'seal', systemCode: 'EACCES' } });
    spool.disk.clearFaults();
    await spool.writer.write(events(written));
    await spool.writer.close();
    expect(await spool.numbers()).toEqual(numbersTo(written + 1));
  });

  it('of an atomic flush that fails leaves nothing of it, then or later', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    await spool.writer.write(events(0));
    spool.disk.failNext('rename', 'EIO');
    await expect(spool.writer.write(events(1))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    expect(await spool.numbers()).toEqual([0]);
    spool.disk.failNext(({ name }) => name === 'rename' || name === 'remove', 'EIO', { times: 6 });
    await expect(spool.writer.write(events(2))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    spool.disk.clearFaults();
    await spool.clock.advanceAsync(3 * SEAL_RETRY_MS);
    expect(spool.files('atomic')).toEqual([]);
    await spool.writer.write(events(3));
    expect(await spool.numbers()).toEqual([0, 3]);
  });
});

describe('limits of the spool', () => {
  it('gives up the oldest segments, and says so to a listener that throws', async () => {
    const dropped: number[] = [];
    const spool = new WriterOnDisk({
      rotation,
      retention: retainFileCount(3),
      onSegmentDropped: ({ eventCount, reason }) => {
        dropped.push(eventCount);
        throw new Error(reason);
      },
    });
    await spool.writer.open();
    await spool.clock.advanceAsync(1);
    for (const n of numbersTo(6)) await spool.writer.write(events(n));
    await spool.writer.close();
    expect(dropped.length).toBeGreaterThanOrEqual(2);
    expect(await spool.numbers()).toEqual(numbersTo(6).slice(dropped.length));
    expect(spool.log.join('\n')).toContain('error onSegmentDropped threw {"error":"fileCount"}');
  });

  it('refuses new events where it was told to, and takes them when something was delivered', async () => {
    const spool = new WriterOnDisk({ rotation, retention: retainFileCount(2), whenFull: 'refuseNew' });
    await spool.writer.open();
    await spool.clock.advanceAsync(1);
    let written = 0;
    let refusal: unknown;
    while (!refusal && written < 10) {
      await spool.writer.write(events(written)).then(
        () => {
          written += 1;
        },
        (error: unknown) => {
          refusal = error;
        },
      );
      await settle();
    }
    expect(refusal).toMatchObject({ code: 'RELAY_STORAGE_FULL', facts: { systemCode: 'RELAY_RETENTION' } });
    expect(await spool.numbers()).toEqual(numbersTo(written));
  });

  it('makes room on a full disk for a new segment and for a seal, not only for a batch', async () => {
    const spool = new WriterOnDisk({ rotation });
    for (const n of numbersTo(4)) await spool.writer.write(events(n));
    await settle();
    spool.disk.failNext(({ name, path }) => name === 'create' && path.endsWith('.open'), 'ENOSPC');
    await spool.writer.write(events(4));
    spool.disk.failNext(({ name, path }) => name === 'write' && path.includes('meta.json'), 'ENOSPC');
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([2, 3, 4]);
  });

  it('goes on where one segment cannot be removed, with the next', async () => {
    const spool = new WriterOnDisk({ rotation, retention: retainFileCount(3) });
    await spool.writer.open();
    await spool.clock.advanceAsync(1);
    spool.disk.failNext(({ name, to }) => name === 'rename' && to?.endsWith('.gone') === true, 'EACCES', { times: 1 });
    for (const n of numbersTo(6)) await spool.writer.write(events(n));
    await spool.writer.close();
    expect(spool.log.join('\n')).toContain('warn a segment could not be removed');
    expect(await spool.numbers()).toContain(5);
  });
});
