// Goal: a power cut leaves what a disk may leave, all kinds of it, and never loses what was synced.
// Method: small scenes, each looked at in every outcome or under many seeds; each kind of loss has to occur.
import { describe, expect, it } from 'vitest';
import { type DiskSnapshot, SimulatedDisk, SimulatedPowerLoss, seededRandom } from '../src/simulated-disk/index.ts';

const SEEDS = 400;

/** 2,000 bytes, so four sectors, none of them zero. */
const large = Uint8Array.from({ length: 2000 }, (_, index) => 1 + (index % 200));

function text(disk: SimulatedDisk, path: string): string | undefined {
  const bytes = disk.files().get(path);
  return bytes && new TextDecoder().decode(bytes);
}

function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** What the seeds lead to, by what `look` makes of the disk. */
function looks(snapshot: DiskSnapshot, look: (disk: SimulatedDisk) => string | undefined): Set<string> {
  const seen = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) seen.add(look(snapshot.crash(seed)) ?? 'missing');
  return seen;
}

function names(disk: SimulatedDisk): string {
  return [...disk.files()].map(([path, bytes]) => `${path}=${new TextDecoder().decode(bytes)}`).join(' ');
}

/** A disk with one synced file of a synced name. */
function diskWith(path: string, content: string | Uint8Array): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.placeFile(path, content);
  return disk;
}

function create(disk: SimulatedDisk, path: string, content: string): void {
  const handle = disk.createFileSync(path);
  handle.writeSync(utf8(content), 0);
  handle.syncDataSync();
  handle.closeSync();
}

