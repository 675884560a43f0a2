// Goal: what is kept for a time goes when its time is over, and nothing else does.
import { ManualClock } from '@relaykit/testing';
import { expect, it } from 'vitest';
import { ARCHIVE_SWEEP_INTERVAL_MS, FileSegmentStore, nodeFileSystem, Spool } from '../src/index.ts';
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
