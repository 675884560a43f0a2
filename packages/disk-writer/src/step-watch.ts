import type { ActiveSegmentFile } from '@relaykit/segments';
import type { Clock } from '@relaykit/types';
import type { RetryFacts } from './metrics-activity.ts';

/** Whoever wants to know of steps on the file system. */
export interface StepWatch {
  retried(facts: RetryFacts): void;
  synced(durationMs: number): void;
}

/** Syncs a segment, and says how long that took where there was anything to sync. */
export async function syncWatched(
  segment: ActiveSegmentFile,
  clock: Clock,
  watch: StepWatch | undefined,
): Promise<void> {
  if (!watch || segment.synced.sizeBytes === segment.end.sizeBytes) return segment.sync();
  const startedMs = clock.monotonicMs();
  await segment.sync();
  watch.synced(clock.monotonicMs() - startedMs);
}
