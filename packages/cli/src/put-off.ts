import { MAX_RETRY_AFTER_MS } from '@relaykit/export-queue';
import { listSpoolFiles, nodeFileSystem, readExportState } from '@relaykit/segments';
import type { SegmentStore } from '@relaykit/types';

/** Segments that are not tried again before a time, because an attempt failed. */
export interface PutOff {
  readonly waiting: number;
  /** When the first of them may be tried again; where there is one. */
  readonly nextAttemptAtMs?: number;
}

export async function findPutOff(directory: string, store: SegmentStore, nowMs: number): Promise<PutOff> {
  const place = { directory, fileSystem: nodeFileSystem() };
  let waiting = 0;
  let nextAttemptAtMs = Number.POSITIVE_INFINITY;
  for (const { kind, segment } of await listSpoolFiles(place)) {
    if (kind !== 'exportState') continue;
    // Counts as none, as it does to the queue.
    const state = await readExportState(place, segment.id).catch(() => undefined);
    const atMs = state?.nextAttemptAtMs ?? 0;
    // No attempt is put off for longer; the queue takes a later time for damage.
    if (atMs <= nowMs || atMs > nowMs + MAX_RETRY_AFTER_MS) continue;
    const info = await store.info(segment.id);
    if (!info?.metadata.exportReady) continue;
    waiting += 1;
    nextAttemptAtMs = Math.min(nextAttemptAtMs, atMs);
  }
  return waiting === 0 ? { waiting } : { waiting, nextAttemptAtMs };
}
