// Goal: a writer that was closed stays closed, though its spool was just being opened.
import { exponentialBackoff } from '@relaykit/retry';
import { settle } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { events, WriterOnDisk } from './writer-on-disk.ts';

const retry = exponentialBackoff({ maxAttempts: 5, initialDelayMs: 50, maxDelayMs: 50, jitter: 'none' });

it.for(['spool.json', 'recovery'])('ends an open that waits for its next attempt: %s', async (where) => {
  const spool = new WriterOnDisk({ retry });
  if (where === 'recovery') spool.disk.failNext('list', 'EMFILE');
  else spool.disk.failNext(({ path }) => path.endsWith('spool.json'), 'EMFILE');
  const opening = expect(spool.writer.open()).rejects.toMatchObject({ code: 'RELAY_CLOSED' });
  await settle();
  await spool.writer.close();
  await opening;
  spool.operations.length = 0;
  await spool.clock.advanceAsync(60_000);
  expect(spool.operations).toEqual([]);
  expect(spool.clock.pendingTimers).toEqual([]);
});

it('waits for an attempt under way, and closes what it has opened', async () => {
  const spool = new WriterOnDisk({ retry });
  const gate = spool.disk.hold('list');
  const opening = spool.writer.open();
  await gate.reached();
  const closing = spool.writer.close();
  gate.release();
  expect(await opening).toMatchObject({ problems: [] });
  await closing;
  spool.operations.length = 0;
  await spool.clock.advanceAsync(600_000);
  expect(spool.operations).toEqual([]);
});

it('stores what was written before, however long opening takes', async () => {
  const spool = new WriterOnDisk({ retry });
  spool.disk.failNext(({ path }) => path.endsWith('spool.json'), 'EMFILE', { times: 3 });
  const written = spool.writer.write(events(0));
  await settle();
  await spool.whileTimePasses(spool.writer.close());
  expect(await written).toMatchObject({ eventCount: 1 });
  expect(await spool.numbers()).toEqual([0]);
});
