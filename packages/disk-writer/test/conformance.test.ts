// Goal: the writer keeps the contract of EventPersisting in every flush mode, on the real disk and on the simulated one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noRetry } from '@relaykit/retry';
import { nodeFileSystem } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { SimulatedDisk } from '@relaykit/testing';
import { describeEventPersisting } from '@relaykit/testing/conformance';
import type { EventPersisting, FileSystem } from '@relaykit/types';
import { describe, it } from 'vitest';
import { FileDiskWriter, RelayDiskWriter } from '../src/index.ts';
import { eventsOnDisk } from './events-on-disk.ts';

interface Setup {
  readonly directory: string;
  readonly fileSystem: FileSystem;
}
const setups = new Map<unknown, Setup>();

for (const flushMode of ['append', 'atomic'] as const) {
  describeEventPersisting(
    `FileDiskWriter, ${flushMode}, on the real disk`,
    {
      create: () => {
        const directory = mkdtempSync(join(tmpdir(), 'relaykit-'));
        const writer = new FileDiskWriter({ directory, flushMode });
        setups.set(writer, { directory, fileSystem: nodeFileSystem() });
        return writer;
      },
      readBack,
      dispose: (writer) => rmSync(setups.get(writer)?.directory ?? '', { recursive: true, force: true }),
    },
    { describe, it },
  );

  describeEventPersisting(
    `FileDiskWriter, ${flushMode}, on the simulated disk`,
    {
      create: () => {
        const fileSystem = new SimulatedDisk();
        const writer = new FileDiskWriter({ directory: '/spool', fileSystem, flushMode, retry: noRetry });
        setups.set(writer, { directory: '/spool', fileSystem });
        return writer;
      },
      readBack,
      failNextStore: (writer) => {
        const disk = setups.get(writer)?.fileSystem;
        if (disk instanceof SimulatedDisk) disk.failNext('write', 'EIO');
      },
    },
    { describe, it },
  );
}

describeEventPersisting(
  'RelayDiskWriter, the class itself',
  {
    create: async () => {
      const fileSystem = new SimulatedDisk();
      const silent = { debug() {}, info() {}, warn() {}, error() {} };
      await RelayDiskWriter.configure({ directory: '/spool', fileSystem, logger: silent });
      setups.set(RelayDiskWriter, { directory: '/spool', fileSystem });
      return RelayDiskWriter;
    },
    readBack,
  },
  {
    describe,
    // There is one class, shared by all: nobody else opens batches, and no user of it can close it for the others.
    it: (name, run) =>
      /did not open|closing has begun|however often it is asked/u.test(name) ? undefined : it(name, run),
  },
);

async function readBack(writer: EventPersisting<unknown>): Promise<readonly unknown[]> {
  const { directory, fileSystem } = setups.get(writer) ?? { directory: '', fileSystem: nodeFileSystem() };
  return eventsOnDisk(fileSystem, directory, new JSONEventSerializer());
}
