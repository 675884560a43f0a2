import type { SegmentName, SegmentStore } from '@relaykit/types';
import type { Deferrals } from './deferrals.ts';

export interface PickProbeOptions {
  readonly deferrals: Deferrals;
  readonly nowMs: number;
  /** Only the oldest segment of each writer may go. */
  readonly isStrict: boolean;
}

/**
 * The segment that finds out whether a receiver is back: the oldest that has not failed so far, else the one that has
 * been due the longest. So a segment that always fails is not the one that decides for all others.
 */
export async function pickProbe(
  store: SegmentStore,
  { deferrals, nowMs, isStrict }: PickProbeOptions,
): Promise<SegmentName | undefined> {
  const writers = new Set<string>();
  let longestDue: SegmentName | undefined;
  let longestDueAtMs = nowMs;
  for await (const name of store.list()) {
    if (isStrict && writers.has(name.writerId)) continue;
    if (isStrict) writers.add(name.writerId);
    const dueAtMs = deferrals.dueAtMs(name.id);
    if (dueAtMs === undefined) return name;
    if (dueAtMs > longestDueAtMs || (longestDue !== undefined && dueAtMs === longestDueAtMs)) continue;
    longestDue = name;
    longestDueAtMs = dueAtMs;
  }
  return longestDue;
}
