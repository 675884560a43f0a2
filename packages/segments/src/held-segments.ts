import { waitFor } from '@relaykit/retry';
import type { FileHandle, SegmentMetadata, SegmentName } from '@relaykit/types';
import { type Ownership, takeOwnership } from './exclusive-file.ts';
import { HELD_BY_WRITER } from './export-hold.ts';
import { acquireFileLock, LOCK_PATIENCE_MS } from './file-lock.ts';
import { listSpoolFiles } from './list-spool-files.ts';
import { readMetadata, writeMetadata } from './metadata-file.ts';
import { removeSegment } from './removal.ts';
import { isOf } from './segment-copies.ts';
import type { Spool } from './spool.ts';
import { SPOOL_FILE } from './spool-names.ts';
import { toStorageError } from './system-error.ts';

/** The reason in the ledger of what was held back and then given up, where the caller names none. */
export const DISCARDED_REASON = 'discarded';

/** A queue that looks at a held segment has it for a few milliseconds. */
const PAUSE_MS = 5;

/** What became of segments that were held back. */
export interface HeldReport {
  readonly segments: number;
  readonly events: number;
  readonly bytes: number;
  /**
   * What is held as before: segments that somebody else has had for `LOCK_PATIENCE_MS`, and files that are not sealed yet,
   * of a writer that lives or that recovery could not take up. The same call again, later, decides about them.
   */
  readonly inUse: number;
}

/** Which held segments `releaseHeld` lets go. */
export interface HeldOptions {
  /** Which of those that are held: what their metadata says. Defaults to `HELD_BY_WRITER`, the work of `holdExport`. */
  readonly heldReason?: string;
}

/** Which held segments `discardHeld` gives up, and why. */
export interface DiscardHeldOptions extends HeldOptions {
  /** For the ledger. Defaults to `DISCARDED_REASON`. */
  readonly reason?: string;
}

/** Lets held segments go: the metadata of each is replaced, durably. What a crash cuts off is held still. */
export function releaseHeld(spool: Spool, { heldReason = HELD_BY_WRITER }: HeldOptions = {}): Promise<HeldReport> {
  return forEachHeld(spool, heldReason, async ({ heldReason: _, ...metadata }) => {
    await writeMetadata(spool, { ...metadata, exportReady: true });
  });
}

/** Gives held segments up: each is removed like any other, with its record in the ledger. */
export function discardHeld(
  spool: Spool,
  { heldReason = HELD_BY_WRITER, reason = DISCARDED_REASON }: DiscardHeldOptions = {},
): Promise<HeldReport> {
  return forEachHeld(spool, heldReason, async (metadata, fileName, handle) => {
    await removeSegment(spool, { metadata, fileName, handle }, { status: 'dropped', reason });
  });
}

type Decide = (metadata: SegmentMetadata, fileName: string, handle: FileHandle) => Promise<void>;

/**
 * One decision at a time: two that meet would share the segments out between them. The lock is on `spool.json`, which is
 * always there, and which nobody needs locked once it is written.
 */
async function forEachHeld(spool: Spool, heldReason: string, decide: Decide): Promise<HeldReport> {
  const path = spool.pathOf(SPOOL_FILE);
  const lock = await acquireFileLock(spool.fileSystem, path, spool.clock).catch((cause: unknown) => {
    throw toStorageError(cause, { operation: 'open', path });
  });
  try {
    return await decideAboutAll(spool, heldReason, decide);
  } finally {
    await lock.close();
  }
}

async function decideAboutAll(spool: Spool, heldReason: string, decide: Decide): Promise<HeldReport> {
  const report = { segments: 0, events: 0, bytes: 0, inUse: 0 };
  const heldMetadata = async (segment: SegmentName): Promise<SegmentMetadata | undefined> => {
    const metadata = await readMetadata(spool, segment.id);
    const isHeld = metadata?.exportReady === false && metadata.heldReason === heldReason;
    return isHeld && isOf(metadata, segment) ? metadata : undefined;
  };
  for (const { kind, segment, fileName, isHeld } of await listSpoolFiles(spool)) {
    try {
      if (kind === 'active' && isHeld && heldReason === HELD_BY_WRITER) report.inUse += 1;
      if (kind !== 'sealed' || !(await heldMetadata(segment))) continue;
      const ownership = await ownPatiently(spool, fileName);
      if (ownership.status === 'busy') report.inUse += 1;
      if (ownership.status !== 'owned') continue;
      try {
        // Somebody else may have decided between the two looks; a quarantine that was cut off is recovery's to finish.
        const metadata = await heldMetadata(segment);
        if (!metadata || (await spool.ledger.findDurable(segment.id))) continue;
        await decide(metadata, fileName, ownership.handle);
        report.segments += 1;
        report.events += metadata.eventCount;
        report.bytes += metadata.bytes;
      } finally {
        await ownership.handle.close();
      }
    } catch (cause) {
      throw toStorageError(cause, { operation: 'write', path: spool.pathOf(fileName) });
    }
  }
  return report;
}

async function ownPatiently(spool: Spool, fileName: string): Promise<Ownership> {
  const { clock, fileSystem } = spool;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const ownership = await takeOwnership(fileSystem, spool.pathOf(fileName));
    if (ownership.status !== 'busy' || clock.monotonicMs() - startedMs > LOCK_PATIENCE_MS) return ownership;
    await waitFor(PAUSE_MS, { clock, keepsProcessAlive: true });
  }
}