describe('data', () => {
  it('keeps what a sync covered, whatever is appended', () => {
    const disk = new SimulatedDisk();
    const handle = disk.createFileSync('/file');
    handle.writeSync(utf8('synced '), 0);
    handle.syncDataSync();
    disk.syncDirectorySync('/');
    handle.writeSync(large, 7);
    for (const crashed of disk.snapshot().crashes()) {
      expect(text(crashed, '/file')?.slice(0, 7), crashed.describe()).toBe('synced ');
    }
  });

  it('leaves unsynced data whole, not at all, as zeros, torn inside a sector, and with a hole', () => {
    const disk = diskWith('/file', '');
    disk.openFileSync('/file', 'readWrite').writeSync(large, 0);
    const kinds = looks(disk.snapshot(), (crashed) => {
      const bytes = crashed.files().get('/file') ?? new Uint8Array();
      if (bytes.byteLength === 0) return 'lost';
      const firstZero = bytes.indexOf(0);
      expect(bytes.findIndex((byte, index) => byte !== 0 && byte !== large[index])).toBe(-1);
      if (firstZero < 0) return bytes.byteLength === large.byteLength ? 'whole' : 'prefix of sectors';
      if (bytes.every((byte) => byte === 0)) return 'zeroed';
      if (bytes.subarray(firstZero).some((byte) => byte !== 0)) return 'hole';
      return firstZero % 512 === 0 ? 'zero tail' : 'torn';
    });
    expect([...kinds].sort()).toEqual(['hole', 'lost', 'prefix of sectors', 'torn', 'whole', 'zero tail', 'zeroed']);
  });

  it('mixes old and new bytes of an unsynced overwrite, and invents none', () => {
    const disk = diskWith('/file', 'a'.repeat(1024));
    disk.openFileSync('/file', 'readWrite').writeSync(utf8('b'.repeat(1024)), 0);
    const seen = looks(disk.snapshot(), (crashed) => {
      const found = text(crashed, '/file') ?? '';
      expect(found).toMatch(/^[ab]{1024}$/u);
      if (!found.includes('b')) return 'old';
      if (!found.includes('a')) return 'new';
      return /^a+b+$/u.test(found) ? 'later sector first' : 'mixed';
    });
    expect([...seen].sort()).toEqual(['later sector first', 'mixed', 'new', 'old']);
  });

  it('keeps the order of unsynced writes to one sector', () => {
    const disk = diskWith('/file', 'aaaa');
    const handle = disk.openFileSync('/file', 'readWrite');
    handle.writeSync(utf8('bbbb'), 0);
    handle.writeSync(utf8('cccc'), 0);
    const seen = looks(disk.snapshot(), (crashed) => text(crashed, '/file'));
    expect(seen).toContain('aaaa');
    expect(seen).toContain('bbbb');
    expect(seen).toContain('cccc');
    expect(seen).toContain('ccbb');
    // Torn `c` over `a` would mean that the first write never happened.
    for (const found of seen) expect(found).not.toMatch(/^c+a/u);
  });

  it('cuts or does not cut an unsynced truncate, in size and in data, and keeps what lies before', () => {
    const disk = diskWith('/file', 'x'.repeat(600));
    disk.openFileSync('/file', 'readWrite').truncateSync(100);
    const seen = looks(disk.snapshot(), (crashed) => {
      const found = text(crashed, '/file') ?? '';
      expect(found).toMatch(/^x{100}[x\0]*$/u);
      return `${found.length}${found.includes('\0') ? ' with zeros' : ''}`;
    });
    expect([...seen].sort()).toEqual(['100', '600', '600 with zeros']);
  });

  it('leaves zeros, not what was cut off, before a write past a truncate', () => {
    const disk = diskWith('/file', 'xxxxxxxx');
    const handle = disk.openFileSync('/file', 'readWrite');
    handle.truncateSync(0);
    handle.writeSync(utf8('bb'), 4);
    const seen = looks(disk.snapshot(), (crashed) => text(crashed, '/file'));
    for (const found of seen) if (found.includes('b')) expect(found).toMatch(/^\0{4}b/u);
    expect(seen).toContain('\0\0\0\0bb');
    expect(seen).toContain('');
  });

  it('never takes a synced truncate back', () => {
    const disk = diskWith('/file', 'x'.repeat(600));
    const handle = disk.openFileSync('/file', 'readWrite');
    handle.truncateSync(100);
    handle.syncDataSync();
    expect(looks(disk.snapshot(), (crashed) => text(crashed, '/file'))).toEqual(new Set(['x'.repeat(100)]));
  });

  it('covers by a sync what was written before the call, and nothing later', async () => {
    const disk = diskWith('/file', '');
    const handle = disk.openFileSync('/file', 'readWrite');
    handle.writeSync(utf8('before'), 0);
    const syncing = handle.syncData();
    handle.writeSync(utf8(' after'), 6);
    await syncing;
    const seen = looks(disk.snapshot(), (crashed) => text(crashed, '/file'));
    for (const found of seen) expect(found.slice(0, 6)).toBe('before');
    expect(seen).toContain('before');
    expect(seen).toContain('before after');
    await handle.syncData();
    expect(looks(disk.snapshot(), (crashed) => text(crashed, '/file'))).toEqual(new Set(['before after']));
  });

  it('does not undo a later sync when an earlier one ends after it', async () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const disk = new SimulatedDisk({ seed, maxAsyncTurns: 8 });
      disk.placeFile('/file', '');
      const handle = disk.openFileSync('/file', 'readWrite');
      handle.writeSync(utf8('one'), 0);
      const first = handle.syncData();
      handle.writeSync(utf8(' two'), 3);
      await Promise.all([first, handle.syncData()]);
      expect(text(disk.snapshot().crash(3), '/file'), disk.describe()).toBe('one two');
    }
  });

  it('counts a sync that the power interrupts as one that may not have happened', () => {
    const disk = diskWith('/file', '');
    const handle = disk.openFileSync('/file', 'readWrite');
    handle.writeSync(utf8('data'), 0);
    let seen = new Set<string>();
    disk.onEveryStep((snapshot) => {
      seen = looks(snapshot, (crashed) => text(crashed, '/file'));
    });
    handle.syncDataSync();
    expect(seen).toContain('');
    expect(seen).toContain('data');
  });
});

