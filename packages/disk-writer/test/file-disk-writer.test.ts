import { openSegmentStore } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { settle } from '@relaykit/testing';
import { describe, expect, it, vi } from 'vitest';
import { FileDiskWriter, MAX_FRAME_BYTES, MAX_FRAME_EVENTS } from '../src/index.ts';
import { events, numbersTo, SPOOL, WriterOnDisk } from './writer-on-disk.ts';

describe('open', () => {
  it('says what it recovered, again when asked again', async () => {
    const spool = new WriterOnDisk();
    const process = spool.disk.process('dies');
    const dead = spool.another({ fileSystem: process });
    await dead.write(events(0, 3));
    process.kill();
    const report = await spool.writer.open();
    expect(report).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 3, bytesCut: 0, problems: [] });
    expect(await spool.writer.open()).toBe(report);
  });

  it('tries again after a failure, with the same spool', async () => {
    const { disk, writer, numbers } = bound(new WriterOnDisk());
    disk.failNext('list', 'EIO');
    await expect(writer.open()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED', facts: { operation: 'list' } });
    await writer.write(events(0));
    expect(await numbers()).toEqual([0]);
  });

  it('takes no other writer for dead while it lives', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0));
    expect(await spool.another().open()).toMatchObject({ filesInUse: 1, segmentsRecovered: 0 });
  });
});

describe('close', () => {
  it('seals what was written, and what is still being written', async () => {
    const { writer, files, numbers } = bound(new WriterOnDisk());
    void writer.write(events(0, 2));
    await writer.close();
    expect(files('active')).toEqual([]);
    expect(files('sealed')).toHaveLength(1);
    expect(await numbers()).toEqual([0, 1]);
  });

  it('founds nothing where nothing was written', async () => {
    const { disk, writer } = new WriterOnDisk();
    await writer.close();
    expect(disk.stepsTaken).toBe(0);
  });

  it('is the same promise the second time, and what `await using` waits for', async () => {
    const spool = new WriterOnDisk();
    {
      await using writer = spool.another();
      await writer.write(events(0));
    }
    expect(spool.files('sealed')).toHaveLength(1);
    expect(spool.writer.close()).toBe(spool.writer.close());
  });

  it('refuses everything afterwards, by name', async () => {
    const { writer } = new WriterOnDisk();
    await writer.write(events(0));
    const batch = writer.openBatch();
    await writer.close();
    for (const [operation, call] of [
      ['write', () => writer.write(events(1))],
      ['commit', () => writer.commit(batch)],
      ['rotate', () => writer.rotate()],
      ['open', () => writer.open()],
      ['openBatch', async () => writer.openBatch()],
      ['writeSync', async () => writer.writeSync?.(events(1))],
    ] as const) {
      await expect(call(), operation).rejects.toMatchObject({ code: 'RELAY_CLOSED', facts: { operation } });
    }
  });

  it('still stores at exit what comes while it closes', async () => {
    const { writer, numbers } = bound(new WriterOnDisk());
    await writer.write(events(0));
    const closing = writer.close();
    writer.writeSync?.(events(1));
    await closing;
    expect(await numbers()).toEqual([0, 1]);
  });

  it('rejects where a segment cannot be sealed, lets go of it, and the next writer seals it', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0, 2));
    spool.disk.failNext('rename', 'EACCES', { times: 9 });
    await expect(spool.writer.close()).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'seal', systemCode: 'EACCES' },
    });
    spool.disk.clearFaults();
    expect(await spool.another().open()).toMatchObject({ segmentsRecovered: 1, eventsSalvaged: 2, filesInUse: 0 });
  });

  it('lets go of what it was told to undo and could not', async () => {
    const spool = new WriterOnDisk({ flushMode: 'atomic' });
    spool.disk.failNext(({ name }) => name === 'sync' || name === 'remove', 'EIO', { times: 99 });
    spool.disk.failNext('freeSpace', 'EIO');
    await expect(spool.writer.open()).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    spool.disk.clearFaults();
    await spool.writer.open();
    spool.disk.failNext(({ name }) => name === 'sync' || name === 'remove', 'EIO', { times: 99 });
    await expect(spool.writer.write(events(0))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
    await spool.writer.close().catch(() => undefined);
    spool.disk.clearFaults();
    expect(await spool.another().open()).toMatchObject({ filesInUse: 0, eventsSalvaged: 0 });
    expect(await spool.numbers()).toEqual([]);
  });
});

