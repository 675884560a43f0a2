import type { RetainedSegment, SegmentName, SpoolTotals } from '@relaykit/types';

export interface IndexedSegment {
  readonly name: SegmentName;
  readonly sizeBytes: number;
  /** Age when it was seen first, and when that was, on the monotonic clock. */
  readonly ageMs: number;
  readonly seenAtMs: number;
}

/** The sealed segments of a spool in order, with running sums: asking for those costs nothing, in a spool of any size. */
export class SegmentIndex {
  readonly #byId = new Map<string, IndexedSegment>();
  /** Ids in order; those that were removed stay until they make up half of it. */
  #order: string[] = [];
  #isSorted = true;
  #totalBytes = 0;

  get totals(): SpoolTotals {
    return { fileCount: this.#byId.size, totalBytes: this.#totalBytes };
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): IndexedSegment | undefined {
    return this.#byId.get(id);
  }

  ids(): Iterable<string> {
    return this.#byId.keys();
  }

  add(segment: IndexedSegment): void {
    const { id } = segment.name;
    if (this.#byId.has(id)) return;
    this.#byId.set(id, segment);
    this.#totalBytes += segment.sizeBytes;
    const newest = this.#order.at(-1);
    // One that was removed and comes again stands there still.
    if (newest !== undefined && newest >= id) this.#isSorted = false;
    this.#order.push(id);
  }

  remove(id: string): void {
    const segment = this.#byId.get(id);
    if (!segment) return;
    this.#byId.delete(id);
    this.#totalBytes -= segment.sizeBytes;
    if (this.#order.length > 2 * this.#byId.size + 16) this.#order = this.#order.filter((kept) => this.#byId.has(kept));
  }

  *oldestFirst(nowMs: number, isOffered: (id: string) => boolean): Generator<RetainedSegment> {
    if (!this.#isSorted) {
      this.#order = [...this.#byId.keys()].sort();
      this.#isSorted = true;
    }
    for (const id of this.#order) {
      const segment = this.#byId.get(id);
      if (!segment || !isOffered(id)) continue;
      const { name, sizeBytes, ageMs, seenAtMs } = segment;
      yield { ...name, sizeBytes, ageMs: ageMs + (nowMs - seenAtMs), isDelivered: false };
    }
  }
}
