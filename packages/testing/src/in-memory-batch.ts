import type { BatchAddOutcome, EventBatch } from '@relaykit/types';
import { encodeEvent } from './encode-event.ts';

/** A batch of an `InMemoryDiskWriter`. */
export class InMemoryBatch<TEvent> implements EventBatch<TEvent> {
  /** The writer that opened it, the only one that may store it. */
  readonly owner: object;
  readonly #maxEventBytes: number;
  #lines: string[] = [];
  #sizeBytes = 0;
  #state: 'open' | 'committing' | 'released' = 'open';

  constructor(owner: object, maxEventBytes: number) {
    this.owner = owner;
    this.#maxEventBytes = maxEventBytes;
  }

  get eventCount(): number {
    return this.#lines.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(event: TEvent): BatchAddOutcome {
    this.#expectOpen('add to');
    const encoded = encodeEvent(event, this.#maxEventBytes);
    if ('rejected' in encoded) return encoded;
    this.#lines.push(encoded.json);
    this.#sizeBytes += encoded.sizeBytes;
    return 'added';
  }

  release(): void {
    this.#expectOpen('release');
    this.free();
  }

  /** For the writer: the events, which from now on may not change. */
  beginCommit(): readonly string[] {
    this.#expectOpen('commit');
    this.#state = 'committing';
    return this.#lines;
  }

  /** For the writer: the commit failed, the batch is as it was. */
  abandonCommit(): void {
    if (this.#state === 'committing') this.#state = 'open';
  }

  /** For the writer: the events, whether or not a commit is under way. */
  linesForExit(): readonly string[] {
    if (this.#state === 'released') throw new TypeError('Cannot write a batch that was committed or released.');
    return this.#lines;
  }

  /** For the writer: the events are stored. */
  free(): void {
    this.#state = 'released';
    this.#lines = [];
    this.#sizeBytes = 0;
  }

  #expectOpen(verb: string): void {
    if (this.#state === 'open') return;
    const state = this.#state === 'committing' ? 'is being committed' : 'was committed or released';
    throw new TypeError(`Cannot ${verb} a batch that ${state}; open another one.`);
  }
}
