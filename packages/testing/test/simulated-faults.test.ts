// Goal: a disk fails in the ways disks fail, when it is told to and by chance, with errors in the shape of Node's.
// Method: each fault on its own, and what is left behind it; chance is followed over seeds.
import { describe, expect, it } from 'vitest';
import { SimulatedDisk, type SimulatedErrorCode } from '../src/simulated-disk/index.ts';

function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(disk: SimulatedDisk, path: string): string {
  return new TextDecoder().decode(disk.files().get(path));
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe('planned faults', () => {
  it('fail an operation with an error in the shape of Node', () => {
    const disk = new SimulatedDisk();
    disk.failNext('create', 'EMFILE');
    expect(() => disk.createFileSync('/file')).toThrow(
      expect.objectContaining({ code: 'EMFILE', errno: -24, syscall: 'create', path: '/file' }),
    );
    disk.createFileSync('/file').closeSync();
    disk.failNext('rename', 'EIO');
    expect(() => disk.renameSync('/file', '/other')).toThrow(expect.objectContaining({ dest: '/other' }));
    expect([...disk.files().keys()]).toEqual(['/file']);
  });

  it('fail a number of times, or until told otherwise', () => {
    const disk = new SimulatedDisk();
    disk.failNext('create', 'ENOSPC', { times: 2 });
    expect([1, 2, 3].map((name) => codeOf(() => disk.createFileSync(`/${name}`)))).toEqual([
      'ENOSPC',
      'ENOSPC',
      'none',
    ]);
    disk.failNext('create', 'EROFS', { times: Number.POSITIVE_INFINITY });
    for (let round = 0; round < 5; round += 1) expect(codeOf(() => disk.createFileSync('/x'))).toBe('EROFS');
    disk.clearFaults();
    expect(codeOf(() => disk.createFileSync('/x'))).toBe('none');
    expect(() => disk.failNext('create', 'EIO', { times: 0 })).toThrow('times must be a number >= 1, got 0');
  });

  it('strike the operations that a test of theirs picks', () => {
    const disk = new SimulatedDisk();
    disk.failNext(({ name, path }) => name === 'create' && path.endsWith('.meta'), 'EACCES');
    disk.createFileSync('/file').closeSync();
    expect(codeOf(() => disk.createFileSync('/file.meta'))).toBe('EACCES');
  });

  it.each(['open', 'read', 'stat', 'list', 'freeSpace', 'lock', 'close'] as const)('strike %s', async (name) => {
    const disk = new SimulatedDisk();
    disk.placeFile('/file', 'data');
    const handle = disk.openFileSync('/file', 'readWrite');
    disk.failNext(name, 'EIO');
    const calls = {
      open: () => disk.openFile('/file', 'read'),
      read: () => handle.read(0, 1),
      stat: () => disk.stat('/file'),
      list: () => disk.list('/'),
      freeSpace: () => disk.freeSpace('/'),
      lock: async () => handle.tryLock(),
      close: () => handle.close(),
    };
    await expect(calls[name]()).rejects.toThrow(expect.objectContaining({ code: 'EIO' }));
    if (name === 'close') expect(() => handle.statSync()).toThrow('EBADF');
    else await calls[name]();
  });

  it('of a close leave nothing open', () => {
    const disk = new SimulatedDisk();
    const handle = disk.createFileSync('/file');
    handle.tryLock();
    disk.failNext('close', 'EIO');
    expect(codeOf(() => handle.closeSync())).toBe('EIO');
    expect(disk.openFileSync('/file', 'readWrite').tryLock()).toBe(true);
  });

  it('can be about an operation that happened all the same', () => {
    const disk = new SimulatedDisk();
    disk.placeFile('/file', 'data');
    disk.failNext('rename', 'EIO', { landed: 'all' });
    expect(codeOf(() => disk.renameSync('/file', '/renamed'))).toBe('EIO');
    expect([...disk.files().keys()]).toEqual(['/renamed']);
  });
});

describe('writes that fail', () => {
  it('leave nothing, a part or everything behind', () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = new SimulatedDisk({ seed });
      disk.placeFile('/file', '');
      disk.failNext('write', 'EIO');
      expect(codeOf(() => disk.openFileSync('/file', 'readWrite').writeSync(utf8('0123456789'), 0))).toBe('EIO');
      expect('0123456789'.startsWith(text(disk, '/file')), disk.describe()).toBe(true);
      lengths.add(text(disk, '/file').length);
    }
    expect(lengths).toContain(0);
    expect(lengths).toContain(10);
    expect(lengths.size).toBeGreaterThan(4);
  });

  it.each([
    ['none', 0, 0],
    ['part', 0, 9],
    ['all', 10, 10],
  ] as const)('leave %s behind if told so', (landed, least, most) => {
    const disk = new SimulatedDisk();
    disk.placeFile('/file', '');
    disk.failNext('write', 'ENOSPC', { landed });
    expect(codeOf(() => disk.openFileSync('/file', 'readWrite').writeSync(utf8('0123456789'), 0))).toBe('ENOSPC');
    expect(text(disk, '/file').length).toBeGreaterThanOrEqual(least);
    expect(text(disk, '/file').length).toBeLessThanOrEqual(most);
  });
});

