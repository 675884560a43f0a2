import { ManualClock, SimulatedDisk } from '@relaykit/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_DIRECTORY, RelayDiskWriter } from '../src/index.ts';

describe('RelayDiskWriter', () => {
  const lines: string[] = [];
  const logger = { debug() {}, info: (line: string) => void lines.push(line), warn() {}, error() {} };
  let disk = new SimulatedDisk();

  beforeEach(async () => {
    lines.length = 0;
    disk = new SimulatedDisk();
    await RelayDiskWriter.configure({ directory: '/spool', fileSystem: disk, clock: new ManualClock(), logger });
  });

  it('says one line a flush: events, bytes, file, milliseconds', async () => {
    const { segmentId } = await RelayDiskWriter.write([{ n: 0 }, { n: 1 }]);
    await RelayDiskWriter.write([]);
    const batch = RelayDiskWriter.openBatch();
    batch.add({ n: 2 });
    await RelayDiskWriter.commit(batch);
    RelayDiskWriter.writeSync([{ n: 3 }]);
    await RelayDiskWriter.close();
    expect(lines).toEqual([
      `relay: flushed 2 events, 16 bytes, to /spool/${segmentId}.ndjson in 0.0 ms`,
      `relay: flushed 1 event, 8 bytes, to /spool/${segmentId}.ndjson in 0.0 ms`,
      `relay: flushed 1 event, 8 bytes, to /spool/${segmentId}.ndjson in 0.0 ms`,
    ]);
    expect([...disk.files().keys()].filter((path) => path.endsWith('.ndjson'))).toEqual([`/spool/${segmentId}.ndjson`]);
  });

  it('seals with `close` what was written, and stays open for the others who use it', async () => {
    await RelayDiskWriter.write([{ n: 0 }]);
    await RelayDiskWriter.close();
    expect(sealedIn('/spool')).toHaveLength(1);
    await RelayDiskWriter.write([{ n: 1 }]);
    await RelayDiskWriter.close();
    expect(sealedIn('/spool')).toHaveLength(2);
  });

  it('goes elsewhere once it is configured anew, and keeps batches that were open', async () => {
    await RelayDiskWriter.write([{ n: 0 }]);
    const batch = RelayDiskWriter.openBatch();
    batch.add({ n: 1 });
    const last = RelayDiskWriter.openBatch();
    last.add({ n: 2 });
    await RelayDiskWriter.configure({ directory: '/other', fileSystem: disk, logger });
    expect(sealedIn('/spool')).toHaveLength(1);
    await RelayDiskWriter.commit(batch);
    RelayDiskWriter.writeSync(last);
    await RelayDiskWriter.write([{ n: 3 }]);
    await RelayDiskWriter.close();
    expect(sealedIn('/other')).toHaveLength(1);
    const open = [...disk.files()].find(([path]) => /^\/spool\/.*\.open$/.test(path));
    expect(new TextDecoder().decode(open?.[1])).toBe('{"n":1}\n{"n":2}\n');
  });

  function sealedIn(directory: string): readonly string[] {
    return [...disk.files().keys()].filter((path) => path.startsWith(directory) && path.endsWith('.ndjson'));
  }

  it('writes below the current directory without configuration', () => {
    expect(DEFAULT_DIRECTORY).toBe('relay-spool');
  });
});
