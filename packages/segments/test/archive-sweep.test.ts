// Goal: what is kept for a time goes when its time is over, and nothing else does.
import { symlinkSync } from 'node:fs';
import { ManualClock } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { ARCHIVE_SWEEP_INTERVAL_MS, accountForSpool, FileSegmentStore, nodeFileSystem, Spool } from '../src/index.ts';
import { sealSegment, serializer } from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const HOUR_MS = 3_600_000;

it('an archive forgets what it has kept for long enough', async () => {
  const parent = temporaryDirectory();
  const archiveDirectory = `${parent}/archive`;
  // The files of the archive bear the time of the real clock.
  const clock = new ManualClock({ epochMs: Date.now() });
  const fileSystem = nodeFileSystem();
  const spool = Spool.openSync({ directory: `${parent}/spool`, fileSystem, clock });
  const store = new FileSegmentStore(spool, [serializer]);
  const keep = { archiveDirectory, keepForMs: HOUR_MS };
  await store.sweepArchive(keep);
  const { id } = await sealSegment(spool);
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(attempt.status);
  await attempt.lease.settle({ status: 'delivered' }, { afterDelivery: keep });
  fileSystem.createFileSync(`${archiveDirectory}/notes.txt`).closeSync();
  const names = async (): Promise<readonly string[]> => [...(await fileSystem.list(archiveDirectory))].sort();
  const all = [`${id}.meta.json`, `${id}.ndjson`, 'notes.txt'];

  clock.advance(HOUR_MS / 2);
  await store.sweepArchive(keep);
  expect(await names()).toEqual(all);
  clock.advance(HOUR_MS);
  await store.sweepArchive({ archiveDirectory });
  await store.sweepArchive('delete');
  expect(await names()).toEqual(all);
  await store.sweepArchive(keep);
  expect(await names()).toEqual(['notes.txt']);
});

it('an archive is looked through no more often than once a minute, and harms no delivery where it cannot be', async () => {
  const parent = temporaryDirectory();
  const clock = new ManualClock({ epochMs: Date.now() });
  const warnings: string[] = [];
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, error: silent, warn: (text: string) => void warnings.push(text) };
  const spool = Spool.openSync({ directory: `${parent}/spool`, clock, logger });
  const store = new FileSegmentStore(spool, [serializer]);
  const noDirectory = { archiveDirectory: `${parent}/spool/spool.json`, keepForMs: 0 };
  await store.sweepArchive(noDirectory);
  await store.sweepArchive(noDirectory);
  expect(warnings).toEqual(['the archive could not be swept; that is tried again']);
  clock.advance(ARCHIVE_SWEEP_INTERVAL_MS);
  await store.sweepArchive(noDirectory);
  expect(warnings).toHaveLength(2);
});

/** A spool with one segment that waits and one in quarantine, long after both were written. */
async function spoolOfOldSegments(directory: string): Promise<FileSegmentStore> {
  const spool = Spool.openSync({ directory, clock: new ManualClock({ epochMs: Date.now() + 2 * HOUR_MS }) });
  const store = new FileSegmentStore(spool, [serializer]);
  const { id } = await sealSegment(spool, { first: 0, events: 2 });
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(attempt.status);
  await attempt.lease.settle({ status: 'quarantined', reason: 'rejected' });
  await sealSegment(spool, { first: 2, events: 3 });
  return store;
}

