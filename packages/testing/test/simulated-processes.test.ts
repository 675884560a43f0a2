// Goal: processes share a disk as real ones do: locks, kills, and operations that overlap in any way a test arranges.
// Method: scenes of two processes; chance is followed over seeds.
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../src/manual-clock.ts';
import { SimulatedDisk, SimulatedProcessKilled } from '../src/simulated-disk/index.ts';

function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(disk: SimulatedDisk, path: string): string | undefined {
  const bytes = disk.files().get(path);
  return bytes && new TextDecoder().decode(bytes);
}

function diskWith(path: string, content: string, seed = 0): SimulatedDisk {
  const disk = new SimulatedDisk({ seed });
  disk.placeFile(path, content);
  return disk;
}

describe('a lock', () => {
  it('holds against other processes until its process is killed', () => {
    const disk = diskWith('/file', '');
    const [writer, rival] = [disk.process('writer'), disk.process('rival')];
    expect(writer.openFileSync('/file', 'readWrite').tryLock()).toBe(true);
    const handle = rival.openFileSync('/file', 'readWrite');
    expect(handle.tryLock()).toBe(false);
    writer.kill();
    expect(handle.tryLock()).toBe(true);
  });

  it('is not had through a handle that only reads', () => {
    const disk = diskWith('/file', '');
    expect(() => disk.openFileSync('/file', 'read').tryLock()).toThrow('EBADF');
  });

  it('is gone after a power cut', () => {
    const disk = diskWith('/file', '');
    disk.openFileSync('/file', 'readWrite').tryLock();
    disk.losePower();
    disk.restart();
    expect(disk.openFileSync('/file', 'readWrite').tryLock()).toBe(true);
  });
});

describe('a kill', () => {
  it('leaves what was written and ends the process, not its neighbour', async () => {
    const disk = new SimulatedDisk();
    const [writer, rival] = [disk.process('writer'), disk.process('rival')];
    const handle = writer.createFileSync('/file');
    handle.writeSync(utf8('data'), 0);
    const other = rival.openFileSync('/file', 'read');
    writer.kill();
    expect(writer.isAlive).toBe(false);
    expect(() => handle.writeSync(utf8('x'), 0)).toThrow(SimulatedProcessKilled);
    expect(() => writer.statSync('/file')).toThrow('Process writer was killed');
    await expect(handle.syncData()).rejects.toThrow(SimulatedProcessKilled);
    await handle.close();
    expect(new TextDecoder().decode(other.readSync(0, 9))).toBe('data');
    expect(text(disk, '/file')).toBe('data');
  });

  it('rejects what is under way, which then has happened or not', async () => {
    const names = new Set<string>();
    for (let seed = 0; seed < 30; seed += 1) {
      const disk = diskWith('/file', 'data', seed);
      const process = disk.process();
      const renaming = process.rename('/file', '/renamed');
      process.kill();
      await expect(renaming).rejects.toThrow(SimulatedProcessKilled);
      names.add([...disk.files().keys()].join());
    }
    expect(names).toEqual(new Set(['/file', '/renamed']));
  });

  it('at a step leaves the step done, not done or, of a write, begun', () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = new SimulatedDisk({ seed, killAtStep: 1, sectorBytes: 4 });
      disk.placeFile('/file', '');
      const handle = disk.openFileSync('/file', 'readWrite');
      expect(() => handle.writeSync(utf8('0123456789'), 0)).toThrow(SimulatedProcessKilled);
      expect(() => disk.statSync('/file')).toThrow('killed during step 1, write /file at 0 (10 bytes)');
      disk.restart();
      found.add(text(disk, '/file') ?? 'missing');
    }
    expect([...found].sort()).toEqual(['', '0123', '01234567', '0123456789']);
  });

  it('at a step gives nothing to the process and no room away', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const disk = new SimulatedDisk({ seed, killAtStep: 1 });
      expect(() => disk.createFileSync('/file')).toThrow(SimulatedProcessKilled);
      disk.restart();
      disk.killAtStep = undefined;
      if (disk.statSync('/file') === undefined) disk.createFileSync('/file').closeSync();
      expect(disk.openFileSync('/file', 'readWrite').tryLock()).toBe(true);
    }
  });

  it('may be followed by a power cut, which loses what was not synced', () => {
    const disk = diskWith('/file', '');
    disk.openFileSync('/file', 'readWrite').writeSync(utf8('data'), 0);
    disk.kill();
    disk.restart();
    expect(text(disk, '/file')).toBe('data');
    const seen = new Set(Array.from({ length: 40 }, (_, seed) => text(disk.snapshot().crash(seed), '/file')));
    expect(seen).toContain('');
    expect(seen).toContain('data');
  });

  it('of a file without a name frees its room once', () => {
    const disk = diskWith('/file', 'x'.repeat(100));
    const process = disk.process();
    process.openFileSync('/file', 'read');
    disk.removeSync('/file');
    expect(disk.usedBytes).toBe(100);
    process.kill();
    expect(disk.usedBytes).toBe(0);
  });
});