describe('batches', () => {
  it('closes a frame at so many events or bytes, and keeps all of them', async () => {
    const { writer, numbers } = bound(new WriterOnDisk());
    const batch = writer.openBatch();
    for (const event of events(0, 2 * MAX_FRAME_EVENTS + 5)) batch.add(event);
    expect(batch.eventCount).toBe(2 * MAX_FRAME_EVENTS + 5);
    await writer.commit(batch);
    expect(await numbers()).toEqual(numbersTo(2 * MAX_FRAME_EVENTS + 5));
    expect(MAX_FRAME_BYTES).toBe(262_144);
  });

  it('knows its bytes across frames', async () => {
    const spool = new WriterOnDisk();
    const writer = new FileDiskWriter<string>({ directory: SPOOL, fileSystem: spool.disk, clock: spool.clock });
    const batch = writer.openBatch();
    for (let index = 0; index < 5; index += 1) batch.add('x'.repeat(100_000));
    expect(batch.sizeBytes).toBe(5 * 100_003);
    await writer.commit(batch);
    const sizes = [...spool.disk.files()]
      .filter(([path]) => path.endsWith('.open'))
      .map(([, { byteLength }]) => byteLength);
    expect(sizes).toEqual([5 * 100_003]);
  });

  it('refuses to be released while it is committed, or twice', async () => {
    const { writer } = new WriterOnDisk();
    const batch = writer.openBatch();
    batch.add({ n: 0 });
    const committed = writer.commit(batch);
    expect(() => batch.release()).toThrow('batch must not be released while it is being committed');
    await committed;
    expect(() => batch.release()).toThrow('batch must not be released twice');
    expect(() => batch.add({ n: 1 })).toThrow('batch must be open, it is released; open another one');
  });

  it('gives memory of usual size back to the next batch, and no more of it than a full buffer needs', async () => {
    const { writer, numbers } = bound(new WriterOnDisk());
    const batches = Array.from({ length: 40 }, () => writer.openBatch());
    batches.forEach((batch, n) => void batch.add({ n }));
    await Promise.all(batches.map((batch) => writer.commit(batch)));
    const huge = writer.openBatch();
    huge.add({ n: 40, text: 'x'.repeat(600_000) } as never);
    await writer.commit(huge);
    await writer.write(events(41));
    expect(await numbers()).toEqual(numbersTo(42));
  });
});

describe('listeners', () => {
  it('are told of each flush, seal and drop', async () => {
    const told: string[] = [];
    const { writer } = new WriterOnDisk({
      onFlushed: ({ eventCount, sizeBytes, durability }) =>
        told.push(`flushed ${eventCount} ${sizeBytes} ${durability}`),
      onSegmentSealed: ({ eventCount, sealReason }) => told.push(`sealed ${eventCount} ${sealReason}`),
    });
    await writer.write(events(0, 2));
    await writer.write([]);
    await writer.write(events(2), { durability: 'synced' });
    const metadata = await writer.rotate();
    expect(metadata).toMatchObject({ eventCount: 3, sealReason: 'rotate', exportReady: true });
    expect(await writer.rotate()).toBeUndefined();
    expect(told).toEqual(['flushed 2 16 written', 'flushed 1 8 synced', 'sealed 3 rotate']);
  });

  it('harm nobody by throwing', async () => {
    const throwing = (): never => {
      throw new Error('listener');
    };
    const spool = new WriterOnDisk({
      onFlushed: throwing,
      onSegmentSealed: () => {
        // biome-ignore lint/style/useThrowOnlyError: JavaScript allows it, so a listener may do it.
        throw 'no error';
      },
    });
    await spool.writer.write(events(0));
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0]);
    expect(spool.log.filter((line) => line.startsWith('error'))).toEqual([
      'error onFlushed threw {"error":"listener"}',
      'error onSegmentSealed threw {"error":"no error"}',
    ]);
  });

  it('survive a logger that throws, as everybody does', async () => {
    const throwing = (): never => {
      throw new Error('logger');
    };
    const logger = { debug: throwing, info: throwing, warn: throwing, error: throwing };
    const spool = new WriterOnDisk();
    const writer = spool.another({ logger, onFlushed: throwing });
    await writer.write(events(0));
    await writer.close();
    expect(await spool.numbers()).toEqual([0]);
  });
});

it('shares a directory with a store that delivers beside it', async () => {
  const spool = new WriterOnDisk();
  await spool.writer.write(events(0, 2));
  await spool.writer.rotate();
  await spool.writer.write(events(2));
  const { disk: fileSystem, clock } = spool;
  const serializers = [new JSONEventSerializer() as never];
  const store = await openSegmentStore({ directory: SPOOL, fileSystem, clock, serializers });
  const found: string[] = [];
  for await (const { id } of store.list()) {
    found.push(id);
    const attempt = await store.lease(id);
    if (attempt.status === 'leased') await attempt.lease.settle({ status: 'delivered' });
  }
  expect(found).toHaveLength(1);
  await settle();
  await spool.writer.write(events(3));
  await spool.writer.close();
  expect(await spool.numbers()).toEqual([2, 3]);
});

/** Methods that may be taken out of it. */
function bound(spool: WriterOnDisk) {
  const { disk, writer } = spool;
  return { disk, writer, files: spool.files.bind(spool), numbers: spool.numbers.bind(spool) };
}

it('writes where it was told to, though the process changes its directory before the first write', async () => {
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue('/one');
  try {
    const spool = new WriterOnDisk({ directory: 'spool' });
    cwd.mockReturnValue('/two');
    await spool.writer.write(events(0));
    await spool.writer.close();
    expect([...spool.disk.files().keys()].filter((path) => !path.startsWith('/one/spool/'))).toEqual([]);
  } finally {
    cwd.mockRestore();
  }
});
