import { waitFor } from '@relaykit/retry';
import type { Clock } from '@relaykit/types';

/** Spreads bytes over time, over all uploads of a queue together. */
export class BandwidthLimit {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When the bytes given out so far have had their time. */
  #freeAtMs = 0;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Largest piece that keeps the flow even: a quarter of a second's worth. */
  get pieceBytes(): number {
    return Math.max(1, Math.ceil(this.#bytesPerSecond / 4));
  }

  /** Resolves when `bytes` may go. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonicMs();
    const startMs = Math.max(now, this.#freeAtMs);
    this.#freeAtMs = startMs + (bytes / this.#bytesPerSecond) * 1_000;
    if (startMs > now) await waitFor(startMs - now, { clock: this.#clock, signal, keepsProcessAlive: true });
  }
}