describe.each<[string, (parent: string) => string]>([
  ['the spool', (parent) => `${parent}/spool`],
  ['the spool, by a link to it', (parent) => `${parent}/link`],
  ['the spool, by a link above it', (parent) => `${parent}/above/spool`],
  ['its quarantine', (parent) => `${parent}/spool/quarantine/`],
  ['its quarantine, by a link above it', (parent) => `${parent}/link/quarantine`],
  ['its quarantine, by a link to it', (parent) => `${parent}/linkToQuarantine`],
  ['another spool', (parent) => `${parent}/other`],
  ['the quarantine of another spool', (parent) => `${parent}/other/quarantine`],
])('%s is no archive', (_, archiveOf) => {
  it('what was never delivered is not swept, and nothing is archived there', async () => {
    const parent = temporaryDirectory();
    const [store, other] = [await spoolOfOldSegments(`${parent}/spool`), await spoolOfOldSegments(`${parent}/other`)];
    symlinkSync(`${parent}/spool`, `${parent}/link`);
    symlinkSync(parent, `${parent}/above`);
    symlinkSync(`${parent}/spool/quarantine`, `${parent}/linkToQuarantine`);
    const afterDelivery = { archiveDirectory: archiveOf(parent), keepForMs: HOUR_MS };
    await store.sweepArchive(afterDelivery);

    for await (const { id } of store.list()) {
      const attempt = await store.lease(id);
      if (attempt.status !== 'leased') throw new Error(attempt.status);
      await expect(attempt.lease.settle({ status: 'delivered' }, { afterDelivery })).rejects.toThrow(
        /must not be a spool|pass the directory it points to/,
      );
      await attempt.lease.release();
    }
    for (const { spool, quarantine } of [store, other]) {
      expect(await accountForSpool(spool)).toMatchObject({ pending: 3, quarantined: 2, lost: 0 });
      expect(await quarantine.list()).toMatchObject([{ isWhole: true }]);
    }
  });
});

it('spools that share an archive sweep each its own', async () => {
  const parent = temporaryDirectory();
  const archiveDirectory = `${parent}/archive`;
  const [long, short] = [await spoolOfOldSegments(`${parent}/a`), await spoolOfOldSegments(`${parent}/b`)];
  for await (const { id } of long.list()) {
    const attempt = await long.lease(id);
    if (attempt.status !== 'leased') throw new Error(attempt.status);
    await attempt.lease.settle({ status: 'delivered' }, { afterDelivery: { archiveDirectory } });
  }
  const archived = await nodeFileSystem().list(archiveDirectory);
  await short.sweepArchive({ archiveDirectory, keepForMs: HOUR_MS });
  expect(await nodeFileSystem().list(archiveDirectory)).toEqual(archived);
  await long.sweepArchive({ archiveDirectory, keepForMs: HOUR_MS });
  expect(await nodeFileSystem().list(archiveDirectory)).toEqual([]);
});

it('a check finds an archive that cannot be written, and leaves nothing in one that can', async () => {
  const parent = temporaryDirectory();
  const fileSystem = nodeFileSystem();
  const store = new FileSegmentStore(Spool.openSync({ directory: `${parent}/spool`, fileSystem }), [serializer]);
  fileSystem.createFileSync(`${parent}/file`).closeSync();
  const check = (archiveDirectory: string): Promise<void> => store.checkArchive({ archiveDirectory });
  await expect(check(`${parent}/file`)).rejects.toMatchObject({ facts: { rule: 'notADirectory' } });
  await expect(check(`${parent}/file/archive`)).rejects.toMatchObject({ code: 'RELAY_STORAGE_FAILED' });
  await expect(check(`${parent}/spool`)).rejects.toThrow('archiveDirectory must not be a spool');

  await check(`${parent}/a/b`);
  await Promise.all([check(`${parent}/a/b`), check(`${parent}/a/b`)]);
  await store.checkArchive('delete');
  expect(await fileSystem.list(`${parent}/a/b`)).toEqual([]);
});

it('metadata that a crash left without its segment goes, unless the segment is on its way', async () => {
  const parent = temporaryDirectory();
  const archiveDirectory = `${parent}/archive`;
  const fileSystem = nodeFileSystem();
  const store = await spoolOfOldSegments(`${parent}/spool`);
  const { id } = await sealSegment(store.spool, { first: 5 });
  const attempt = await store.lease(id);
  if (attempt.status !== 'leased') throw new Error(attempt.status);
  await attempt.lease.settle({ status: 'delivered' }, { afterDelivery: { archiveDirectory } });
  const keep = { archiveDirectory, keepForMs: HOUR_MS };

  // A copy is on its way under its temporary name, its metadata there already.
  fileSystem.renameSync(`${archiveDirectory}/${id}.ndjson`, `${archiveDirectory}/${id}.ndjson.tmp`);
  await store.sweepArchive(keep);
  expect((await fileSystem.list(archiveDirectory)).length).toBe(2);

  fileSystem.removeSync(`${archiveDirectory}/${id}.ndjson.tmp`);
  await new FileSegmentStore(store.spool, [serializer]).sweepArchive(keep);
  expect(await fileSystem.list(archiveDirectory)).toEqual([]);
});
