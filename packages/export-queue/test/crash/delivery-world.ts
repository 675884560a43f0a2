// What happens outside the disk while a scenario runs: the receiver, and a journal of who was told what.
import type { SegmentUploader, UploadResult } from '@relaykit/types';

/** Where a segment can be. `held`: it waits and is not ready. */
export type Place = 'pending' | 'held' | 'delivered' | 'quarantined' | 'dropped';

export interface KnownSegment {
  readonly id: string;
  readonly text: string;
  readonly firstSequence: number;
  readonly eventCount: number;
}

/**
 * - `maybe`: something began that may put the segment there. `surely`: whoever began it was told that it is there.
 * - `accepted`: the receiver took it.
 */
export interface JournalEntry {
  readonly kind: 'maybe' | 'surely' | 'accepted';
  readonly id: string;
  readonly place: Place;
}

export class DeliveryWorld {
  readonly segments = new Map<string, KnownSegment>();
  /** Its length is the version of the truth at a step. */
  readonly journal: JournalEntry[] = [];
  readonly #random: () => number;
  /** Who is sending a segment just now, by its id. */
  readonly #underWay = new Map<string, { readonly isAlive: boolean }>();

  constructor(random: () => number) {
    this.#random = random;
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  add(segment: KnownSegment, place: Place): void {
    this.segments.set(segment.id, segment);
    this.surely(segment.id, place);
  }

  maybe(id: string, place: Place): void {
    this.journal.push({ kind: 'maybe', id, place });
  }

  surely(id: string, place: Place): void {
    this.journal.push({ kind: 'surely', id, place });
  }

  /** Where each segment may be once `version` entries are written. */
  placesAt(version: number): ReadonlyMap<string, ReadonlySet<Place>> {
    const places = new Map<string, Set<Place>>();
    for (const { kind, id, place } of this.journal.slice(0, version)) {
      const known = places.get(id);
      if (kind === 'surely' || !known) places.set(id, new Set([place]));
      else known.add(place);
    }
    return places;
  }

  acceptedAt(version: number): readonly string[] {
    return this.journal.slice(0, version).flatMap(({ kind, id }) => (kind === 'accepted' ? [id] : []));
  }

  /** The uploader of one process; the receiver behind it is the same for all. */
  uploaderOf(process: { readonly isAlive: boolean }, answer: (id: string) => UploadResult): SegmentUploader {
    return {
      upload: async (segment) => {
        const { id } = segment.info;
        if (this.#underWay.get(id)?.isAlive) throw new BrokenPromise(`sent by two at a time: ${id}`);
        this.#underWay.set(id, process);
        let text = '';
        for await (const piece of segment.stream()) text += new TextDecoder().decode(piece);
        for (let turns = this.below(6); turns > 0; turns -= 1) await Promise.resolve();
        this.#underWay.delete(id);
        if (segment.idempotencyKey !== id) throw new BrokenPromise(`sent with another key: ${segment.idempotencyKey}`);
        if (text !== this.segments.get(id)?.text) throw new BrokenPromise(`other bytes were sent: ${id}`);
        const result = answer(id);
        if (result.status === 'accepted') this.journal.push({ kind: 'accepted', id, place: 'delivered' });
        if (result.status === 'rejected') this.maybe(id, 'quarantined');
        return result;
      },
    };
  }
}

/** A promise that was broken; the queue must not take it for trouble with the receiver. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}
