import { parseHttpDate } from '@relaykit/export-queue/uploader-kit';
import type { Clock } from '@relaykit/types';

/** A difference below this is the time an answer takes; a store refuses 15 minutes. */
export const MIN_CLOCK_CORRECTION_MS = 60_000;

/** The time that requests are signed with: the machine's, put right by the store's where that refused it. */
export class StoreClock {
  readonly #clock: Clock;
  #offsetMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  /** Takes over the time of an answer's `Date`. Returns whether that changed anything. */
  follow(date: string | undefined): boolean {
    const atMs = parseHttpDate(date?.trim() ?? '');
    if (atMs === undefined) return false;
    if (Math.abs(atMs - this.now()) < MIN_CLOCK_CORRECTION_MS) return false;
    this.#offsetMs = atMs - this.#clock.now();
    return true;
  }
}
