// Goal: a spool is private, durable in its parents, and refused where somebody else could change it.
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it, vi } from 'vitest';
import { nodeFileSystem, Spool } from '../src/index.ts';
import { ensureSpoolDirectorySync } from '../src/spool-directory.ts';
import { sealSegment, writeSegment } from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';

describe('a spool directory', () => {
  it('is created with its parents, each durable before anything is in it', () => {
    const disk = new SimulatedDisk();
    ensureSpoolDirectorySync(disk, '/a/b/c', false);
    for (const crashed of disk.snapshot().crashes()) expect(crashed.statSync('/a/b/c')?.kind).toBe('directory');
    expect(disk.statSync('/a')?.mode).toBe(0o700);
  });

  it('is not created again by whoever comes second', () => {
    const disk = new SimulatedDisk();
    const rival = disk.process('rival');
    disk.onStep = ({ name, process }) => {
      if (name === 'createDirectory' && process === 'main') rival.createDirectorySync('/a');
    };
    ensureSpoolDirectorySync(disk, '/a', false);
    expect(disk.statSync('/a')?.kind).toBe('directory');
  });

  it.for([
    ['a file', (disk: SimulatedDisk) => disk.placeFile('/s', 'x'), 'notADirectory', 'choose another path'],
    ['a FIFO', (disk: SimulatedDisk) => disk.placeOther('/s'), 'notADirectory', 'choose another path'],
    [
      'a link',
      (disk: SimulatedDisk) => disk.placeSymlink('/s', '/t'),
      'symbolicLink',
      'pass the directory it points to',
    ],
    [
      "another user's",
      (disk: SimulatedDisk) => disk.placeDirectory('/s', { ownerId: 7 }),
      'ownedByAnotherUser',
      'use a directory of your own',
    ],
    [
      'writable by its group',
      (disk: SimulatedDisk) => disk.placeDirectory('/s', { mode: 0o720 }),
      'writableByOthers',
      'take the rights of others away (chmod go-w)',
    ],
    [
      'writable by everybody',
      (disk: SimulatedDisk) => disk.placeDirectory('/s', { mode: 0o702 }),
      'writableByOthers',
      'take the rights of others away (chmod go-w)',
    ],
  ] as const)('is refused where it is %s', ([, place, rule, wayOut]) => {
    const disk = new SimulatedDisk();
    place(disk);
    disk.placeDirectory('/t');
    const isFinal = rule === 'notADirectory';
    const others = isFinal ? '' : ', or accept it with allowUnsafeDirectory: true';
    expect(() => Spool.openSync({ directory: '/s', fileSystem: disk })).toThrow(
      expect.objectContaining({
        code: 'RELAY_SPOOL_UNSAFE',
        message: `Cannot use /s (${rule}): ${wayOut}${others}.`,
        facts: { path: '/s', rule },
      }),
    );
    expect([...disk.files().keys()].filter((path) => path !== '/s')).toEqual([]);
    const accepting = () => ensureSpoolDirectorySync(disk, '/s', true);
    if (isFinal) expect(accepting).toThrow('notADirectory');
    else expect(accepting).not.toThrow();
  });

  it('of which even the root is missing is asked of the file system, which says so', () => {
    const fileSystem = new SimulatedDisk();
    fileSystem.statSync = () => undefined;
    expect(() => ensureSpoolDirectorySync(fileSystem, '/s', false)).toThrow('notADirectory');
  });

  it('that others may read is accepted: its files are private', () => {
    const disk = new SimulatedDisk();
    disk.placeDirectory('/s', { mode: 0o755 });
    expect(() => ensureSpoolDirectorySync(disk, '/s', false)).not.toThrow();
  });

  it('is judged by nobody where the platform has no users', () => {
    const disk = new SimulatedDisk({ userId: undefined });
    disk.placeDirectory('/s', { mode: 0o777 });
    expect(() => ensureSpoolDirectorySync(disk, '/s', false)).not.toThrow();
  });

  it('says where it cannot be created', () => {
    const disk = new SimulatedDisk();
    disk.placeFile('/file', '');
    const open = (directory: string) => () => ensureSpoolDirectorySync(disk, directory, false);
    expect(open('/file/s')).toThrow(
      expect.objectContaining({
        code: 'RELAY_STORAGE_FAILED',
        facts: { path: '/file/s', operation: 'createDirectory', attempts: 1, systemCode: 'ENOTDIR' },
      }),
    );
    disk.failNext('createDirectory', 'ENOSPC');
    expect(open('/s')).toThrow(expect.objectContaining({ code: 'RELAY_STORAGE_FULL' }));
  });

  it('that goes between the look and the check is refused', () => {
    const disk = new SimulatedDisk();
    disk.placeDirectory('/s');
    let stats = 0;
    disk.onStep = ({ name }) => {
      stats += name === 'stat' ? 1 : 0;
      if (stats === 2) disk.placeFile('/s', '');
    };
    expect(() => ensureSpoolDirectorySync(disk, '/s', false)).toThrow('notADirectory');
  });
});