describe('syncs that fail', () => {
  it('drop data, which the next sync does not bring back', () => {
    let lost = 0;
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = new SimulatedDisk({ seed });
      disk.placeFile('/file', 'kept ');
      const handle = disk.openFileSync('/file', 'readWrite');
      handle.writeSync(utf8('dropped'), 5);
      disk.failNext('sync', 'EIO', { landed: 'none' });
      expect(codeOf(() => handle.syncDataSync())).toBe('EIO');
      expect(handle.statSync().sizeBytes).toBe(12);
      handle.syncDataSync();
      expect(text(disk.snapshot().crash(seed), '/file'), disk.describe()).toBe(`kept ${'\0'.repeat(7)}`);
      lost += text(disk, '/file') === 'kept dropped' ? 0 : 1;
    }
    // Readers see the dropped data or zeros, by the seed.
    expect(lost).toBeGreaterThan(10);
    expect(lost).toBeLessThan(50);
  });

  it('may leave a part on the disk, or all of it', () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 80; seed += 1) {
      const disk = new SimulatedDisk({ seed });
      disk.placeFile('/file', '');
      const handle = disk.openFileSync('/file', 'readWrite');
      handle.writeSync(utf8('data'), 0);
      disk.failNext('sync', 'EIO');
      expect(codeOf(() => handle.syncDataSync())).toBe('EIO');
      found.add(text(disk.snapshot().crash({ outcome: 0 }), '/file'));
    }
    expect(found).toContain('');
    expect(found).toContain('data');
    expect(found).toContain('\0\0\0\0');
  });

  it('make later writes durable, which a later sync covers', () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const disk = new SimulatedDisk({ seed });
      disk.placeFile('/file', '');
      const handle = disk.openFileSync('/file', 'readWrite');
      handle.writeSync(utf8('lost'), 0);
      disk.failNext('sync', 'ENOSPC', { landed: 'none' });
      expect(codeOf(() => handle.syncDataSync())).toBe('ENOSPC');
      handle.writeSync(utf8('more'), 4);
      for (let outcome = 0; outcome < 10; outcome += 1) {
        expect(text(disk.snapshot().crash(outcome), '/file'), disk.describe()).not.toContain('lost');
      }
      handle.syncDataSync();
      expect(text(disk.snapshot().crash(seed), '/file'), disk.describe()).toBe('\0\0\0\0more');
    }
  });

  it('of a directory leave its names undecided', () => {
    const disk = new SimulatedDisk();
    disk.createFileSync('/file').closeSync();
    disk.failNext('syncDirectory', 'EIO');
    expect(codeOf(() => disk.syncDirectorySync('/'))).toBe('EIO');
    expect(disk.crashOutcomeCount()).toBe(2);
    disk.syncDirectorySync('/');
    expect(disk.crashOutcomeCount()).toBe(1);
  });
});

