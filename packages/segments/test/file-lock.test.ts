import { ManualClock, SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { acquireFileLock } from '../src/file-lock.ts';
import { whileTimePasses } from './scene.ts';

const PATH = '/d/lock';

function create(disk: SimulatedDisk = new SimulatedDisk()) {
  disk.placeDirectory('/d');
  return { disk, clock: new ManualClock() };
}

describe('acquireFileLock', () => {
  it('creates the file where it is missing, and excludes others until it is closed', async () => {
    const { disk, clock } = create();
    const first = await acquireFileLock(disk, PATH, clock);
    let isSecondIn = false;
    const second = acquireFileLock(disk.process('other'), PATH, clock).then((handle) => {
      isSecondIn = true;
      return handle;
    });
    await clock.advanceAsync(500);
    expect(isSecondIn).toBe(false);
    await first.close();
    await (await whileTimePasses(clock, second)).close();
    expect(disk.files().has(PATH)).toBe(true);
  });

  it('opens the file that a rival created just before', async () => {
    const { disk, clock } = create();
    const rival = disk.process('rival');
    disk.onStep = ({ name, process }) => {
      if (name === 'create' && process === 'main') rival.createFileSync(PATH).closeSync();
    };
    await (await whileTimePasses(clock, acquireFileLock(disk, PATH, clock))).close();
  });

  it('keeps the process alive while it waits', async () => {
    const { disk, clock } = create();
    const first = await acquireFileLock(disk, PATH, clock);
    const second = acquireFileLock(disk.process(), PATH, clock);
    await clock.advanceAsync(0);
    expect(clock.pendingTimers).toMatchObject([{ keepsProcessAlive: true }]);
    await first.close();
    await (await whileTimePasses(clock, second)).close();
  });

  it.for(['open', 'create'] as const)('passes a failed %s on', async (step) => {
    const { disk, clock } = create();
    disk.failNext(step, 'EMFILE');
    await expect(acquireFileLock(disk, PATH, clock)).rejects.toMatchObject({ code: 'EMFILE' });
  });

  it('says where there are no locks, and leaves nothing open', async () => {
    const { disk, clock } = create(new SimulatedDisk({ locks: 'unavailable' }));
    const us = disk.process('us');
    await expect(acquireFileLock(us, PATH, clock)).rejects.toMatchObject({ code: 'RELAY_LOCK_UNAVAILABLE' });
    expect(us.openFileCount).toBe(0);
  });
});
