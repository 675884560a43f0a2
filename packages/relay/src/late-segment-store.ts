import type {
  AfterDelivery,
  LeaseAttempt,
  SegmentInfo,
  SegmentName,
  SegmentOutcome,
  SegmentStore,
} from '@relaykit/types';

/**
 * A store that is opened by its first use, so that a relay can be made at once and without touching the disk. An
 * opening that failed fails that use, and the next one tries again: a disk that comes back is used.
 */
export class LateSegmentStore<Store extends SegmentStore = SegmentStore> implements SegmentStore {
  readonly #openStore: () => Promise<Store>;
  #store: Promise<Store> | undefined;

  constructor(openStore: () => Promise<Store>) {
    this.#openStore = openStore;
  }

  /** Opens the store now, or waits for the opening under way. */
  open(): Promise<Store> {
    return this.#opened();
  }

  async *list(): AsyncIterable<SegmentName> {
    yield* (await this.#opened()).list();
  }

  async info(id: string): Promise<SegmentInfo | undefined> {
    return (await this.#opened()).info(id);
  }

  async lease(id: string): Promise<LeaseAttempt> {
    return (await this.#opened()).lease(id);
  }

  async hasQuarantineRoomFor(bytes: number): Promise<boolean> {
    return (await (await this.#opened()).hasQuarantineRoomFor?.(bytes)) ?? false;
  }

  async outcomesSinceDelivery(): Promise<readonly SegmentOutcome[]> {
    return (await (await this.#opened()).outcomesSinceDelivery?.()) ?? [];
  }

  async sweepArchive(afterDelivery: AfterDelivery): Promise<void> {
    await (await this.#opened()).sweepArchive?.(afterDelivery);
  }

  async checkArchive(afterDelivery: AfterDelivery): Promise<void> {
    await (await this.#opened()).checkArchive?.(afterDelivery);
  }

  /** Does not open what never was. */
  async close(): Promise<void> {
    // An opening that failed has been reported to whoever asked for it, and left nothing to close.
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
  }

  #opened(): Promise<Store> {
    this.#store ??= this.#openStore().catch((cause: unknown) => {
      this.#store = undefined;
      throw cause;
    });
    return this.#store;
  }
}
