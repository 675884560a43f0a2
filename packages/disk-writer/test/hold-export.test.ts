// Goal: a writer that holds export back never lets a held event into a segment that may be exported, crashes included.
import { describe, expect, it } from 'vitest';
import type { FlushMode } from '../src/index.ts';
import { SPOOL, WriterOnDisk } from './writer-on-disk.ts';

function holds(onDisk: WriterOnDisk): Record<string, unknown>[] {
  return [...onDisk.disk.files()]
    .filter(([path]) => path.endsWith('.meta.json'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, bytes]) => JSON.parse(new TextDecoder().decode(bytes)))
    .map(({ eventCount, exportReady, heldReason }) => ({ eventCount, exportReady, heldReason }));
}
const HELD = { exportReady: false, heldReason: 'holdExport' };
const READY = { exportReady: true, heldReason: undefined };

describe.each<FlushMode>(['append', 'atomic'])('holdExport, %s', (flushMode) => {
  it('seals segments as held', async () => {
    const onDisk = new WriterOnDisk({ holdExport: true, flushMode });
    await onDisk.writer.write([{ n: 0 }, { n: 1 }]);
    await onDisk.writer.close();
    expect(holds(onDisk)).toEqual([{ eventCount: 2, ...HELD }]);
  });

  it('keeps events of both kinds apart, in the order of the calls, also of calls under way at once', async () => {
    const onDisk = new WriterOnDisk({ flushMode });
    const { writer } = onDisk;
    const writes = [writer.write([{ n: 0 }])];
    writer.setHoldExport(true);
    writes.push(writer.write([{ n: 1 }]), writer.write([{ n: 2 }]));
    writer.setHoldExport(false);
    writes.push(writer.write([{ n: 3 }]));
    await Promise.all(writes);
    await writer.close();
    expect(holds(onDisk)).toEqual([
      { eventCount: 1, ...READY },
      { eventCount: 2, ...HELD },
      { eventCount: 1, ...READY },
    ]);
  });

  it('holds what the exit path stores', async () => {
    const onDisk = new WriterOnDisk({ flushMode });
    const { writer } = onDisk;
    await writer.write([{ n: 0 }]);
    writer.setHoldExport(true);
    writer.writeSync?.([{ n: 1 }]);
    await writer.close();
    expect(holds(onDisk)).toEqual([
      { eventCount: 1, ...READY },
      { eventCount: 1, ...HELD },
    ]);
  });

  it('holds the segment that takes over after a failed sync', async () => {
    const onDisk = new WriterOnDisk({ holdExport: true, flushMode });
    await onDisk.writer.write([{ n: 0 }]);
    onDisk.disk.failNext('sync', 'EIO');
    await onDisk.writer.write([{ n: 1 }], { durability: 'synced' });
    await onDisk.writer.close();
    expect(holds(onDisk).length).toBeGreaterThan(0);
    for (const { exportReady } of holds(onDisk)) expect(exportReady).toBe(false);
  });
});

describe('holdExport', () => {
  it('shows in the name of the file that is being written', async () => {
    const onDisk = new WriterOnDisk({ holdExport: true });
    await onDisk.writer.write([{ n: 0 }]);
    const [open] = [...onDisk.disk.files().keys()].filter((path) => path.includes('.ndjson'));
    expect(open).toMatch(new RegExp(`^${SPOOL}/.*\\.ndjson\\.held$`, 'u'));
    await onDisk.writer.close();
  });

  it('must be true or false', () => {
    const wrong = 'yes' as unknown as boolean;
    expect(() => new WriterOnDisk({ holdExport: wrong })).toThrow('holdExport must be true or false, got "yes"');
    expect(() => new WriterOnDisk().writer.setHoldExport(wrong)).toThrow(TypeError);
  });
});
