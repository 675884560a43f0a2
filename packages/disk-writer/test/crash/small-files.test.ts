// Goal: what is written in place, without a file of its own to be renamed, is never read as something that nobody wrote.
// Method: sectors so small that each line has many, and a power cut at every step, in many ways.
import { Ledger, type LedgerRecord, Spool } from '@relaykit/segments';
import { type DiskOperation, type DiskSnapshot, ManualClock, SimulatedDisk } from '@relaykit/testing';
import { expect, it } from 'vitest';

const SEEDS = 600;
const SECTOR_BYTES = 32;

function watch(disk: SimulatedDisk): readonly DiskSnapshot[] {
  const snapshots: DiskSnapshot[] = [];
  disk.onEveryStep((snapshot) => snapshots.push(snapshot));
  return snapshots;
}

it('founds a spool again where a power cut tore its identity', () => {
  const disk = new SimulatedDisk({ sectorBytes: SECTOR_BYTES });
  const snapshots = watch(disk);
  Spool.openSync({ directory: '/spool', fileSystem: disk });
  for (const snapshot of snapshots) {
    for (const crashed of snapshot.crashes({ seeds: SEEDS })) {
      const { spoolId } = Spool.openSync({ directory: '/spool', fileSystem: crashed });
      expect(Spool.openSync({ directory: '/spool', fileSystem: crashed }).spoolId, crashed.describe()).toBe(spoolId);
    }
  }
});

it('holds no record that nobody made, whatever stood in its place in the ledger', async () => {
  const [torn, next] = [record('a', 1), record('b', 2)];
  const disk = new SimulatedDisk({ sectorBytes: SECTOR_BYTES });
  disk.placeFile('/spool/ledger.lock', '');
  disk.placeFile('/spool/ledger.ndjson', JSON.stringify(torn).slice(0, -1));
  const snapshots = watch(disk);
  await new Ledger({ directory: '/spool', fileSystem: disk, clock: new ManualClock() }).record(next);

  for (const snapshot of snapshots) {
    for (const crashed of snapshot.crashes({ seeds: SEEDS })) {
      const ledger = new Ledger({ directory: '/spool', fileSystem: crashed, clock: new ManualClock() });
      const { records } = await ledger.content();
      for (const found of records.values()) expect(found, crashed.describe()).toEqual(next);
    }
  }
});

it('makes a record durable whose writer died when its sync had failed', async () => {
  const made = record('a', 1);
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = new SimulatedDisk({ seed });
    disk.placeDirectory('/spool');
    const isLedger = (path: string): boolean => path.endsWith('ledger.ndjson');
    const dying = disk.process('dying');
    let syncs = 0;
    const isSyncOfRecord = ({ name, path }: DiskOperation): boolean => {
      if (name === 'sync' && isLedger(path)) syncs += 1;
      return name === 'sync' && isLedger(path) && syncs === 2;
    };
    disk.failNext(isSyncOfRecord, 'EIO', { landed: 'none' });
    // It would take the record back, and has no time to.
    disk.onStep = ({ name, path }) => {
      if (name === 'truncate' && isLedger(path)) dying.kill();
    };
    const options = { directory: '/spool', clock: new ManualClock() };
    await expect(new Ledger({ ...options, fileSystem: dying }).record(made)).rejects.toThrow();
    expect(dying.isAlive).toBe(false);
    disk.onStep = undefined;

    await new Ledger({ ...options, fileSystem: disk.process('next') }).record(made);
    const text = new TextDecoder().decode(disk.persistedFiles().get('/spool/ledger.ndjson'));
    expect(text, disk.describe()).toContain(JSON.stringify(made));
  }
});

/** Two of them are of the same length and differ in every part. */
function record(letter: string, digit: number): LedgerRecord {
  return {
    kind: 'segment',
    id: `2026010${digit}T00000000${digit}Z-00000000000${digit}-${letter.repeat(10)}`,
    outcome: 'delivered',
    firstSequence: digit,
    eventCount: digit,
    bytes: digit,
    at: `2026-01-0${digit}T00:00:00.00${digit}Z`,
  };
}