describe('names', () => {
  it('loses or keeps a creation that was not synced, its data synced or not', () => {
    const disk = new SimulatedDisk();
    create(disk, '/file', 'data');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['', '/file=data']));
    disk.syncDirectorySync('/');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['/file=data']));
  });

  it('keeps a name whose data was not synced, without the data', () => {
    const disk = new SimulatedDisk();
    disk.createFileSync('/file').writeSync(utf8('data'), 0);
    disk.syncDirectorySync('/');
    expect(looks(disk.snapshot(), names)).toContain('/file=');
  });

  it('makes an unsynced rename or does not, never by half; a synced one for good', () => {
    const disk = diskWith('/old', 'data');
    disk.renameSync('/old', '/new');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['/old=data', '/new=data']));
    disk.syncDirectorySync('/');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['/new=data']));
  });

  it('replaces a file whole or not at all', () => {
    const disk = diskWith('/file', 'old');
    disk.placeFile('/temporary', 'new');
    disk.renameSync('/temporary', '/file');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['/file=old /temporary=new', '/file=new']));
  });

  it('renames before the data arrives: an empty file under the new name', () => {
    const disk = diskWith('/file', 'old');
    const handle = disk.createFileSync('/temporary');
    handle.writeSync(utf8('new'), 0);
    disk.renameSync('/temporary', '/file');
    const seen = looks(disk.snapshot(), (crashed) => text(crashed, '/file'));
    expect(seen).toContain('');
    expect(seen).toContain('new');
    expect(seen).toContain('old');
  });

  it('takes an unsynced removal back or does not; a synced one never', () => {
    const disk = diskWith('/file', 'data');
    disk.removeSync('/file');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['', '/file=data']));
    expect(disk.snapshot().crash({ outcome: 0 }).statSync('/file')?.linkCount).toBe(1);
    disk.syncDirectorySync('/');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['']));
  });

  it('takes a removal back after thousands of other files came and went', () => {
    const disk = diskWith('/kept', 'data');
    disk.removeSync('/kept');
    disk.placeDirectory('/busy');
    for (let round = 0; round < 1000; round += 1) {
      create(disk, '/busy/file', 'other');
      disk.removeSync('/busy/file');
      disk.syncDirectorySync('/busy');
    }
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['', '/kept=data']));
  });

  it('reorders changes of different names', () => {
    const disk = new SimulatedDisk();
    create(disk, '/first', '1');
    create(disk, '/second', '2');
    const all = ['', '/first=1', '/first=1 /second=2', '/second=2'];
    expect([...looks(disk.snapshot(), names)].sort()).toEqual(all);
    const every = [...disk.snapshot().crashes()].map(names);
    expect(every.sort()).toEqual(all);
  });

  it('keeps the order of changes of one name: a file makes room before another takes its name', () => {
    const disk = diskWith('/name', 'first');
    disk.renameSync('/name', '/moved');
    create(disk, '/name', 'second');
    const possible = ['/name=first', '/moved=first', '/moved=first /name=second'];
    expect(looks(disk.snapshot(), names)).toEqual(new Set(possible));
  });

  it('settles a rename between directories once both are synced', () => {
    const before = '/a/file=data';
    const after = '/b/file=data';
    for (const order of [['/a', '/b'] as const, ['/b', '/a'] as const]) {
      const disk = diskWith('/a/file', 'data');
      disk.placeDirectory('/b');
      disk.renameSync('/a/file', '/b/file');
      expect(looks(disk.snapshot(), names)).toEqual(new Set([before, after]));
      disk.syncDirectorySync(order[0]);
      disk.syncDirectorySync(order[0]);
      expect(looks(disk.snapshot(), names)).toEqual(new Set([before, after]));
      disk.syncDirectorySync(order[1]);
      expect(looks(disk.snapshot(), names)).toEqual(new Set([after]));
    }
  });

  it('settles with a synced name what that name builds on', () => {
    const disk = diskWith('/a/file', 'first');
    disk.placeDirectory('/b');
    disk.renameSync('/a/file', '/b/file');
    create(disk, '/a/file', 'second');
    disk.syncDirectorySync('/a');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['/a/file=second /b/file=first']));
  });

  it('covers by a directory sync what changed before the call, and nothing later', async () => {
    const disk = new SimulatedDisk();
    create(disk, '/before', '1');
    const syncing = disk.syncDirectory('/');
    create(disk, '/after', '2');
    await syncing;
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['/before=1', '/after=2 /before=1']));
  });

  it('loses a directory whose own name was not synced, with all that is in it', () => {
    const disk = new SimulatedDisk();
    disk.createDirectorySync('/spool');
    create(disk, '/spool/file', 'data');
    disk.syncDirectorySync('/spool');
    expect(looks(disk.snapshot(), names)).toEqual(new Set(['', '/spool/file=data']));
    expect(looks(disk.snapshot(), (crashed) => crashed.statSync('/spool')?.kind)).toEqual(
      new Set(['missing', 'directory']),
    );
  });

  it('never loses or doubles a file that nobody removed, in scenes of its own making', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const { disk, expected } = randomScene(seed);
      for (let outcome = 1; outcome <= 10; outcome += 1) {
        const crashed = disk.snapshot().crash(outcome);
        const found = [...crashed.files().values()].map((bytes) => new TextDecoder().decode(bytes)).sort();
        expect(new Set(found).size, `doubled, scene ${seed}, ${crashed.describe()}`).toBe(found.length);
        for (const id of expected.kept) expect(found, `lost, scene ${seed}, ${crashed.describe()}`).toContain(id);
        for (const id of expected.gone) expect(found, `back, scene ${seed}, ${crashed.describe()}`).not.toContain(id);
      }
    }
  });
});

