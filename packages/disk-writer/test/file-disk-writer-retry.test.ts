import { customRetry, exponentialBackoff } from '@relaykit/retry';
import { rotateByEvents } from '@relaykit/rotation';
import { type SimulatedErrorCode, settle } from '@relaykit/testing';
import { isRelayError } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { MAX_WAITING_SEALS } from '../src/index.ts';
import { events, numbersTo, SPOOL, WriterOnDisk } from './writer-on-disk.ts';

const retry = exponentialBackoff({ maxAttempts: 4, initialDelayMs: 10, maxDelayMs: 100, jitter: 'none' });

describe('a failure that may pass', () => {
  it.each<SimulatedErrorCode>(['EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT'])(
    '%s is tried again, and the events are stored once',
    async (code) => {
      const spool = new WriterOnDisk({ retry });
      await spool.writer.open();
      spool.disk.failNext('write', code, { times: 3 });
      await spool.whileTimePasses(spool.writer.write(events(0, 3)));
      expect(await spool.numbers()).toEqual([0, 1, 2]);
      expect(spool.log.filter((line) => line.startsWith('warn storage is failing'))).toHaveLength(3);
      expect(spool.log[0]).toContain('"operation":"write"');
      expect(spool.log[0]).toContain('"attempts":1,"delayMs":10');
    },
  );

  it('reports code, path, operation, attempts and cause once the attempts are used up', async () => {
    const spool = new WriterOnDisk({ retry });
    await spool.writer.open();
    spool.disk.failNext('write', 'EBUSY', { times: 4 });
    const error: unknown = await spool.whileTimePasses(spool.writer.write(events(0)).catch((cause: unknown) => cause));
    if (!isRelayError(error, 'RELAY_STORAGE_FAILED')) throw new Error('must be RELAY_STORAGE_FAILED', { cause: error });
    expect(error.facts).toMatchObject({ operation: 'write', attempts: 4, systemCode: 'EBUSY' });
    expect(error.facts.path).toMatch(/^\/spool\/.*\.ndjson\.open$/);
    expect(error.cause).toMatchObject({ code: 'EBUSY', syscall: 'write' });
    expect(error.message).toContain('after 4 attempts');
    await spool.writer.write(events(0));
    expect(await spool.numbers()).toEqual([0]);
  });

  it('at the creation of a segment: too many open files', async () => {
    const spool = new WriterOnDisk({ retry });
    await spool.writer.open();
    spool.disk.failNext('create', 'EMFILE', { times: 2 });
    await spool.whileTimePasses(spool.writer.write(events(0)));
    spool.disk.failNext('create', 'EMFILE', { times: 4 });
    await spool.whileTimePasses(spool.writer.rotate().catch(() => undefined));
    spool.disk.failNext('create', 'EMFILE', { times: 4 });
    await expect(spool.whileTimePasses(spool.writer.write(events(1)))).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'create', path: SPOOL, attempts: 4, systemCode: 'EMFILE' },
    });
    await spool.whileTimePasses(spool.writer.write(events(1)));
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('of a directory sync, whose name may be synced again', async () => {
    const spool = new WriterOnDisk({ retry, durability: 'synced' });
    await spool.writer.open();
    spool.disk.failNext('syncDirectory', 'EBUSY');
    await spool.whileTimePasses(spool.writer.write(events(0)));
    spool.disk.losePower();
    spool.disk.restart({ seed: 1 });
    await spool.another().open();
    expect(await spool.numbers()).toEqual([0]);
  });

  it('is decided on by a policy of your own', async () => {
    const asked: number[] = [];
    const policy = customRetry(({ attempts }) => {
      asked.push(attempts);
      return attempts < 2 ? 5 : undefined;
    });
    const spool = new WriterOnDisk({ retry: policy });
    await spool.writer.open();
    spool.disk.failNext('write', 'EAGAIN', { times: 2 });
    const refused = spool.whileTimePasses(spool.writer.write(events(0)));
    await expect(refused).rejects.toMatchObject({ facts: { attempts: 2, systemCode: 'EAGAIN' } });
    expect(asked).toEqual([1, 2]);
  });
});

describe('what is no error of the file system', () => {
  it('is reported as a failure of the storage, with what was thrown as its cause', async () => {
    const spool = new WriterOnDisk();
    const list = (): never => {
      // biome-ignore lint/style/useThrowOnlyError: a file system of somebody else may do it.
      throw 'not even an error';
    };
    const fileSystem = new Proxy(spool.disk, {
      get: (disk, name) => {
        if (name === 'list') return list;
        const member: unknown = Reflect.get(disk, name, disk);
        return typeof member === 'function' ? member.bind(disk) : member;
      },
    });
    await expect(spool.another({ fileSystem }).open()).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { systemCode: undefined, attempts: 1 },
      cause: 'not even an error',
    });
  });
});

