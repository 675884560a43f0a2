// Goal: what a caller was told is not stored never comes back, whatever the disk kept of it.
import { exponentialBackoff } from '@relaykit/retry';
import { settle } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { events, WriterOnDisk } from './writer-on-disk.ts';

const retry = exponentialBackoff({ maxAttempts: 4, initialDelayMs: 10, maxDelayMs: 100, jitter: 'none' });

describe('an abort while the next attempt of a write is waited for', () => {
  async function abortedRetry(first: number): Promise<WriterOnDisk> {
    const spool = new WriterOnDisk({ retry });
    await spool.writer.open();
    if (first > 0) await spool.writer.write(events(0, first));
    spool.disk.failNext('write', 'EINTR', { landed: 'all' });
    const controller = new AbortController();
    const call = spool.writer.write(events(90, 2), { signal: controller.signal });
    const aborted = expect(call).rejects.toThrow('enough');
    await settle();
    controller.abort(new Error('enough'));
    await aborted;
    return spool;
  }

  it.for([0, 2])('leaves nothing for a reader or a crash, with %i events before it', async (first) => {
    const spool = await abortedRetry(first);
    expect(await spool.numbers()).toEqual([0, 1].slice(0, first));
    const copy = spool.disk.clone();
    const next = new WriterOnDisk().another({ fileSystem: copy.process() });
    expect((await next.open()).eventsSalvaged).toBe(first);
  });

  it.for([0, 2])('makes that durable though nobody writes again, with %i events before it', async (first) => {
    const spool = await abortedRetry(first);
    await spool.clock.advanceAsync(1_000);
    await settle();
    expect(await spool.numbers()).toEqual([0, 1].slice(0, first));
    expect(spool.files('active')).toEqual([]);
    await spool.writer.write(events(first));
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 1, 2].slice(0, first + 1));
  });
});

it('an atomic batch at exit is taken back under either name, where a rename was made that reported an error', async () => {
  const spool = new WriterOnDisk({ flushMode: 'atomic' });
  await spool.writer.open();
  spool.disk.failNext(({ name, path }) => name === 'create' && path.endsWith('.meta.json.tmp'), 'EIO');
  spool.disk.failNext(({ name, to }) => name === 'rename' && to?.endsWith('.open') === true, 'EIO', { landed: 'all' });
  expect(() => spool.writer.writeSync?.(events(0))).toThrow('EIO');
  expect([...spool.files('active'), ...spool.files('atomic')]).toEqual([]);
  await spool.writer.write(events(0));
  await spool.writer.close();
  expect(await spool.numbers()).toEqual([0]);
});
