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
  // No set: one whose elements come and go keeps those that are gone alive in V8, through the tables it outgrew, and
  // many short flushes then fill the old generation.
  #pending: PendingFlush[] = [];

  wait(throughId: number, isSynced: boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const flush: PendingFlush = { throughId, isSynced, resolve, reject };
      this.#pending.push(flush);
      if (signal === undefined) return;
      const abort = (): void =>
        this.#settle(
          (other) => other === flush,
          (aborted) => aborted.reject(signal.reason),
        );
      signal.addEventListener('abort', abort, { once: true });
      const end = (): void => signal.removeEventListener('abort', abort);
      flush.resolve = () => {
        end();
        resolve();
      };
      flush.reject = (error) => {
        end();
        reject(error);
      };
    });
  }

  /** Whether somebody waits for a sync. */
  get needsSync(): boolean {
    for (const flush of this.#pending) if (flush.isSynced) return true;
    return false;
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
    this.#settle(
      (flush) => flush.throughId < oldestId && (isSynced || !flush.isSynced),
      (flush) => flush.resolve(),
    );
  }

  /** Batch `id` could not be stored: neither could what those wait for who wait for it. */
  rejectFrom(id: number, error: unknown): void {
    this.#settle(
      (flush) => flush.throughId >= id,
      (flush) => flush.reject(error),
    );
  }

  /** A sync failed, after every batch before `oldestId` was stored. */
  rejectSyncedBefore(oldestId: number, error: unknown): void {
    this.#settle(
      (flush) => flush.isSynced && flush.throughId < oldestId,
      (flush) => flush.reject(error),
    );
  }

  #settle(isDone: (flush: PendingFlush) => boolean, settle: (flush: PendingFlush) => void): void {
    if (!this.#pending.some(isDone)) return;
    const done = this.#pending.filter(isDone);
    this.#pending = this.#pending.filter((flush) => !isDone(flush));
    for (const flush of done) settle(flush);
  }
}