describe('asynchronous operations', () => {
  it('happen later, so that others come in between', async () => {
    const disk = diskWith('/file', 'data');
    const renaming = disk.rename('/file', '/renamed');
    expect([...disk.files().keys()]).toEqual(['/file']);
    await renaming;
    expect([...disk.files().keys()]).toEqual(['/renamed']);
  });

  it('overtake each other, by the seed and the same each time', async () => {
    const order = async (seed: number): Promise<string> => {
      const disk = new SimulatedDisk({ seed });
      const done: number[] = [];
      disk.placeDirectory('/folder');
      await Promise.all(
        Array.from({ length: 6 }, async (_, index) => {
          await disk.syncDirectory('/folder');
          done.push(index);
        }),
      );
      return done.join('');
    };
    const orders = await Promise.all(Array.from({ length: 20 }, (_, seed) => order(seed)));
    expect(new Set(orders).size).toBeGreaterThan(5);
    expect(await Promise.all(Array.from({ length: 20 }, (_, seed) => order(seed)))).toEqual(orders);
  });

  it('wait at a gate before they happen', async () => {
    const disk = diskWith('/file', 'data');
    const gate = disk.hold('rename');
    const renaming = disk.rename('/file', '/renamed');
    await gate.reached();
    expect([gate.waitingCount, disk.statSync('/renamed')]).toEqual([1, undefined]);
    gate.release();
    await renaming;
    expect(disk.statSync('/renamed')?.kind).toBe('file');
    await disk.rename('/renamed', '/again');
  });

  it('wait at a gate after they happened, before their caller knows', async () => {
    const disk = diskWith('/file', 'data');
    const gate = disk.hold(({ to }) => to === '/renamed', { when: 'after' });
    let isKnown = false;
    const renaming = disk.rename('/file', '/renamed').then(() => {
      isKnown = true;
    });
    await gate.reached();
    expect([isKnown, disk.statSync('/renamed')?.kind]).toEqual([false, 'file']);
    gate.release();
    await renaming;
  });

  it('pass a gate one by one', async () => {
    const disk = diskWith('/file', 'data');
    const gate = disk.hold('list');
    const listings = [disk.list('/'), disk.list('/')];
    await gate.reached();
    await Promise.resolve().then(() => Promise.resolve());
    gate.releaseOne();
    await Promise.race(listings);
    gate.release();
    await Promise.all(listings);
  });

  it('do not hang at a gate when their process is killed', async () => {
    const disk = diskWith('/file', 'data');
    for (const when of ['before', 'after'] as const) {
      const process = disk.process();
      const gate = disk.hold(({ process: name }) => name === process.name, { when });
      const listing = process.list('/');
      await gate.reached();
      process.kill();
      await expect(listing).rejects.toThrow(SimulatedProcessKilled);
      gate.release();
    }
  });

  it('happen once, also when killed between happening and knowing', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const disk = diskWith('/file', 'data', seed);
      const process = disk.process();
      const gate = disk.hold('rename', { when: 'after' });
      const renaming = process.rename('/file', '/renamed');
      await gate.reached();
      disk.createFileSync('/file').closeSync();
      process.kill();
      await expect(renaming).rejects.toThrow(SimulatedProcessKilled);
      expect([...disk.files().keys()]).toEqual(['/file', '/renamed']);
    }
  });

  it('take their time on a clock', async () => {
    const clock = new ManualClock();
    const disk = new SimulatedDisk({ clock, latencyMs: 50 });
    let isDone = false;
    const syncing = disk.syncDirectory('/').then(() => {
      isDone = true;
    });
    await clock.advance(49);
    expect(isDone).toBe(false);
    await clock.advance(1);
    await syncing;
    disk.createFileSync('/file');
    expect(disk.statSync('/file')?.modifiedAtMs).toBe(clock.now());
    expect(() => new SimulatedDisk({ latencyMs: 1 })).toThrow('latencyMs needs a clock');
  });

  it('reject arguments that are wrong, rather than throw', async () => {
    const handle = new SimulatedDisk().createFileSync('/file');
    await expect(handle.truncate(-1)).rejects.toThrow('sizeBytes must be a whole number >= 0, got -1');
    await expect(handle.read(0, 1.5)).rejects.toThrow('lengthBytes must be a whole number >= 0, got 1.5');
    expect(() => handle.writeSync(utf8('x'), Number.NaN)).toThrow('positionBytes must be a whole number >= 0, got NaN');
  });

  it('of a handle that is closed meanwhile fail', async () => {
    const handle = diskWith('/file', 'data').openFileSync('/file', 'readWrite');
    const reading = handle.read(0, 4);
    handle.closeSync();
    await expect(reading).rejects.toThrow('EBADF');
  });
});

