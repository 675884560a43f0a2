import type { BatchAddOutcome, EventBatch, FrameBuilder } from '@relaykit/types';
import type { FrameBuilderPool } from './frame-builder-pool.ts';

/** A frame is closed at the first of these: what compresses or encrypts it is then done within a few milliseconds. */
export const MAX_FRAME_BYTES: number = 256 * 1024;
/** Most events of one frame. Not an option: it bounds how long one encoding step takes. */
export const MAX_FRAME_EVENTS = 1_000;

/** Events encoded as they are added, in pieces that become frames. */
export class FrameBatch<TEvent> implements EventBatch<TEvent> {
  /** Who opened it; only that writer may commit it. */
  readonly owner: object;
  readonly #pool: FrameBuilderPool<TEvent>;
  #builders: FrameBuilder<TEvent>[] = [];
  #current: FrameBuilder<TEvent> | undefined;
  #closedEvents = 0;
  #closedBytes = 0;
  #state: 'open' | 'committing' | 'released' = 'open';

  constructor(owner: object, pool: FrameBuilderPool<TEvent>) {
    this.owner = owner;
    this.#pool = pool;
  }

  add(event: TEvent): BatchAddOutcome {
    if (this.#state !== 'open') throw new TypeError(`batch must be open, it is ${this.#state}; open another one`);
    const current = this.#current ?? this.#nextBuilder();
    const outcome = current.add(event);
    if (current.eventCount >= MAX_FRAME_EVENTS || isFull(current)) this.#closeCurrent(current);
    return outcome;
  }

  get eventCount(): number {
    return this.#closedEvents + (this.#current?.eventCount ?? 0);
  }

  get sizeBytes(): number {
    return this.#closedBytes + (this.#current?.sizeBytes ?? 0);
  }

  get sizeBytesAtMost(): number {
    return this.#closedBytes + (this.#current === undefined ? 0 : sizeAtMost(this.#current));
  }

  release(): void {
    if (this.#state === 'released') throw new TypeError('batch must not be released twice');
    if (this.#state === 'committing') throw new TypeError('batch must not be released while it is being committed');
    this.giveBack();
  }

  /** Those that hold events, in order. */
  get builders(): readonly FrameBuilder<TEvent>[] {
    return this.#builders;
  }

  startCommit(): void {
    if (this.#state !== 'open') throw new TypeError(`batch must be open to be committed, it is ${this.#state}`);
    this.#state = 'committing';
  }

  /** After a failed commit: it may be committed again, or take more. */
  reopen(): void {
    this.#state = 'open';
  }

  /** After a successful commit. */
  giveBack(): void {
    this.#state = 'released';
    for (const builder of this.#builders) this.#pool.give(builder);
    this.#builders = [];
    this.#current = undefined;
    this.#closedEvents = 0;
    this.#closedBytes = 0;
  }

  #nextBuilder(): FrameBuilder<TEvent> {
    this.#current = this.#pool.take();
    this.#builders.push(this.#current);
    return this.#current;
  }

  #closeCurrent(builder: FrameBuilder<TEvent>): void {
    this.#closedEvents += builder.eventCount;
    this.#closedBytes += builder.sizeBytes;
    this.#current = undefined;
  }
}

function isFull(builder: FrameBuilder<never>): boolean {
  return sizeAtMost(builder) >= MAX_FRAME_BYTES && builder.sizeBytes >= MAX_FRAME_BYTES;
}

function sizeAtMost(builder: FrameBuilder<never>): number {
  return builder.sizeBytesAtMost ?? builder.sizeBytes;
}
