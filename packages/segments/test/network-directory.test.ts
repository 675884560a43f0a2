// Goal: a spool on a network file system, where locks and syncs may not hold, is refused unless somebody insists.
import { SimulatedDisk } from '@relaykit/testing';
import type { FileSystem } from '@relaykit/types';
import { expect, it } from 'vitest';
import { nodeFileSystem, Spool } from '../src/index.ts';
import { temporaryDirectory } from './temporary-directory.ts';

function onNetwork(): FileSystem {
  return Object.assign(new SimulatedDisk(), { isNetworkDirectorySync: () => true });
}

it('refuses a network file system, naming rule and way out', () => {
  expect(() => Spool.openSync({ directory: '/spool', fileSystem: onNetwork() })).toThrow(
    'Cannot use /spool (networkFileSystem): use a local disk, or accept it with allowUnsafeDirectory: true.',
  );
});

it('accepts it when told to', () => {
  const fileSystem = onNetwork();
  expect(Spool.openSync({ directory: '/spool', fileSystem, allowUnsafeDirectory: true }).spoolId).toHaveLength(32);
});

it('knows a local directory of the real file system', () => {
  expect(nodeFileSystem().isNetworkDirectorySync?.(temporaryDirectory())).toBe(false);
});