describe('a spool on the real disk', () => {
  it.for([0, 0o022, 0o777])('is 0700 and its files 0600 with the umask %i', async (umask) => {
    const directory = join(temporaryDirectory(), 'spool');
    const before = process.umask(umask);
    try {
      const spool = Spool.openSync({ directory });
      await sealSegment(spool);
      await sealSegment(spool, { first: 1 });
      const file = writeSegment(spool, { first: 2 });
      const at = '2026-01-01T00:00:00.000Z';
      const gone = { id: file.id, outcome: 'delivered', firstSequence: 2, eventCount: 1, bytes: 8, at } as const;
      await spool.ledger.record({ kind: 'segment', ...gone });
      const names = await spool.fileSystem.list(directory);
      expect(names).toHaveLength(8);
      for (const name of names) expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
      await file.abandon();
    } finally {
      process.umask(before);
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('is refused where it is a link or others may write, before anything is touched', () => {
    const parent = temporaryDirectory();
    const [target, link, shared] = [join(parent, 'target'), join(parent, 'link'), join(parent, 'shared')];
    mkdirSync(target);
    symlinkSync(target, link);
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    const open = (directory: string) => () => Spool.openSync({ directory });
    expect(open(link)).toThrow(expect.objectContaining({ facts: { path: link, rule: 'symbolicLink' } }));
    expect(open(shared)).toThrow(expect.objectContaining({ facts: { path: shared, rule: 'writableByOthers' } }));
    for (const directory of [target, shared]) expect(readdirSync(directory)).toEqual([]);
    const accepted = Spool.openSync({ directory: shared, allowUnsafeDirectory: true });
    expect(accepted.spoolId).toMatch(/^[0-9a-f]{32}$/);
  });

  it.runIf(process.getuid?.() === 0)('is refused where another user owns it', async () => {
    const { chownSync } = await import('node:fs');
    const directory = join(temporaryDirectory(), 'spool');
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, 12345, 12345);
    expect(() => Spool.openSync({ directory })).toThrow(
      expect.objectContaining({ facts: { path: directory, rule: 'ownedByAnotherUser' } }),
    );
  });

  it('is not opened through a link in the place of its own file', () => {
    const directory = join(temporaryDirectory(), 'spool');
    mkdirSync(directory, { mode: 0o700 });
    const elsewhere = join(directory, '..', 'elsewhere');
    writeFileSync(elsewhere, '');
    symlinkSync(elsewhere, join(directory, 'spool.json'));
    expect(() => Spool.openSync({ directory, fileSystem: nodeFileSystem() })).toThrow(
      expect.objectContaining({ code: 'RELAY_STORAGE_FAILED' }),
    );
    expect(statSync(elsewhere).size).toBe(0);
  });
});

describe('a path that leads through a link', () => {
  it.for(['', '/', '//', '/.', '/./'])('is refused with %j behind it', (rest) => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'real'), { mode: 0o700 });
    symlinkSync(join(directory, 'real'), join(directory, 'link'));
    expect(() => ensureSpoolDirectorySync(nodeFileSystem(), `${join(directory, 'link')}${rest}`, false)).toThrow(
      expect.objectContaining({
        code: 'RELAY_SPOOL_UNSAFE',
        facts: { path: join(directory, 'link'), rule: 'symbolicLink' },
      }),
    );
  });
});

it('stays where it was when the process changes its directory', async () => {
  const disk = new SimulatedDisk();
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue('/one');
  try {
    const spool = Spool.openSync({ directory: 'spool', fileSystem: disk });
    cwd.mockReturnValue('/two');
    await sealSegment(spool);
    expect(spool.directory).toBe('/one/spool');
    expect([...disk.files().keys()].filter((path) => !path.startsWith('/one/spool/'))).toEqual([]);
  } finally {
    cwd.mockRestore();
  }
});
