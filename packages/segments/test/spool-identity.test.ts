// Goal: every process agrees on the id of a spool, and a spool that is not ours is left as it is.
import { SimulatedDisk } from '@relaykit/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Spool } from '../src/index.ts';
import { openSpool, SPOOL, textOf } from './scene.ts';

const FILE = `${SPOOL}/spool.json`;
const ID = '0123456789abcdef'.repeat(2);

describe('the identity of a spool', () => {
  it('is chosen once, durable before anybody uses it', () => {
    const disk = new SimulatedDisk();
    const { spoolId } = openSpool(disk);
    expect(spoolId).toMatch(/^[0-9a-f]{32}$/);
    expect(textOf(disk, FILE)).toBe(`{"formatVersion":1,"spoolId":"${spoolId}"}\n`);
    for (const crashed of disk.snapshot().crashes()) expect(openSpool(crashed).spoolId).toBe(spoolId);
    expect(openSpool(disk.process()).spoolId).toBe(spoolId);
    expect(openSpool(new SimulatedDisk()).spoolId).not.toBe(spoolId);
  });

  it('is found or chosen after a power cut at any step of its founding', () => {
    const disk = new SimulatedDisk();
    const crashes: SimulatedDisk[] = [];
    disk.onEveryStep((snapshot) => crashes.push(...snapshot.crashes({ maxOutcomes: 64 })));
    openSpool(disk);
    expect(crashes.length).toBeGreaterThan(10);
    for (const crashed of crashes) expect(openSpool(crashed).spoolId, crashed.describe()).toMatch(/^[0-9a-f]{32}$/);
  });

  // What one process does can begin at any step of the other.
  it.for(['create', 'lock', 'write', 'sync', 'syncDirectory', 'close'] as const)(
    'is the same for two processes that found it at once: the second begins before the %s of the first',
    (step) => {
      const disk = new SimulatedDisk();
      disk.placeDirectory(SPOOL);
      const second = disk.process('second');
      let seconds: string | undefined;
      let hasBegun = false;
      disk.onStep = ({ name, path, process }) => {
        if (hasBegun || process !== 'main' || name !== step || !(path === FILE || path === SPOOL)) return;
        hasBegun = true;
        // Where the first one holds the lock the second would wait for it, which nobody could end here.
        if (step === 'write') return;
        seconds = Spool.openSync({ directory: SPOOL, fileSystem: second }).spoolId;
      };
      const { spoolId } = openSpool(disk);
      expect(hasBegun).toBe(true);
      if (step !== 'write') expect(seconds).toBe(spoolId);
      expect(openSpool(second).spoolId).toBe(spoolId);
      expect(textOf(disk, FILE)).toContain(spoolId);
    },
  );

  it('is waited for while another process writes it', () => {
    const disk = new SimulatedDisk();
    disk.placeFile(FILE, '');
    const writer = disk.process('writer').openFileSync(FILE, 'readWrite');
    writer.tryLock();
    let turns = 0;
    disk.onStep = ({ name, process }) => {
      if (name !== 'lock' || process !== 'main') return;
      turns += 1;
      if (turns < 3) return;
      writer.writeSync(new TextEncoder().encode(`{"formatVersion":1,"spoolId":"${ID}"}\n`), 0);
      writer.closeSync();
    };
    expect(openSpool(disk).spoolId).toBe(ID);
    expect(turns).toBe(3);
  });

  it('is not waited for without end: a writer that hangs is named', () => {
    const disk = new SimulatedDisk();
    disk.placeFile(FILE, '');
    disk.process('hangs').openFileSync(FILE, 'readWrite').tryLock();
    const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
    onTestFinished(() => wait.mockRestore());
    expect(() => openSpool(disk)).toThrow(
      expect.objectContaining({
        code: 'RELAY_SPOOL_UNSUPPORTED',
        message: `Cannot use the spool of ${FILE}: another process keeps it locked and unfinished; end that process.`,
      }),
    );
    expect(wait.mock.calls.length).toBeGreaterThan(1000);
  });

  it.for(['', '{"formatVersion":1,"spo', `{"formatVersion":1,"spoolId":"${ID}"}`, '\0\0\0\0'])(
    'is chosen anew where a crash left the file unfinished: %j',
    (unfinished) => {
      const disk = new SimulatedDisk();
      disk.placeFile(FILE, unfinished);
      const { spoolId } = openSpool(disk);
      expect(textOf(disk, FILE)).toBe(`{"formatVersion":1,"spoolId":"${spoolId}"}\n`);
    },
  );

  it.for<[string, number | undefined, string]>([
    [
      '{"formatVersion":2,"spoolId":"x","more":1}\n',
      2,
      'it was written by another version; use that version, or another directory',
    ],
    ['{"formatVersion":"1"}\n', undefined, 'it was written by another version; use that version, or another directory'],
    ['null\n', undefined, 'it was written by another version; use that version, or another directory'],
    ['{"formatVersion":1}\n', 1, 'it names no spool id; restore it, or move the directory away'],
    ['{"formatVersion":1,"spoolId":"../x"}\n', 1, 'it names no spool id; restore it, or move the directory away'],
    ['garbage\n', undefined, 'it is damaged; restore it from a backup, or move the directory away'],
    ['x'.repeat(5000), undefined, 'it is damaged; restore it from a backup, or move the directory away'],
  ])('is refused, and the file untouched: %j', ([content, foundVersion, what]) => {
    const disk = new SimulatedDisk();
    disk.placeFile(FILE, content);
    expect(() => openSpool(disk)).toThrow(
      expect.objectContaining({
        code: 'RELAY_SPOOL_UNSUPPORTED',
        message: `Cannot use the spool of ${FILE}: ${what}.`,
        facts: { path: FILE, foundVersion, supportedVersion: 1 },
      }),
    );
    expect(textOf(disk, FILE)).toBe(content);
  });

  it.for(['open', 'create', 'write', 'sync', 'read'] as const)('says where it cannot %s', (name) => {
    const disk = new SimulatedDisk();
    disk.placeDirectory(SPOOL);
    if (name === 'read') disk.placeFile(FILE, '');
    disk.failNext(({ name: step, path }) => step === name && path === FILE, 'EIO');
    expect(() => openSpool(disk)).toThrow(
      expect.objectContaining({
        code: 'RELAY_STORAGE_FAILED',
        facts: { path: FILE, operation: 'open', attempts: 1, systemCode: 'EIO' },
      }),
    );
    expect(openSpool(disk.process()).spoolId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('does without syncing a parent that is closed to us, and not without others', () => {
    const disk = new SimulatedDisk();
    disk.placeDirectory(SPOOL);
    const isParent = ({ name, path }: { name: string; path: string }) => name === 'syncDirectory' && path === '/';
    disk.failNext(isParent, 'EACCES');
    expect(openSpool(disk).spoolId).toMatch(/^[0-9a-f]{32}$/);
    const failing = new SimulatedDisk();
    failing.placeDirectory(SPOOL);
    failing.failNext(isParent, 'EIO');
    expect(() => openSpool(failing)).toThrow(expect.objectContaining({ code: 'RELAY_STORAGE_FAILED' }));
  });

  it('takes a lock only where the file is to be written', () => {
    const disk = new SimulatedDisk({ locks: 'unavailable' });
    disk.placeFile(FILE, `{"formatVersion":1,"spoolId":"${ID}"}\n`);
    expect(openSpool(disk).spoolId).toBe(ID);
    expect(() => openSpool(new SimulatedDisk({ locks: 'unavailable' }))).toThrow(
      expect.objectContaining({ code: 'RELAY_LOCK_UNAVAILABLE' }),
    );
  });
});

describe('Spool.openSync', () => {
  it.for([undefined, '', 7, 'a\0b'])('names the option, the rule and the value: directory %j', (directory) => {
    expect(() => Spool.openSync({ directory: directory as string })).toThrow(
      new TypeError(`directory must be a path, got ${JSON.stringify(directory)}`),
    );
  });

  it('costs the same in a spool of any size', () => {
    const counts = [1, 1000].map((files) => {
      const disk = new SimulatedDisk();
      openSpool(disk);
      for (let index = 0; index < files; index += 1) disk.placeFile(`${SPOOL}/${index}`, '');
      let operations = 0;
      disk.onStep = () => {
        operations += 1;
      };
      openSpool(disk);
      return operations;
    });
    expect(counts[0]).toBe(counts[1]);
  });
});