describe('a disk that loses power', () => {
  it('fails every call until it is restarted, and the old handles for ever', async () => {
    const disk = new SimulatedDisk({ losePowerAtStep: 2 });
    const handle = disk.createFileSync('/file');
    expect(() => handle.writeSync(utf8('data'), 0)).toThrow(SimulatedPowerLoss);
    expect(disk.isPowered).toBe(false);
    expect(() => handle.statSync()).toThrow(SimulatedPowerLoss);
    expect(() => disk.createFileSync('/other')).toThrow(SimulatedPowerLoss);
    await expect(disk.list('/')).rejects.toThrow(SimulatedPowerLoss);
    await expect(handle.syncData()).rejects.toThrow('during step 2');
    handle.closeSync();
    disk.restart();
    expect(disk.isPowered).toBe(true);
    expect(() => handle.statSync()).toThrow(SimulatedPowerLoss);
    disk.createFileSync('/other').closeSync();
  });

  it('ends asynchronous calls that are under way', async () => {
    const disk = diskWith('/file', 'data');
    const handle = disk.openFileSync('/file', 'readWrite');
    const calls = [handle.syncData(), disk.list('/'), disk.rename('/file', '/renamed')];
    disk.losePower();
    for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
  });

  it('may fail again during recovery, and a third time', () => {
    const disk = diskWith('/file', 'data');
    for (let round = 0; round < 3; round += 1) {
      disk.losePowerAtStep = disk.stepsTaken + 2;
      disk.createFileSync(`/recovery-${round}`);
      expect(() => disk.syncDirectorySync('/')).toThrow(SimulatedPowerLoss);
      disk.restart();
      expect(text(disk, '/file')).toBe('data');
    }
    expect(disk.describe().match(/power cut/gu)).toHaveLength(3);
    expect(() => {
      disk.losePowerAtStep = 1;
    }).toThrow('losePowerAtStep must be a whole number >= 7, got 1');
  });

  it('is found in the outcome that was asked for', () => {
    const found = [0, 1].map((outcome) => {
      const disk = diskWith('/old', 'data');
      disk.renameSync('/old', '/new');
      disk.losePower();
      disk.restart({ outcome });
      return names(disk);
    });
    expect(found.sort()).toEqual(['/new=data', '/old=data']);
  });

  it('tells what is surely on the disk', () => {
    const disk = diskWith('/file', 'synced');
    disk.openFileSync('/file', 'readWrite').writeSync(utf8('SYNCED and more'), 0);
    disk.renameSync('/file', '/renamed');
    create(disk, '/new', 'new');
    expect([...disk.files().keys()]).toEqual(['/new', '/renamed']);
    expect([...disk.persistedFiles().keys()]).toEqual(['/file']);
    expect(disk.persistedFiles().get('/file')).toEqual(utf8('synced'));
  });
});

/** Creates, renames, removes and syncs at random; says which contents have to be there and which may not. */
function randomScene(seed: number): { disk: SimulatedDisk; expected: { kept: string[]; gone: string[] } } {
  const random = seededRandom(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const disk = new SimulatedDisk({ seed });
  disk.placeDirectory('/a');
  disk.placeDirectory('/b');
  const at = new Map<string, string>();
  const durable = new Set<string>();
  const removed = new Set<string>();
  const gone = new Set<string>();
  for (let step = 0; step < 30; step += 1) {
    const path = `/${'ab'[pick(2)]}/${pick(4)}`;
    const id = at.get(path);
    const kind = pick(5);
    if (kind === 0 && id === undefined) {
      create(disk, path, `file ${step}`);
      at.set(path, `file ${step}`);
    } else if (kind < 3 && id !== undefined) {
      const to = `/${'ab'[pick(2)]}/${pick(4)}`;
      if (to === path) continue;
      disk.renameSync(path, to);
      const replaced = at.get(to);
      if (replaced !== undefined) removed.add(replaced);
      at.delete(path);
      at.set(to, id);
    } else if (kind === 3 && id !== undefined) {
      disk.removeSync(path);
      at.delete(path);
      removed.add(id);
    } else if (kind === 4) {
      disk.syncDirectorySync('/a');
      disk.syncDirectorySync('/b');
      for (const name of at.values()) durable.add(name);
      for (const name of removed) gone.add(name);
    }
  }
  return { disk, expected: { kept: [...durable].filter((id) => !removed.has(id)), gone: [...gone] } };
}
