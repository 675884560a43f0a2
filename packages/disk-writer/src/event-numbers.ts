import type { PendingCommit } from './pending-commit.ts';

/** The numbers of a writer's events, from 0, without holes: given out in the order in which batches are written. */
export class EventNumbers<TEvent> {
  #next = 0;

  /** The number that is given out next. */
  get next(): number {
    return this.#next;
  }

  /** Gives out so many. Returns the first. */
  take(eventCount: number): number {
    const first = this.#next;
    this.#next += eventCount;
    return first;
  }

  /** The batch is written: its events have their numbers. */
  place(commit: PendingCommit<TEvent>, segmentId: string): void {
    commit.place = { segmentId, firstSequence: this.take(commit.batch.eventCount) };
    commit.state = 'written';
  }

  /** The end of what was written was never there: its numbers are given out again. */
  takeBack(commits: readonly PendingCommit<TEvent>[]): void {
    this.#next = Math.min(this.#next, ...commits.map(({ place }) => place.firstSequence));
  }

  /** Whether the exit path has neither stored behind these batches nor acknowledged one: if it has, they must stay. */
  isLast(commits: readonly PendingCommit<TEvent>[]): boolean {
    if (commits.some(({ state }) => state !== 'written')) return false;
    const last = commits.at(-1);
    return last !== undefined && last.place.firstSequence + last.batch.eventCount === this.#next;
  }
}