describe('faults by chance', () => {
  const run = (seed: number): string => {
    const disk = new SimulatedDisk({ seed });
    disk.setRandomFaults([
      { match: 'create', code: 'EMFILE', probability: 0.2 },
      { match: 'create', code: 'EIO', probability: 0.1 },
    ]);
    return Array.from({ length: 200 }, (_, index) => codeOf(() => disk.createFileSync(`/${index}`))).join(' ');
  };

  it('strike as often as they should, the same for the same seed', () => {
    const outcomes = run(1).split(' ');
    const share = (code: SimulatedErrorCode): number => outcomes.filter((outcome) => outcome === code).length / 200;
    expect(share('EMFILE')).toBeGreaterThan(0.1);
    expect(share('EMFILE')).toBeLessThan(0.3);
    expect(share('EIO')).toBeGreaterThan(0.02);
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
  });

  it('are refused when they are no chance', () => {
    const disk = new SimulatedDisk();
    const faults = [{ match: 'write', code: 'EIO', probability: 1.5 }] as const;
    expect(() => disk.setRandomFaults(faults)).toThrow('probability must be a number from 0 to 1, got 1.5');
  });
});

describe('room', () => {
  it('ends: a write lands as far as it fits and fails, and there is room again after a removal', async () => {
    const disk = new SimulatedDisk({ capacityBytes: 1000 });
    const first = disk.createFileSync('/first');
    first.writeSync(new Uint8Array(600), 0);
    const second = disk.createFileSync('/second');
    expect(codeOf(() => second.writeSync(new Uint8Array(500), 0))).toBe('ENOSPC');
    expect(second.statSync().sizeBytes).toBe(400);
    expect(await disk.freeSpace('/')).toEqual({ freeBytes: 0, totalBytes: 1000 });
    // In place, and taking names away, needs no room.
    first.writeSync(new Uint8Array(600), 0);
    disk.renameSync('/first', '/renamed');
    disk.removeSync('/renamed');
    expect(disk.usedBytes).toBe(1000);
    first.closeSync();
    expect(disk.usedBytes).toBe(400);
    second.truncateSync(100);
    expect((await disk.freeSpace('/')).freeBytes).toBe(900);
    expect(codeOf(() => second.truncateSync(2000))).toBe('ENOSPC');
    disk.capacityBytes = 5000;
    second.writeSync(new Uint8Array(500), 0);
  });

  it('is counted right after a power cut and a kill', () => {
    const disk = new SimulatedDisk();
    disk.placeFile('/removed', 'x'.repeat(70));
    disk.placeFile('/kept', 'x'.repeat(30));
    const handle = disk.openFileSync('/removed', 'readWrite');
    disk.removeSync('/removed');
    disk.syncDirectorySync('/');
    expect(disk.usedBytes).toBe(100);
    expect(disk.snapshot().crash(1).usedBytes).toBe(30);
    expect(disk.snapshot().kill(1).usedBytes).toBe(30);
    handle.closeSync();
    expect(disk.usedBytes).toBe(30);
  });

  it('ends for files as well', () => {
    const disk = new SimulatedDisk({ maxFiles: 3 });
    for (const name of ['/1', '/2']) disk.createFileSync(name).closeSync();
    expect(codeOf(() => disk.createFileSync('/3'))).toBe('ENOSPC');
    expect(codeOf(() => disk.createDirectorySync('/3'))).toBe('ENOSPC');
    disk.renameSync('/1', '/2');
    disk.createFileSync('/3').closeSync();
  });

  it('ends for open files of a process', () => {
    const disk = new SimulatedDisk({ maxOpenFiles: 2 });
    const first = disk.createFileSync('/1');
    disk.createFileSync('/2');
    expect(codeOf(() => disk.createFileSync('/3'))).toBe('EMFILE');
    expect(codeOf(() => disk.openFileSync('/1', 'read'))).toBe('EMFILE');
    disk.process().openFileSync('/1', 'read');
    first.closeSync();
    disk.openFileSync('/1', 'read');
  });

  it('is given back by thousands of files that come and go', () => {
    const disk = new SimulatedDisk({ capacityBytes: 100, maxFiles: 5 });
    disk.placeFile('/unlinked', 'still open');
    const unlinked = disk.openFileSync('/unlinked', 'read');
    disk.removeSync('/unlinked');
    for (let round = 0; round < 5000; round += 1) {
      const handle = disk.createFileSync('/file');
      handle.writeSync(new Uint8Array(80), 0);
      handle.closeSync();
      disk.removeSync('/file');
      if (round % 100 === 0) disk.syncDirectorySync('/');
    }
    disk.syncDirectorySync('/');
    expect(unlinked.readSync(0, 10)).toEqual(utf8('still open'));
    expect(disk.usedBytes).toBe(10);
    // Inode numbers come again, as on real disks.
    expect(disk.createFileSync('/last').statSync().inode).toBeLessThan(1000n);
  });
});