describe('the hook before every operation', () => {
  it('lets another party act between two calls', () => {
    const disk = diskWith('/file', 'old');
    const [rival, owner] = [disk.process('rival'), disk.process('owner')];
    const seen: string[] = [];
    disk.onStep = ({ name, process }) => {
      seen.push(`${process} ${name}`);
      // Between the rival's open and its lock.
      if (process === 'rival' && name === 'lock') owner.removeSync('/file');
    };
    const handle = rival.openFileSync('/file', 'readWrite');
    expect(handle.tryLock()).toBe(true);
    expect(handle.statSync().linkCount).toBe(0);
    expect(seen).toEqual(['rival open', 'rival lock', 'owner remove', 'rival stat']);
  });

  it('may take its time before asynchronous operations, and not before others', async () => {
    const disk = diskWith('/file', 'data');
    let letGo = (): void => undefined;
    disk.onStep = () => new Promise<void>((resolve) => (letGo = resolve));
    const listing = disk.list('/');
    await new Promise((resolve) => setTimeout(resolve, 0));
    letGo();
    expect(await listing).toEqual(['file']);
    expect(() => disk.statSync('/file')).toThrow('onStep must return nothing for stat /file, got a promise');
  });

  it('may kill the process that calls', async () => {
    const disk = diskWith('/file', 'data');
    const process = disk.process();
    disk.onStep = () => process.kill();
    expect(() => process.removeSync('/file')).toThrow(SimulatedProcessKilled);
    expect(text(disk, '/file')).toBe('data');
  });

  it('is not called for a process that has ended', async () => {
    const disk = diskWith('/file', 'data');
    const process = disk.process();
    const listing = process.list('/');
    let calls = 0;
    disk.onStep = () => {
      calls += 1;
    };
    process.kill();
    await expect(listing).rejects.toThrow(SimulatedProcessKilled);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(calls).toBe(0);
  });

  it('hands its own failure to the caller', async () => {
    const disk = diskWith('/file', 'data');
    disk.onStep = () => {
      throw new Error('the hook failed');
    };
    expect(() => disk.statSync('/file')).toThrow('the hook failed');
    await expect(disk.stat('/file')).rejects.toThrow('the hook failed');
  });
});

it('starts a process anew while others go on', () => {
  const disk = new SimulatedDisk();
  const other = disk.process();
  const handle = disk.createFileSync('/file');
  const kept = other.openFileSync('/file', 'readWrite');
  disk.restart();
  expect(() => handle.statSync()).toThrow(SimulatedProcessKilled);
  expect(kept.tryLock()).toBe(true);
  disk.losePower();
  expect(() => disk.process()).toThrow('call restart() first');
});
