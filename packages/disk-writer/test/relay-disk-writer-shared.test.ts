// Goal: the static writer is shared, so nothing that one of its users does takes it away from the others.
import { SimulatedDisk } from '@relaykit/testing';
import type { Logger } from '@relaykit/types';
import { beforeEach, expect, it } from 'vitest';
import { RelayDiskWriter } from '../src/index.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
let disk: SimulatedDisk;

beforeEach(async () => {
  disk = new SimulatedDisk();
  await RelayDiskWriter.configure({ directory: '/spool', fileSystem: disk, logger: silent });
});

function textIn(directory: string): string {
  const files = [...disk.files()].filter(([path]) => path.startsWith(`${directory}/2`) && path.endsWith('.ndjson'));
  return files.map(([, bytes]) => new TextDecoder().decode(bytes)).join('');
}

it('goes on after one of its users has closed it', async () => {
  const batch = RelayDiskWriter.openBatch();
  batch.add({ n: 1 });
  await RelayDiskWriter.write([{ n: 0 }]);
  await RelayDiskWriter.close();
  await RelayDiskWriter.commit(batch);
  await RelayDiskWriter.write([{ n: 2 }]);
  await RelayDiskWriter.close();
  expect(textIn('/spool')).toBe('{"n":0}\n{"n":1}\n{"n":2}\n');
});

it('stores what was in a batch where it was going when another directory is set', async () => {
  const batch = RelayDiskWriter.openBatch();
  batch.add({ n: 1 });
  const atExit = RelayDiskWriter.openBatch();
  atExit.add({ n: 2 });
  await RelayDiskWriter.configure({ directory: '/other', fileSystem: disk, logger: silent });
  await RelayDiskWriter.commit(batch);
  expect(RelayDiskWriter.writeSync(atExit)).toMatchObject({ eventCount: 1 });
  await RelayDiskWriter.write([{ n: 3 }]);
  await RelayDiskWriter.close();
  expect(textIn('/other')).toBe('{"n":3}\n');
  const open = [...disk.files()].find(([path]) => path.startsWith('/spool/2') && path.endsWith('.open'));
  expect(new TextDecoder().decode(open?.[1])).toBe('{"n":1}\n{"n":2}\n');
});

it('closes quietly where nothing was written', async () => {
  await RelayDiskWriter.close();
  expect([...disk.files().keys()]).toEqual([]);
});
