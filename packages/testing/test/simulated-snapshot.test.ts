// Goal: a snapshot is a value, an outcome comes back from its seed, and one run of a scenario yields every crash in it.
// Method: compare disks that were made from one another; a scenario with a bug that only a crash shows.
import { describe, expect, it } from 'vitest';
import { type DiskSnapshot, mixSeed, SimulatedDisk, seededRandom } from '../src/simulated-disk/index.ts';

function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function contents(disk: { files(): ReadonlyMap<string, Uint8Array> }): Record<string, string> {
  return Object.fromEntries([...disk.files()].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]));
}

/** Appends lines to a file, each acknowledged once it is durable. */
async function appendLines(
  disk: SimulatedDisk,
  acknowledged: string[],
  skips: 'nothing' | 'sync' | 'syncDirectory',
): Promise<void> {
  disk.createDirectorySync('/spool');
  disk.syncDirectorySync('/');
  const handle = disk.createFileSync('/spool/file');
  if (skips !== 'syncDirectory') await disk.syncDirectory('/spool');
  let positionBytes = 0;
  for (let index = 0; index < 5; index += 1) {
    const line = `line ${index}\n`;
    handle.writeSync(utf8(line), positionBytes);
    positionBytes += line.length;
    if (skips !== 'sync') await handle.syncData();
    acknowledged.push(line);
  }
}

/** How many crash states lost a line that was acknowledged by then, of how many. */
async function countLosses(skips: 'nothing' | 'sync' | 'syncDirectory'): Promise<{ states: number; losses: number }> {
  const disk = new SimulatedDisk();
  const acknowledged: string[] = [];
  const moments: { readonly snapshot: DiskSnapshot; readonly expected: string }[] = [];
  disk.onEveryStep((snapshot) => moments.push({ snapshot, expected: acknowledged.join('') }));
  await appendLines(disk, acknowledged, skips);
  let [states, losses] = [0, 0];
  for (const { snapshot, expected } of moments) {
    for (const crashed of snapshot.crashes()) {
      states += 1;
      if (!(contents(crashed)['/spool/file'] ?? '').startsWith(expected)) losses += 1;
    }
  }
  return { states, losses };
}

describe('every crash of one run', () => {
  it('finds nothing lost where everything is synced', async () => {
    const { states, losses } = await countLosses('nothing');
    expect(losses).toBe(0);
    expect(states).toBeGreaterThan(30);
  });

  it.each(['sync', 'syncDirectory'] as const)('finds losses where %s is left out', async (skips) => {
    expect((await countLosses(skips)).losses).toBeGreaterThan(0);
  });

  it('sees each step as it happens: its changes made, not durable, and not known', async () => {
    const disk = new SimulatedDisk();
    const steps: string[] = [];
    const stop = disk.onEveryStep((snapshot) => {
      steps.push(`${snapshot.step} ${snapshot.operation} ${snapshot.path} ${Object.keys(contents(snapshot))}`);
    });
    disk.createFileSync('/file');
    disk.statSync('/file');
    await disk.rename('/file', '/renamed');
    stop();
    disk.removeSync('/renamed');
    expect(steps).toEqual(['1 create /file /file', '2 rename /file /renamed']);
    expect(disk.stepsTaken).toBe(3);
  });
});

describe('outcomes', () => {
  const scene = (): SimulatedDisk => {
    const disk = new SimulatedDisk();
    disk.placeFile('/file', 'old');
    disk.openFileSync('/file', 'readWrite').writeSync(utf8('new'), 0);
    disk.renameSync('/file', '/renamed');
    disk.createFileSync('/other');
    return disk;
  };

  it('are counted up to a limit, and visited one by one', () => {
    const snapshot = scene().snapshot();
    // 2 renames x 2 creations x (old, new, torn).
    expect(snapshot.crashOutcomeCount()).toBe(12);
    expect(snapshot.crashOutcomeCount(5)).toBe(5);
    const all = [...snapshot.crashes()].map((disk) => JSON.stringify(contents(disk)));
    expect(new Set(all).size).toBe(12);
    expect(all.map((_, outcome) => JSON.stringify(contents(snapshot.crash({ outcome }))))).toEqual(all);
    expect(() => snapshot.crash({ outcome: 12 })).toThrow('outcome must be a whole number < 12, got 12');
  });

  it('are drawn from seeds where they are many', () => {
    const snapshot = scene().snapshot();
    const drawn = [...snapshot.crashes({ maxOutcomes: 11, seeds: 7, firstSeed: 3 })].map(contents);
    expect(drawn).toEqual([3, 4, 5, 6, 7, 8, 9].map((seed) => contents(snapshot.crash({ seed }))));
  });

  it('come back from their seed and differ between seeds next to each other', () => {
    const draw = (): unknown[] => Array.from({ length: 40 }, (_, seed) => contents(scene().snapshot().crash(seed)));
    expect(draw()).toEqual(draw());
    expect(new Set(draw().map((found) => JSON.stringify(found))).size).toBeGreaterThan(8);
  });

  it('of a whole run depend on its seed alone', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const disk = new SimulatedDisk({ seed, losePowerAtStep: 9 });
      const acknowledged: string[] = [];
      await appendLines(disk, acknowledged, 'nothing').catch(() => undefined);
      disk.restart();
      return [acknowledged, contents(disk), await disk.list('/'), disk.describe()];
    };
    for (let seed = 0; seed < 10; seed += 1) expect(await run(seed)).toEqual(await run(seed));
  });
});

