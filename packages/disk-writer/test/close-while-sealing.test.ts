// Goal: a lock is held until the work under it has ended, and a fault that may pass is tried again wherever it strikes.
// Method: two segments whose syncs fail, one of them held in the middle of its move, and a close that cannot wait for both.
import { exponentialBackoff, noRetry } from '@relaykit/retry';
import { rotateByEvents } from '@relaykit/rotation';
import { openSegmentStore } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { SimulatedDisk, settle } from '@relaykit/testing';
import type { SegmentMetadata } from '@relaykit/types';
import { expect, it, vi } from 'vitest';
import { FileDiskWriter } from '../src/index.ts';
import { eventsOnDisk } from './events-on-disk.ts';

it('lets no lock go while a seal is under way', async () => {
  const disk = new SimulatedDisk();
  const writer = new FileDiskWriter({
    directory: '/spool',
    fileSystem: disk,
    rotation: rotateByEvents(1),
    retry: noRetry,
  });
  await writer.write([{ n: 0 }]);
  const isSalvage = (path: string): boolean => path.endsWith('.salvage');
  disk.failNext(({ name, path }) => name === 'sync' && path.endsWith('.open'), 'EIO', { times: 2, landed: 'all' });
  const gate = disk.hold(({ name, path }) => name === 'sync' && isSalvage(path));
  await writer.write([{ n: 1 }]);
  await gate.reached();
  disk.failNext(({ name, path }) => name === 'create' && isSalvage(path), 'EACCES', { times: 10 });
  let isClosed = false;
  const closing = writer.close().then(
    () => undefined,
    () => undefined,
  );
  void closing.then(() => {
    isClosed = true;
  });
  await settle(200);
  expect(isClosed).toBe(false);
  disk.clearFaults();
  gate.release();
  await closing;
  const other = await openSegmentStore({
    directory: '/spool',
    fileSystem: disk.process(),
    serializers: [new JSONEventSerializer()],
  });
  await other.recover();
  await settle(200);
  expect(await eventsOnDisk(disk, '/spool', new JSONEventSerializer())).toEqual([{ n: 0 }, { n: 1 }]);
});

it.for([
  ['createDirectory', 'ENOSPC'],
  ['create', 'EMFILE'],
  ['list', 'EMFILE'],
  ['write', 'ENOSPC'],
] as const)('tries opening again after %s failed with %s', async ([operation, code]) => {
  const disk = new SimulatedDisk();
  const retry = exponentialBackoff({ maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 2 });
  const writer = new FileDiskWriter({ directory: '/spool', fileSystem: disk, retry });
  disk.failNext(operation, code);
  expect(await writer.write([{ n: 0 }])).toMatchObject({ eventCount: 1 });
  await writer.close();
});

it('says how often it tried to open', async () => {
  const disk = new SimulatedDisk();
  const retry = exponentialBackoff({ maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 2 });
  const writer = new FileDiskWriter({ directory: '/spool', fileSystem: disk, retry });
  disk.failNext('list', 'EMFILE', { times: 9 });
  await expect(writer.open()).rejects.toMatchObject({
    code: 'RELAY_STORAGE_FAILED',
    facts: { operation: 'list', path: '/spool', attempts: 3, systemCode: 'EMFILE' },
    cause: { code: 'EMFILE' },
  });
});

it.for(['shouldRotate', 'nextCheckMs'] as const)('goes on where %s of the rotation policy throws', async (question) => {
  const disk = new SimulatedDisk();
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const fail = (): never => {
    throw new Error('not today');
  };
  const rotation = { shouldRotate: () => undefined, nextCheckMs: () => 1, [question]: fail };
  const sealed: SegmentMetadata[] = [];
  const onSegmentSealed = (metadata: SegmentMetadata): void => void sealed.push(metadata);
  const writer = new FileDiskWriter({ directory: '/spool', fileSystem: disk, rotation, logger, onSegmentSealed });
  await writer.write([{ n: 0 }]);
  expect(writer.writeSync?.([{ n: 1 }])).toMatchObject({ eventCount: 1 });
  await writer.write([{ n: 2 }]);
  await writer.close();
  expect(sealed).toMatchObject([{ eventCount: 3 }]);
  expect(logger.error).toHaveBeenCalledWith('the rotation policy failed; the segment is not ended by it', {
    question,
    error: 'not today',
  });
});
