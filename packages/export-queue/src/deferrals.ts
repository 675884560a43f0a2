interface Deferral {
  readonly dueAtMs: number;
  readonly kind: DeferralKind;
  /** The last cycle that listed the segment. */
  cycle: number;
}

/**
 * - `retry`: an attempt failed.
 * - `held`: not ready for export, which others may change at any time.
 * - `busy`: another queue has it.
 * - `trouble`: its files could not be read or written.
 */
export type DeferralKind = 'retry' | 'held' | 'busy' | 'trouble';

/**
 * Which segments need not be opened before when, so that a cycle over thousands of waiting segments reads names only.
 * The truth is on disk; this forgets with the process. Bounded by the segments in the spool.
 */
export class Deferrals {
  readonly #byId = new Map<string, Deferral>();
  #cycle = 0;

  beginCycle(): void {
    this.#cycle += 1;
  }

  /** Forgets what the cycle's complete listing did not show. */
  endCompleteCycle(): void {
    for (const [id, { cycle }] of this.#byId) if (cycle !== this.#cycle) this.#byId.delete(id);
  }

  defer(id: string, kind: DeferralKind, dueAtMs: number): void {
    this.#byId.set(id, { kind, dueAtMs, cycle: this.#cycle });
  }

  forget(id: string): void {
    this.#byId.delete(id);
  }

  /** Lets segments be looked at again at once that others may have released meanwhile. */
  forgetWhatOthersHold(): void {
    for (const [id, { kind }] of this.#byId) if (kind === 'held' || kind === 'busy') this.#byId.delete(id);
  }

  /** Notes that the cycle listed the segment. */
  see(id: string): void {
    const deferral = this.#byId.get(id);
    if (deferral !== undefined) deferral.cycle = this.#cycle;
  }

  /** Until when the segment waits; `undefined`: nothing is known of it. */
  dueAtMs(id: string): number | undefined {
    return this.#byId.get(id)?.dueAtMs;
  }

  isHeld(id: string): boolean {
    return this.#byId.get(id)?.kind === 'held';
  }

  /** Segments last seen as not ready for export. */
  get heldCount(): number {
    let count = 0;
    for (const { kind } of this.#byId.values()) if (kind === 'held') count += 1;
    return count;
  }

  nextDueAtMs(): number | undefined {
    let next: number | undefined;
    for (const { dueAtMs } of this.#byId.values()) if (next === undefined || dueAtMs < next) next = dueAtMs;
    return next;
  }
}
