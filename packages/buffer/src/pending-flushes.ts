/** One call of `flush` that waits. */
interface PendingFlush {
  /** Id of the youngest batch that held an event at the time of the call. */
  readonly throughId: number;
  readonly isSynced: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** The calls of `flush` that wait, and what they wait for. */
export class PendingFlushes {
  readonly #pending = new Set<PendingFlush>();

  wait(throughId: number, isSynced: boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#pending.delete(flush);
        signal?.removeEventListener('abort', abort);
      };
      const flush: PendingFlush = {
        throughId,
        isSynced,
        resolve: () => {
          end();
          resolve();
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const abort = (): void => flush.reject(signal?.reason);
      this.#pending.add(flush);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Whether somebody waits until batch `id`, as the last of theirs, is synced. */
  needsSyncAt(id: number): boolean {
    for (const flush of this.#pending) if (flush.isSynced && flush.throughId === id) return true;
    return false;
  }

  /** Whether somebody waits for nothing but a sync, every batch before `oldestId` being stored. */
  needsSyncBefore(oldestId: number): boolean {
    for (const flush of this.#pending) if (flush.isSynced && flush.throughId < oldestId) return true;
    return false;
  }

  /** Every batch before `oldestId` is stored, and synced too where `isSynced` says so. */
  resolveBefore(oldestId: number, isSynced: boolean): void {
    for (const flush of this.#pending) if (flush.throughId < oldestId && (isSynced || !flush.isSynced)) flush.resolve();
  }

  /** Batch `id` could not be stored: neither could what those wait for who wait for it. */
  rejectFrom(id: number, error: unknown): void {
    for (const flush of this.#pending) if (flush.throughId >= id) flush.reject(error);
  }

  /** A sync failed, after every batch before `oldestId` was stored. */
  rejectSyncedBefore(oldestId: number, error: unknown): void {
    for (const flush of this.#pending) if (flush.isSynced && flush.throughId < oldestId) flush.reject(error);
  }
}
