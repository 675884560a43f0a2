import type { SegmentName, SegmentStore } from '@relaykit/types';
import { CycleTally } from './cycle-tally.ts';
import type { Deferrals } from './deferrals.ts';
import type { DestinationHealth } from './destination-health.ts';
import type { CycleEnd } from './drain-report.ts';
import type { ExportOrder } from './export-queue-options.ts';
import { pickProbe } from './pick-probe.ts';
import type { DeliveryOutcome } from './segment-delivery.ts';
import type { SteadyTime } from './steady-time.ts';

/**
 * Names read ahead while their writer's earlier segment is under way, so that other writers go on meanwhile; they are
 * all that a cycle holds of the listing.
 */
export const MAX_NAMES_READ_AHEAD = 256;

/** Held segments are looked at again after this, or when woken: another process may have released them. */
export const HELD_RECHECK_MS = 60_000;

/** Segments that another queue has are left to it for this long before they are tried again. */
const BUSY_RECHECK_MS = 5_000;

/** Candidates that a probe may find busy, held or gone before the cycle goes on without one. */
const MAX_PROBE_CANDIDATES = 10;

export interface ExportCycleOptions {
  readonly store: SegmentStore;
  readonly concurrency: number;
  readonly order: ExportOrder;
  readonly time: SteadyTime;
  readonly deferrals: Deferrals;
  readonly health: DestinationHealth;
  readonly deliver: (name: SegmentName) => Promise<DeliveryOutcome>;
  /** Segments that were accepted and whose outcome the disk did not take so far. */
  readonly unrecorded: readonly SegmentName[];
  /** Asked before each upload: what stands in the way, if anything. Never rejects. `storage` concerns this segment only. */
  readonly obstacle: (name?: SegmentName) => Promise<CycleEnd | undefined>;
}

/**
 * One pass over the waiting segments, oldest first, each tried at most once. Reads the listing once, as it goes; after
 * an end before the last segment it goes on counting names.
 */
export class ExportCycle {
  readonly tally: CycleTally = new CycleTally();
  readonly #options: ExportCycleOptions;
  readonly #isStrict: boolean;
  readonly #underWay = new Set<Promise<void>>();
  /** Writers of which a segment is under way, with the names behind it. Strict order only. */
  readonly #behind = new Map<string, SegmentName[]>();
  /** Writers that wait for one of their segments until the next cycle. Strict order only. */
  readonly #heldBack = new Set<string>();
  /** Those of `unrecorded` that the listing has not shown. */
  readonly #unlisted = new Map<string, SegmentName>();
  #namesReadAhead = 0;
  #probed: string | undefined;
  #hasStorageTrouble = false;
  #endedBy: CycleEnd | undefined;
  #onProgress: (() => void) | undefined;

  constructor(options: ExportCycleOptions) {
    this.#options = options;
    this.#isStrict = options.order === 'perWriter';
  }

