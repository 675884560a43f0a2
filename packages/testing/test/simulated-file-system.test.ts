// Goal: the simulated disk is a file system as good as any, whatever it can lose.
// Method: the suite that every implementation of the contract runs, on the disk itself and on one of its processes.
import { describe, it } from 'vitest';
import { describeFileSystem, type FileSystemFixture } from '../src/conformance/file-system.ts';
import { SimulatedDisk, type SimulatedDiskOptions } from '../src/simulated-disk/index.ts';

function fixture(options?: SimulatedDiskOptions, hasProcess = false): FileSystemFixture {
  const disk = new SimulatedDisk(options);
  disk.placeDirectory('/tests/folder');
  return {
    fileSystem: hasProcess ? disk.process() : disk,
    directory: '/tests/folder',
    placeSymlink: (path, target) => disk.placeSymlink(path, target),
    placeOther: (path) => disk.placeOther(path),
  };
}

const testApi = { describe, it };
for (const seed of [0, 1, 2])
  describeFileSystem(`SimulatedDisk, seed ${seed}`, { create: () => fixture({ seed }) }, testApi);
describeFileSystem('SimulatedProcess', { create: () => fixture({}, true) }, testApi);
describeFileSystem(
  'SimulatedDisk without locks',
  { create: () => fixture({ locks: 'unavailable' }), locks: 'unavailable' },
  testApi,
);
