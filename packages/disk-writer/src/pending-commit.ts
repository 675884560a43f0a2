import type { Durability, RejectedEvent, WriteReceipt } from '@relaykit/types';
import type { FrameBatch } from './frame-batch.ts';

/** A batch on its way to disk. */
export class PendingCommit<TEvent> {
  readonly batch: FrameBatch<TEvent>;
  readonly durability: Durability;
  readonly rejected: readonly RejectedEvent[];
  readonly receipt: Promise<WriteReceipt>;
  /** When the call was made, on the monotonic clock. */
  readonly startedMs: number;
  /** Whether its events are held back from export. */
  readonly isHeld: boolean;
  /**
   * - `queued`: nothing of it is on disk.
   * - `written`: the operating system has it; it waits for its acknowledgement.
   * - `settled`: its promise has settled.
   */
  state: 'queued' | 'written' | 'settled' = 'queued';
  /** Where it was written; set with `written`. */
  place: { readonly segmentId: string; readonly firstSequence: number } = { segmentId: '', firstSequence: 0 };
  /** Encoded events, before compression or encryption. */
  readonly sizeBytes: number;
  /** Whether the disk refused to sync a file that held it. */
  wasRefused = false;
  readonly #writerId: string;
  #settled: WriteReceipt | undefined;
  // Both are set by the promise before its constructor returns.
  #resolve!: (receipt: WriteReceipt) => void;
  #reject!: (cause: unknown) => void;
  #stopListening: (() => void) | undefined;

  constructor(
    writerId: string,
    batch: FrameBatch<TEvent>,
    durability: Durability,
    rejected: readonly RejectedEvent[],
    startedMs: number,
    isHeld: boolean,
  ) {
    this.#writerId = writerId;
    this.batch = batch;
    this.durability = durability;
    this.rejected = rejected;
    this.startedMs = startedMs;
    this.isHeld = isHeld;
    this.sizeBytes = batch.sizeBytes;
    this.receipt = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** While nothing is written, an abort ends the call; afterwards it is too late and the call settles as it would. */
  listenTo(signal: AbortSignal): void {
    const onAbort = (): void => {
      if (this.state === 'queued') this.fail(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', onAbort);
  }

  /** Set once it was acknowledged. */
  get settledReceipt(): WriteReceipt | undefined {
    return this.#settled;
  }

  acknowledge(reached: Durability): WriteReceipt {
    const receipt: WriteReceipt = {
      ...this.place,
      writerId: this.#writerId,
      eventCount: this.batch.eventCount,
      durability: reached,
      rejected: this.rejected,
    };
    this.#settled = receipt;
    this.#settle();
    this.batch.giveBack();
    this.#resolve(receipt);
    return receipt;
  }

  /** Does nothing where the promise has settled: its batch may be in other hands by now. */
  fail(cause: unknown): void {
    if (this.state === 'settled') return;
    this.#settle();
    this.batch.reopen();
    this.#reject(cause);
  }

  #settle(): void {
    this.state = 'settled';
    this.#stopListening?.();
  }
}