describe('a snapshot', () => {
  it('is changed by nothing that happens later, nor are the disks made from it', () => {
    const disk = new SimulatedDisk();
    const handle = disk.createFileSync('/file');
    handle.writeSync(utf8('first'), 0);
    const snapshot = disk.snapshot();
    const clone = snapshot.clone();
    const killed = snapshot.kill(1);
    handle.writeSync(utf8(' disk'), 5);
    const cloned = clone.openFileSync('/file', 'readWrite');
    cloned.writeSync(utf8(' clone'), 5);
    cloned.writeSync(utf8('F'), 0);
    disk.renameSync('/file', '/renamed');
    killed.removeSync('/file');
    expect(contents(disk)).toEqual({ '/renamed': 'first disk' });
    expect(contents(clone)).toEqual({ '/file': 'First clone' });
    expect(contents(killed)).toEqual({});
    expect(contents(snapshot)).toEqual({ '/file': 'first' });
    expect(contents(snapshot.clone())).toEqual({ '/file': 'first' });
    for (let seed = 0; seed < 20; seed += 1)
      expect(Object.keys(contents(snapshot.crash(seed)))).not.toContain('/renamed');
  });

  it('stays as it is when the disks made from it grow, shrink, sync and crash', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seededRandom(seed);
      const disks = [new SimulatedDisk({ seed })];
      disks[0]?.placeFile('/file', 'start');
      const taken: { readonly snapshot: DiskSnapshot; readonly expected: unknown }[] = [];
      for (let step = 0; step < 12; step += 1) {
        const disk = disks[Math.floor(random() * disks.length)] as SimulatedDisk;
        changeAtRandom(disk, random, step);
        const snapshot = disk.snapshot();
        taken.push({ snapshot, expected: contents(snapshot) });
        if (disks.length < 4) disks.push(random() < 0.5 ? snapshot.clone() : snapshot.crash(step));
      }
      for (const { snapshot, expected } of taken) expect(contents(snapshot), `seed ${seed}`).toEqual(expected);
    }
  });

  it('of a write kills with the bytes of the write, whatever became of the memory they came from', () => {
    const disk = new SimulatedDisk({ sectorBytes: 2 });
    const handle = disk.createFileSync('/file');
    const memory = utf8('abcdef');
    const snapshots: DiskSnapshot[] = [];
    disk.onEveryStep((snapshot) => snapshots.push(snapshot));
    handle.writeSync(memory, 0);
    memory.fill(0x78);
    const found = new Set(Array.from({ length: 60 }, (_, seed) => contents(snapshots[0]?.kill(seed) ?? disk)['/file']));
    expect([...found].sort()).toEqual(['', 'ab', 'abcd', 'abcdef']);
  });

  it('kills without what was open', () => {
    const disk = new SimulatedDisk();
    const handle = disk.createFileSync('/file');
    handle.tryLock();
    const killed = disk.snapshot().kill(1);
    expect(killed.openFileSync('/file', 'readWrite').tryLock()).toBe(true);
    expect(disk.clone().openFileSync('/file', 'readWrite').tryLock()).toBe(true);
  });

  it('says how to get there again', () => {
    const disk = new SimulatedDisk({ seed: 5 });
    const snapshots: DiskSnapshot[] = [];
    disk.createFileSync('/file').closeSync();
    disk.onEveryStep((snapshot) => snapshots.push(snapshot));
    disk.renameSync('/file', '/renamed');
    const crashed = snapshots[0]?.crash(7);
    crashed?.createFileSync('/more').closeSync();
    const again = crashed?.snapshot().crash({ outcome: 1 });
    expect(again?.describe()).toBe(
      'SimulatedDisk seed 5, during step 2 (rename /file -> /renamed), then a power cut with seed 7, after step 1, ' +
        'then a power cut with outcome 1, after step 0',
    );
  });
});

describe('seeds', () => {
  it('give numbers that are spread evenly, and others for the next seed', () => {
    const firsts = Array.from({ length: 1000 }, (_, seed) => seededRandom(seed)());
    expect(firsts.every((value) => value >= 0 && value < 1)).toBe(true);
    for (const [from, to] of [
      [0, 0.25],
      [0.25, 0.5],
      [0.5, 0.75],
      [0.75, 1],
    ] as const) {
      const count = firsts.filter((value) => value >= from && value < to).length;
      expect(count).toBeGreaterThan(200);
      expect(count).toBeLessThan(300);
    }
    const random = seededRandom(1);
    expect(new Set(Array.from({ length: 1000 }, random)).size).toBeGreaterThan(990);
  });

  it('are told apart in all of their bits and in their order', () => {
    expect(mixSeed(1, 2)).not.toBe(mixSeed(2, 1));
    expect(mixSeed(1)).not.toBe(mixSeed(1 + 2 ** 32));
    expect(seededRandom(2 ** 40)()).not.toBe(seededRandom(2 ** 41)());
  });
});

function changeAtRandom(disk: SimulatedDisk, random: () => number, step: number): void {
  const path = [...disk.files().keys()][0] ?? '/file';
  if (disk.statSync(path) === undefined) disk.createFileSync(path).closeSync();
  const handle = disk.openFileSync(path, 'readWrite');
  const { sizeBytes } = handle.statSync();
  const kind = Math.floor(random() * 5);
  if (kind === 0) handle.writeSync(utf8(`step ${step} `), sizeBytes);
  else if (kind === 1) handle.writeSync(utf8('*'), Math.floor(random() * (sizeBytes + 1)));
  else if (kind === 2) handle.truncateSync(Math.floor(random() * (sizeBytes + 3)));
  else if (kind === 3) handle.syncDataSync();
  else disk.renameSync(path, `/file-${step}`);
  if (random() < 0.3) disk.syncDirectorySync('/');
  handle.closeSync();
}
