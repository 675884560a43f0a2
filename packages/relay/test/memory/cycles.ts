// Rapid cycles of adding events and flushing, on a disk that is healthy, slow or failing, with everything counted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountForSpool, recoverSpool, Spool } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';
import { createRelay, noRetry, retainFileCount } from '../../src/index.ts';
import { type DiskKind, diskOf } from './disk.ts';

export interface CyclesOptions {
  readonly disk: DiskKind;
  readonly cycles: number;
  readonly eventsPerCycle: number;
  readonly maxEvents: number;
  /** Called after each cycle. */
  readonly onCycle?: (cycle: number) => void;
}

export interface CyclesOutcome {
  readonly added: number;
  readonly persisted: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The most events, and the most bytes, that were in memory at the end of a cycle's adding. */
  readonly mostBuffered: number;
  readonly mostBytes: number;
  readonly failedWrites: number;
  /** Events that the spool knows of: those that wait, those it gave up, and those that the buffer dropped. */
  readonly inSpool: number;
}

export async function runCycles(options: CyclesOptions): Promise<CyclesOutcome> {
  const { disk, cycles, eventsPerCycle, maxEvents, onCycle } = options;
  const parent = mkdtempSync(join(tmpdir(), 'relaykit-memory-'));
  const directory = join(parent, 'spool');
  let isBroken = false;
  const relay = createRelay<{ readonly n: number }>({
    directory,
    fileSystem: diskOf(disk, () => isBroken),
    retry: noRetry,
    // What a segment costs in memory is small, and would grow with their number all the same.
    maxSegmentEvents: Math.max(1, Math.floor((cycles * eventsPerCycle) / 20)),
    retention: retainFileCount(3),
    onSegmentDropped: () => undefined,
    buffer: { maxEvents, overflow: 'dropNewest' },
  });
  let [mostBuffered, mostBytes] = [0, 0];
  const isBrokenIn = (cycle: number): boolean => cycle % 4 !== 0;
  try {
    await relay.open();
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      isBroken = isBrokenIn(cycle);
      for (let n = 0; n < eventsPerCycle; n += 1) relay.add({ n });
      const { buffered, bufferedBytes } = relay.counts();
      mostBuffered = Math.max(mostBuffered, buffered);
      mostBytes = Math.max(mostBytes, bufferedBytes);
      const flushed = relay.flush({ durability: 'synced' }).catch(() => undefined);
      // A slow disk is overrun: nobody waits for it.
      if (disk !== 'slow') await flushed;
      else await new Promise((resolve) => setImmediate(resolve));
      onCycle?.(cycle);
    }
    isBroken = false;
    await relay.close();
    const { added, persisted, dropped, failedWrites } = relay.counts();
    const spool = Spool.openSync({ directory });
    // Ends what the failing disk left half done, as the next writer would.
    await recoverSpool(spool, [new JSONEventSerializer()]);
    const accounts = await accountForSpool(spool);
    const inSpool = accounts.pending + Object.values(accounts.dropped).reduce((sum, count) => sum + count, 0);
    return { added, persisted, dropped, mostBuffered, mostBytes, failedWrites, inSpool };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

export function sumOf(dropped: Readonly<Record<string, number>>): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}
