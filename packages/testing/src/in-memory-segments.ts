import type { Durability } from '@relaykit/types';

/** A segment of an `InMemoryDiskWriter`. */
export interface InMemorySegment {
  readonly id: string;
  /** Position of the segment's first event among those of its writer, from 0. */
  readonly firstSequence: number;
  /** One JSON text an event, without newlines. */
  readonly lines: readonly string[];
  /** How many of the lines, from the first, a power cut would leave. */
  readonly syncedEventCount: number;
  readonly isSealed: boolean;
}

interface MutableSegment {
  readonly id: string;
  readonly firstSequence: number;
  readonly lines: string[];
  syncedEventCount: number;
  isSealed: boolean;
}

/** Where lines landed. */
export interface InMemoryPlace {
  readonly segmentId: string;
  readonly firstSequence: number;
}

/** Lines in rotated segments, and how far each has travelled. */
export class InMemorySegments {
  readonly #writerId: string;
  readonly #maxSegmentEvents: number;
  readonly #segments: MutableSegment[] = [];
  #nextSequence = 0;

  constructor(writerId: string, maxSegmentEvents: number) {
    this.#writerId = writerId;
    this.#maxSegmentEvents = maxSegmentEvents;
  }

  /** Appends lines to one segment; a batch is never split. No lines land nowhere. */
  append(lines: readonly string[]): InMemoryPlace {
    const firstSequence = this.#nextSequence;
    if (lines.length === 0) return { segmentId: '', firstSequence };
    const segment = this.#segmentFor(lines.length);
    for (const line of lines) segment.lines.push(line);
    this.#nextSequence += lines.length;
    return { segmentId: segment.id, firstSequence };
  }

  /** Sequence number of the next event. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Makes the events before `nextSequence` survive a power cut. */
  sync(nextSequence: number = this.#nextSequence): void {
    for (const segment of this.#segments) {
      const covered = Math.min(segment.lines.length, nextSequence - segment.firstSequence);
      segment.syncedEventCount = Math.max(segment.syncedEventCount, covered);
    }
  }

  seal(): void {
    const active = this.#segments.at(-1);
    if (active === undefined) return;
    this.sync();
    active.isSealed = true;
  }

  snapshot(): readonly InMemorySegment[] {
    return this.#segments.map((segment) => ({ ...segment, lines: [...segment.lines] }));
  }

  lines(durability: Durability): string[] {
    return this.#segments.flatMap(({ lines, syncedEventCount }) =>
      durability === 'synced' ? lines.slice(0, syncedEventCount) : lines,
    );
  }

  #segmentFor(incomingEvents: number): MutableSegment {
    const active = this.#segments.at(-1);
    if (active !== undefined && !active.isSealed) {
      if (active.lines.length + incomingEvents <= this.#maxSegmentEvents) return active;
      this.seal();
    }
    const firstSequence = this.#nextSequence;
    const id = `${String(firstSequence).padStart(12, '0')}-${this.#writerId}`;
    const created = { id, firstSequence, lines: [], syncedEventCount: 0, isSealed: false };
    this.#segments.push(created);
    return created;
  }
}
