// Goal: on a disk that is really full the writer stops or makes room, as it was told, and goes on by itself.
// Method: a small tmpfs, where this user may mount one.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exponentialBackoff, noRetry } from '@relaykit/retry';
import { rotateByEvents } from '@relaykit/rotation';
import type { DroppedSegment } from '@relaykit/segments';
import { isRelayError } from '@relaykit/types';
import { afterAll, describe, expect, it } from 'vitest';
import { FileDiskWriter } from '../../src/index.ts';
import { recoverAndRead, type TestEvent } from './recovered.ts';

const SIZE = '256k';
const mounts: string[] = [];
const isMounted = mountTmpfs() !== undefined;
const name = isMounted ? `a full tmpfs of ${SIZE}` : 'a full tmpfs (left out: this user may not mount one)';

describe.skipIf(!isMounted)(name, () => {
  afterAll(() => {
    for (const directory of mounts) {
      execFileSync('umount', [directory]);
      rmSync(directory, { recursive: true });
    }
  });

  it('gives up the oldest segments, says so, and keeps on writing', async () => {
    const directory = join(mountTmpfs() ?? '', 'spool');
    const dropped: DroppedSegment[] = [];
    const writer = new FileDiskWriter<TestEvent>({
      directory,
      rotation: rotateByEvents(50),
      retry: exponentialBackoff({ maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1 }),
      onSegmentDropped: (segment) => dropped.push(segment),
    });
    const written = 2_000;
    for (let first = 0; first < written; first += 10) await writer.write(events(first, 10));
    await writer.close();

    const { ids, accounts } = await recoverAndRead(directory);
    const droppedCount = dropped.reduce((sum, { eventCount }) => sum + eventCount, 0);
    expect(dropped.every(({ reason }) => reason === 'diskFull')).toBe(true);
    expect(droppedCount).toBeGreaterThan(0);
    expect(ids).toEqual(events(droppedCount, written - droppedCount).map(({ id }) => id));
    expect(accounts).toMatchObject({ pending: ids.length, dropped: { diskFull: droppedCount }, lost: 0, repeated: 0 });
  });

  it('refuses new events where it was told to, keeps the old ones, and goes on once there is room', async () => {
    const mount = mountTmpfs() ?? '';
    const directory = join(mount, 'spool');
    const filler = join(mount, 'filler');
    writeFileSync(filler, new Uint8Array(150_000));
    const writer = new FileDiskWriter<TestEvent>({
      directory,
      rotation: rotateByEvents(50),
      retry: noRetry,
      whenFull: 'refuseNew',
    });
    let next = 0;
    let refusal: unknown;
    while (refusal === undefined && next < 5_000) {
      await writer.write(events(next, 10)).then(
        () => {
          next += 10;
        },
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(isRelayError(refusal, 'RELAY_STORAGE_FULL') && refusal.facts).toMatchObject({ systemCode: 'ENOSPC' });
    expect(next).toBeGreaterThan(0);
    await expect(writer.write(events(next, 10))).rejects.toMatchObject({ code: 'RELAY_STORAGE_FULL' });

    rmSync(filler);
    for (const end = next + 100; next < end; next += 10) await writer.write(events(next, 10));
    await writer.close();
    const { ids, accounts } = await recoverAndRead(directory);
    expect(ids).toEqual(events(0, next).map(({ id }) => id));
    expect(accounts).toMatchObject({ pending: next, dropped: {}, lost: 0, repeated: 0 });
  });
});

function events(first: number, count: number): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ id: String(first + index), padding: 'x'.repeat(200) }));
}

/** `undefined` where it may not be done. */
function mountTmpfs(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-tmpfs-'));
  try {
    mkdirSync(directory, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'tmpfs', directory], { stdio: 'ignore' });
    mounts.push(directory);
    return directory;
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
}
