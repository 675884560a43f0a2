import type { SpoolSnapshot, SpoolWatcher } from './spool-snapshot.ts';

/** What a chart needs of a snapshot. */
export interface Sample {
  readonly atMs: number;
  readonly pending: number;
  readonly pendingBytes: number;
  readonly quarantined: number;
  readonly oldestAgeMs: number;
  /** Bytes that all segments ever took: their growth is the speed of recording. */
  readonly recordedBytes: number;
  readonly delivered: number;
}

/** An hour at a sample each second. */
export const maxSamples = 3_600;

/** The last snapshot, and samples of those before: bounded, however long it runs. */
export class SampleHistory {
  readonly #watcher: SpoolWatcher;
  readonly #samples: Sample[] = [];
  #latest: SpoolSnapshot | undefined;

  constructor(watcher: SpoolWatcher) {
    this.#watcher = watcher;
  }

  get latest(): SpoolSnapshot | undefined {
    return this.#latest;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  async take(): Promise<SpoolSnapshot> {
    const snapshot = await this.#watcher.snapshot();
    this.#latest = snapshot;
    this.#samples.push(sampleOf(snapshot));
    if (this.#samples.length > maxSamples) this.#samples.shift();
    return snapshot;
  }
}

export function sampleOf(snapshot: SpoolSnapshot): Sample {
  const { at, pending, bytes, segments, oldestPendingAt, recordedBytes, delivered } = snapshot;
  const atMs = Date.parse(at);
  return {
    atMs,
    pending,
    pendingBytes: bytes.pending + bytes.open,
    quarantined: segments.quarantined,
    oldestAgeMs: oldestPendingAt === undefined ? 0 : Math.max(0, atMs - Date.parse(oldestPendingAt)),
    recordedBytes,
    delivered,
  };
}

/** Growth in a second between neighbouring samples; 0 where a count went back, as that of a spool that was replaced. */
export function ratesOf(samples: readonly Sample[], value: (sample: Sample) => number): number[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? sample;
    const seconds = (sample.atMs - before.atMs) / 1_000;
    return seconds > 0 ? Math.max(0, (value(sample) - value(before)) / seconds) : 0;
  });
}