  /** @throws What the listing throws, once nothing is under way any more. */
  async run(): Promise<CycleEnd> {
    const { store, deferrals, health } = this.#options;
    deferrals.beginCycle();
    this.#endedBy = await this.#options.obstacle();
    try {
      if (health.needsProbe && this.#endedBy === undefined) await this.#probe();
      for (const name of this.#options.unrecorded) this.#unlisted.set(name.id, name);
      for await (const name of store.list()) await this.#offer(name);
      deferrals.endCompleteCycle();
      if (this.#endedBy === undefined) await this.#settleUnlisted();
    } finally {
      await Promise.all(this.#underWay);
    }
    return this.#endedBy ?? (this.#hasStorageTrouble ? 'storage' : 'completed');
  }

  /** After a pause one segment goes alone; the others follow if the receiver answers. */
  async #probe(): Promise<void> {
    const { store, deferrals, time } = this.#options;
    for (let candidates = 0; candidates < MAX_PROBE_CANDIDATES; candidates += 1) {
      const name = await pickProbe(store, { deferrals, nowMs: time.nowMs(), isStrict: this.#isStrict });
      if (name === undefined || (await this.#isInTheWay(name))) return;
      const outcome = await this.#deliver(name);
      // What was not sent says nothing of the receiver; the pass that follows counts it.
      if (wasNotSent(outcome)) continue;
      this.#probed = name.id;
      this.tally.listed();
      this.tally.count(outcome);
      this.#endedBy ??= await this.#options.obstacle();
      return;
    }
  }

  async #offer(name: SegmentName): Promise<void> {
    this.#options.deferrals.see(name.id);
    this.#unlisted.delete(name.id);
    if (name.id === this.#probed) return;
    this.tally.listed();
    if (this.#endedBy !== undefined || this.#isDeferred(name) || this.#heldBack.has(name.writerId)) return;
    if (await this.#joinWriter(name)) return;
    while (this.#underWay.size >= this.#options.concurrency) await this.#progress();
    if (!(await this.#isInTheWay(name))) this.#start(name);
  }

  /** What others have settled is not listed again; unless it is asked for, it counts as unrecorded for ever. */
  async #settleUnlisted(): Promise<void> {
    for (const name of this.#unlisted.values()) {
      const outcome = await this.#deliver(name);
      if (outcome.status !== 'delivered') continue;
      this.tally.listed();
      this.tally.count(outcome);
    }
  }

  #isDeferred({ id, writerId }: SegmentName): boolean {
    const { deferrals, time } = this.#options;
    const dueAtMs = deferrals.dueAtMs(id);
    if (dueAtMs === undefined || dueAtMs <= time.nowMs()) return false;
    if (deferrals.isHeld(id)) this.tally.held();
    if (this.#isStrict) this.#heldBack.add(writerId);
    return true;
  }

  /** Strict order: a name whose writer has a segment under way waits behind it, or for it to make room. */
  async #joinWriter(name: SegmentName): Promise<boolean> {
    while (this.#behind.has(name.writerId) && this.#namesReadAhead >= MAX_NAMES_READ_AHEAD) await this.#progress();
    const behind = this.#behind.get(name.writerId);
    if (behind === undefined) return this.#heldBack.has(name.writerId);
    behind.push(name);
    this.#namesReadAhead += 1;
    return true;
  }

  async #isInTheWay(name: SegmentName): Promise<boolean> {
    if (this.#endedBy !== undefined) return true;
    const obstacle = await this.#options.obstacle(name);
    if (obstacle === 'storage') this.#hasStorageTrouble = true;
    else this.#endedBy ??= obstacle;
    if (obstacle !== undefined && this.#isStrict) this.#heldBack.add(name.writerId);
    return obstacle !== undefined;
  }

  #start(name: SegmentName): void {
    const run = this.#runInTurn(name).finally(() => {
      this.#underWay.delete(run);
      this.#onProgress?.();
    });
    this.#underWay.add(run);
  }

  /** Delivers a segment and, in strict order, those of its writer that are read meanwhile. */
  async #runInTurn(first: SegmentName): Promise<void> {
    const behind: SegmentName[] = [];
    if (this.#isStrict) this.#behind.set(first.writerId, behind);
    for (let name: SegmentName | undefined = first; name !== undefined; name = behind.shift()) {
      if (name !== first) {
        this.#namesReadAhead -= 1;
        this.#onProgress?.();
        if (await this.#isInTheWay(name)) break;
      }
      const outcome = await this.#deliver(name);
      this.tally.count(outcome);
      if (isOutOfTheWay(outcome)) continue;
      if (this.#isStrict) this.#heldBack.add(first.writerId);
      break;
    }
    this.#namesReadAhead -= behind.length;
    this.#behind.delete(first.writerId);
  }

  /** Delivers and remembers how long the segment rests. */
  async #deliver(name: SegmentName): Promise<DeliveryOutcome> {
    const { deferrals, time } = this.#options;
    const outcome = await this.#options.deliver(name);
    const nowMs = time.nowMs();
    if ('dueAtMs' in outcome) {
      deferrals.defer(name.id, outcome.status === 'trouble' ? 'trouble' : 'retry', outcome.dueAtMs);
    } else if (outcome.status === 'held') deferrals.defer(name.id, 'held', nowMs + HELD_RECHECK_MS);
    else if (outcome.status === 'busy') deferrals.defer(name.id, 'busy', nowMs + BUSY_RECHECK_MS);
    else deferrals.forget(name.id);
    // Also where it is the last one, the cycle did not end by itself.
    if (outcome.status === 'refused' || outcome.status === 'aborted') this.#endedBy ??= await this.#options.obstacle();
    return outcome;
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      this.#onProgress = resolve;
    });
  }
}

function wasNotSent({ status }: DeliveryOutcome): boolean {
  return status === 'gone' || status === 'busy' || status === 'held' || status === 'waiting';
}

function isOutOfTheWay({ status }: DeliveryOutcome): boolean {
  return status === 'delivered' || status === 'quarantined' || status === 'gone';
}