describe('access', () => {
  it('follows mode and owner', () => {
    const disk = new SimulatedDisk();
    disk.placeFile('/foreign', 'x', { ownerId: 7 });
    disk.placeFile('/readable', 'x', { ownerId: 7, mode: 0o644 });
    disk.placeDirectory('/closed', { mode: 0o500 });
    expect(codeOf(() => disk.openFileSync('/foreign', 'read'))).toBe('EACCES');
    expect(codeOf(() => disk.openFileSync('/readable', 'read'))).toBe('none');
    expect(codeOf(() => disk.openFileSync('/readable', 'readWrite'))).toBe('EACCES');
    expect(codeOf(() => disk.createFileSync('/closed/file'))).toBe('EACCES');
    expect(codeOf(() => disk.process('root', { userId: 0 }).createFileSync('/closed/file'))).toBe('none');
    disk.chown('/foreign', disk.userId ?? 0);
    disk.chmod('/foreign', 0o400);
    expect(disk.statSync('/foreign')).toMatchObject({ mode: 0o400, ownerId: disk.userId });
    expect(codeOf(() => disk.openFileSync('/foreign', 'read'))).toBe('none');
  });

  it('knows no owners on a platform without users', () => {
    const disk = new SimulatedDisk({ userId: undefined });
    disk.createFileSync('/file');
    expect([disk.userId, disk.statSync('/file')?.ownerId]).toEqual([undefined, undefined]);
  });

  it('refuses paths that lead nowhere', () => {
    const disk = new SimulatedDisk();
    disk.placeFile('/file', '');
    disk.placeSymlink('/loop', '/loop');
    expect(codeOf(() => disk.createFileSync('/file/inside'))).toBe('ENOTDIR');
    expect(codeOf(() => disk.createFileSync('/loop/inside'))).toBe('ELOOP');
    expect(codeOf(() => disk.createFileSync(`/${'x'.repeat(256)}`))).toBe('ENAMETOOLONG');
    expect(codeOf(() => disk.createFileSync('/a\0b'))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => disk.renameSync('/file', '/'))).toBe('EBUSY');
    disk.renameSync('/file', '/file');
    expect(disk.statSync('/file')?.linkCount).toBe(1);
    disk.placeDirectory('/full/inside');
    disk.placeDirectory('/folder');
    expect(codeOf(() => disk.renameSync('/file', '/folder'))).toBe('EISDIR');
    expect(codeOf(() => disk.renameSync('/folder', '/file'))).toBe('ENOTDIR');
    expect(codeOf(() => disk.renameSync('/folder', '/full'))).toBe('ENOTEMPTY');
    expect(codeOf(() => disk.renameSync('/full', '/full/inside/again'))).toBe('EINVAL');
    expect(codeOf(() => disk.removeSync('/folder'))).toBe('EISDIR');
  });
});
