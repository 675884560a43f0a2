import type { HistogramPoint } from '@relaykit/types';

/** Counts durations by size. */
export class DurationHistogram {
  readonly #bounds: readonly number[];
  readonly #bucketCounts: number[];
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#bucketCounts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  record(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] as number)) bucket += 1;
    this.#bucketCounts[bucket] = (this.#bucketCounts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += seconds;
  }

  point(): HistogramPoint {
    return { labels: {}, count: this.#count, sum: this.#sum, bucketCounts: [...this.#bucketCounts] };
  }
}
