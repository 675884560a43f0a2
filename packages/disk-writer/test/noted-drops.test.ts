// Goal: events that were dropped before they were stored have their numbers on record, and no number is in two places.
// Method: a writer on a simulated disk; the accounts of its spool, as another process reads them.
import { noRetry } from '@relaykit/retry';
import { accountForSpool, recoverSpool, Spool } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { type DiskOperation, ManualClock, SimulatedDisk, settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { FileDiskWriter, type FlushMode } from '../src/index.ts';

const directory = '/spool';

function scene(flushMode: FlushMode = 'append') {
  const [disk, clock] = [new SimulatedDisk({ seed: 1 }), new ManualClock()];
  const fileSystem = disk.process('writer');
  const writer = new FileDiskWriter<object>({ directory, fileSystem, clock, flushMode, retry: noRetry });
  return { disk, process: fileSystem, clock, writer };
}

async function accountsOf(disk: SimulatedDisk) {
  const spool = Spool.openSync({ directory, fileSystem: disk.process('reader'), clock: new ManualClock() });
  await recoverSpool(spool, [new JSONEventSerializer()]);
  return accountForSpool(spool);
}

const events = (count: number): object[] => Array.from({ length: count }, (_, n) => ({ n }));

describe('events dropped before they were stored', () => {
  it('are on record between two segments', async () => {
    const { disk, writer } = scene();
    writer.noteDropped({ reason: 'overflow', eventCount: 2 });
    expect(await writer.write(events(3))).toMatchObject({ firstSequence: 2 });
    writer.noteDropped({ reason: 'overflow', eventCount: 4 });
    writer.noteDropped({ reason: 'tooLarge', eventCount: 1 });
    // In the middle of a segment, whose numbers are without holes.
    expect(await writer.write(events(3))).toMatchObject({ firstSequence: 5 });
    await writer.rotate();
    expect(await writer.write(events(1))).toMatchObject({ firstSequence: 13 });
    await writer.close();
    expect(await accountsOf(disk)).toMatchObject({
      pending: 7,
      dropped: { overflow: 6, tooLarge: 1 },
      lost: 0,
      repeated: 0,
    });
  });

  it('are on record when the writer is closed', async () => {
    const { disk, writer } = scene();
    await writer.write(events(3));
    writer.noteDropped({ reason: 'unpersisted', eventCount: 5 });
    await writer.close();
    expect(await accountsOf(disk)).toMatchObject({ pending: 3, dropped: { unpersisted: 5 }, lost: 0, repeated: 0 });
  });

  it('are on record where nothing was ever stored', async () => {
    const { disk, writer } = scene();
    writer.noteDropped({ reason: 'unserializable', eventCount: 5 });
    await writer.close();
    expect(await accountsOf(disk)).toMatchObject({ pending: 0, dropped: { unserializable: 5 }, lost: 0, repeated: 0 });
  });

  it('keep no writer from closing whose disk never worked', async () => {
    const { disk, writer } = scene();
    disk.failNext('createDirectory', 'EROFS', { times: Number.POSITIVE_INFINITY });
    writer.noteDropped({ reason: 'unserializable', eventCount: 5 });
    await writer.close();
    expect([...disk.files().keys()]).toEqual([]);
  });

  it('are on record with each flush that is a segment of its own', async () => {
    const { disk, writer } = scene('atomic');
    await writer.write(events(1));
    writer.noteDropped({ reason: 'overflow', eventCount: 2 });
    expect(await writer.write(events(1))).toMatchObject({ firstSequence: 3 });
    // No write waits for the record.
    await settle();
    expect(await accountsOf(disk)).toMatchObject({ pending: 2, dropped: { overflow: 2 }, lost: 0, repeated: 0 });
    await writer.close();
  });

  it('cost no write where the ledger cannot be written, and are recorded later, once', async () => {
    const { disk, writer } = scene();
    await writer.write(events(1));
    await writer.rotate();
    writer.noteDropped({ reason: 'overflow', eventCount: 2 });
    disk.failNext(({ name, path }) => name === 'write' && path.includes('ledger.ndjson'), 'EIO');
    expect(await writer.write(events(1))).toMatchObject({ firstSequence: 3 });
    writer.noteDropped({ reason: 'overflow', eventCount: 3 });
    await writer.rotate();
    await writer.close();
    expect(await accountsOf(disk)).toMatchObject({ pending: 2, dropped: { overflow: 5 }, lost: 0, repeated: 0 });
  });

  it('are on record though a try that was under way at the close has failed', async () => {
    const { disk, writer } = scene();
    await writer.write(events(1));
    await writer.rotate();
    writer.noteDropped({ reason: 'overflow', eventCount: 2 });
    const isSync = ({ name, path }: DiskOperation): boolean => name === 'sync' && path.includes('ledger.ndjson');
    const gate = disk.hold(isSync);
    disk.failNext(isSync, 'EIO');
    await writer.write(events(1));
    await gate.reached();
    const closing = writer.close();
    await settle();
    gate.release();
    await closing;
    expect(await accountsOf(disk)).toMatchObject({ pending: 2, dropped: { overflow: 2 }, lost: 0, repeated: 0 });
  });

  it('keep no write waiting while another process holds the lock of the ledger', async () => {
    const { disk, writer, clock } = scene();
    await writer.write(events(1));
    await writer.rotate();
    const held = disk.process('other').createFileSync(`${directory}/ledger.lock`);
    expect(held.tryLock()).toBe(true);
    for (let n = 0; n < 3; n += 1) {
      writer.noteDropped({ reason: 'overflow', eventCount: 2 });
      // Resolves although no time passes.
      await writer.write(events(1));
      await writer.rotate();
    }
    await held.close();
    const closing = writer.close();
    for (let turn = 0; turn < 20; turn += 1) await clock.advanceAsync(50);
    await closing;
    expect(await accountsOf(disk)).toMatchObject({ pending: 4, dropped: { overflow: 6 }, lost: 0, repeated: 0 });
  });

  it('wait as one record for each reason, however often a write is tried on a disk that fails', async () => {
    const { disk, writer } = scene();
    await writer.write(events(1));
    await writer.rotate();
    const fails = ({ name, path }: DiskOperation): boolean =>
      path.includes('ledger') || (name === 'create' && path.endsWith('.open'));
    disk.failNext(fails, 'EIO', { times: Number.POSITIVE_INFINITY });
    for (let n = 0; n < 50; n += 1) {
      writer.noteDropped({ reason: 'overflow', eventCount: 2 });
      writer.noteDropped({ reason: 'tooLarge', eventCount: 1 });
      await expect(writer.write(events(1))).rejects.toThrow();
      await settle();
    }
    disk.clearFaults();
    await writer.close();
    const ledger = disk.files().get(`${directory}/ledger.ndjson`) ?? new Uint8Array();
    expect(new TextDecoder().decode(ledger).match(/"dropped"/gu)?.length).toBeLessThanOrEqual(4);
    expect(await accountsOf(disk)).toMatchObject({ dropped: { overflow: 100, tooLarge: 50 }, lost: 0, repeated: 0 });
  });

  it('keep their numbers where the exit path writes meanwhile', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const { disk, writer } = scene();
      await writer.write(events(1));
      await writer.rotate();
      writer.noteDropped({ reason: 'overflow', eventCount: 2 });
      const underWay = events(2);
      const written = writer.write(underWay);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      writer.writeSync?.(underWay);
      writer.writeSync?.(events(3));
      await written;
      await writer.close();
      const accounts = await accountsOf(disk);
      expect(accounts, `after ${turns} turns`).toMatchObject({ pending: 6, lost: 0, repeated: 0 });
      expect(accounts.dropped).toEqual({ overflow: 2 });
    }
  });

  it('are forgotten with the process that ends before their record, and leave no gap', async () => {
    const { disk, process, writer } = scene();
    await writer.write(events(2));
    writer.noteDropped({ reason: 'overflow', eventCount: 2 });
    process.kill();
    expect(await accountsOf(disk)).toMatchObject({ pending: 2, dropped: {}, lost: 0, repeated: 0 });
  });
});