describe('a failure for good', () => {
  it.each<SimulatedErrorCode>(['EACCES', 'EROFS', 'ENOTDIR', 'EIO'])('%s is reported at once', async (code) => {
    const spool = new WriterOnDisk({ retry });
    await spool.writer.open();
    spool.disk.failNext('create', code);
    await expect(spool.writer.write(events(0))).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'create', attempts: 1, systemCode: code },
    });
    expect(spool.log).toEqual([]);
    await spool.writer.write(events(0));
    expect(await spool.numbers()).toEqual([0]);
  });

  it('ends the file where its last whole batch ended, and the next batch begins another', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0, 2));
    spool.disk.failNext('write', 'EIO', { landed: 'part' });
    await expect(spool.writer.write(events(2))).rejects.toMatchObject({ facts: { operation: 'write' } });
    await spool.writer.write(events(3));
    await spool.writer.close();
    expect(spool.files('sealed')).toHaveLength(2);
    expect(await spool.numbers()).toEqual([0, 1, 3]);
  });

  it('of the sync: what was written before is moved, what waits is written anew and synced', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0));
    spool.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { landed: 'all' });
    const receipt = await spool.writer.write(events(1), { durability: 'synced' });
    expect(receipt).toMatchObject({ durability: 'synced', firstSequence: 1 });
    spool.disk.losePower();
    spool.disk.restart({ seed: 3 });
    await spool.another().open();
    expect(await spool.numbers()).toEqual([0, 1]);
  });

  it('of the sync a second time is the caller’s to know', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    spool.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { times: 2 });
    await expect(spool.writer.write(events(0), { durability: 'synced' })).rejects.toMatchObject({
      code: 'RELAY_STORAGE_FAILED',
      facts: { operation: 'sync', systemCode: 'EIO' },
    });
    const again = await spool.writer.write(events(0), { durability: 'synced' });
    expect(again.firstSequence).toBe(0);
    expect(await spool.numbers()).toEqual([0]);
  });

  it('of the sync, after the kernel dropped what was acknowledged as written: counted and said', async () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const spool = new WriterOnDisk({}, { seed });
      await spool.writer.write(events(0, 2));
      spool.disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { landed: 'none' });
      await spool.writer.write(events(2), { durability: 'synced' });
      const errors = spool.log.filter((line) => line.startsWith('error'));
      if (errors.length === 0) continue;
      expect(errors[0]).toContain('events are lost: the disk refused to sync them and they do not read back');
      expect(errors[0]).toContain('"events":2');
      expect(await spool.numbers()).toEqual([2]);
      return;
    }
    throw new Error('no seed drops the pages');
  });

  it('takes the batches behind it along, in their order, so that they can be passed again', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByEvents(1) });
    await spool.writer.open();
    spool.disk.failNext('create', 'EACCES');
    const calls = [0, 1, 2].map((n) => spool.writer.write(events(n)));
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    for (const n of [0, 1, 2]) await spool.writer.write(events(n));
    expect(await spool.numbers()).toEqual(numbersTo(3));
  });
});

describe('abort', () => {
  it('before the call: nothing is stored', async () => {
    const spool = new WriterOnDisk();
    const reason = new Error('too late');
    await expect(spool.writer.write(events(0), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(spool.disk.stepsTaken).toBe(0);
  });

  it('while it waits for the disk: nothing is stored, and the others go on', async () => {
    const spool = new WriterOnDisk({ retry });
    await spool.writer.open();
    spool.disk.failNext('write', 'EBUSY', { times: 1 });
    const controller = new AbortController();
    const aborted = spool.writer.write(events(0), { signal: controller.signal });
    const other = spool.writer.write(events(1));
    const watched = expect(aborted).rejects.toThrow('enough');
    await Promise.resolve();
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    controller.abort(new Error('enough'));
    await watched;
    await spool.whileTimePasses(other);
    expect(await spool.numbers()).toEqual([1]);
  });

  it('after the bytes are written: the call settles as if there had been none', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.open();
    const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
    const controller = new AbortController();
    const written = spool.writer.write(events(0), { durability: 'synced', signal: controller.signal });
    await gate.reached();
    controller.abort(new Error('too late'));
    gate.release();
    expect(await written).toMatchObject({ eventCount: 1, durability: 'synced' });
    expect(await spool.numbers()).toEqual([0]);
  });
});

describe('abort, in between', () => {
  it('while the spool is opened: what comes behind goes on', async () => {
    const spool = new WriterOnDisk();
    const controller = new AbortController();
    const aborted = expect(spool.writer.write(events(0), { signal: controller.signal })).rejects.toThrow('enough');
    const rotated = spool.writer.rotate();
    controller.abort(new Error('enough'));
    await aborted;
    expect(await rotated).toBeUndefined();
    expect(await spool.numbers()).toEqual([]);
  });

  it('while it waits for room among the seals: its neighbours go on, or nothing is left to do', async () => {
    const spool = new WriterOnDisk({ rotation: rotateByEvents(1) });
    await spool.writer.open();
    for (const others of [[], [10]]) {
      const gate = spool.disk.hold(({ name, path }) => name === 'sync' && path.endsWith('.open'));
      const calls = numbersTo(MAX_WAITING_SEALS).map((n) => spool.writer.write(events(n)));
      await Promise.all(calls);
      await settle();
      const controller = new AbortController();
      const waiting = spool.writer.write(events(99), { signal: controller.signal });
      const aborted = expect(waiting).rejects.toThrow('enough');
      await settle();
      const neighbours = others.map((n) => spool.writer.write(events(n)));
      controller.abort(new Error('enough'));
      await aborted;
      gate.release();
      await Promise.all(neighbours);
      await spool.writer.rotate();
    }
    await spool.writer.close();
    expect(await spool.numbers()).not.toContain(99);
    expect(await spool.numbers()).toHaveLength(2 * MAX_WAITING_SEALS + 1);
  });
});

describe('a batch that a full disk refused in part', () => {
  it('is cut off, durably, before other bytes take its place; where that fails they go elsewhere', async () => {
    const spool = new WriterOnDisk();
    await spool.writer.write(events(0));
    for (const code of ['none', 'EIO'] as const) {
      spool.disk.failNext('write', 'ENOSPC', { landed: 'part' });
      await expect(spool.writer.write(events(1))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });
      if (code === 'EIO') spool.disk.failNext('sync', code, { landed: 'all' });
      await spool.writer.write(events(2));
    }
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 2, 2]);
  });
});
