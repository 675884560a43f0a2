import type { EncodeLimits, EventSerializer, FrameBuilder } from '@relaykit/types';
import { CollectingFrameBuilder } from './collecting-frame-builder.ts';

/** Twice a full default buffer of 8 MiB: memory that is used again, and not more than that is kept from others. */
const MAX_POOLED_BYTES: number = 16 * 1024 * 1024;
/** A builder that grew for one huge event is not kept. */
const MAX_BUILDER_BYTES: number = 512 * 1024;
/** What a builder that was never full is taken to hold. */
const SMALL_BUILDER_BYTES: number = 8 * 1024;

/** Frame builders whose memory is used again. */
export class FrameBuilderPool<TEvent> {
  readonly #serializer: EventSerializer<TEvent>;
  readonly #limits: EncodeLimits;
  readonly #idle: FrameBuilder<TEvent>[] = [];
  /** The most that each builder ever held, by which its memory is judged. */
  readonly #peakBytes = new WeakMap<FrameBuilder<TEvent>, number>();
  #pooledBytes = 0;

  constructor(serializer: EventSerializer<TEvent>, limits: EncodeLimits) {
    this.#serializer = serializer;
    this.#limits = limits;
    // A serializer that cannot be used is noticed when the writer is made, not with the first event.
    this.give(this.take());
  }

  take(): FrameBuilder<TEvent> {
    const builder = this.#idle.pop();
    if (builder) {
      this.#pooledBytes -= this.#peakBytes.get(builder) ?? 0;
      return builder;
    }
    return (
      this.#serializer.createFrameBuilder?.(this.#limits) ?? new CollectingFrameBuilder(this.#serializer, this.#limits)
    );
  }

  give(builder: FrameBuilder<TEvent>): void {
    const knownBytes = this.#peakBytes.get(builder);
    const peakBytes = Math.max(builder.sizeBytes, knownBytes ?? SMALL_BUILDER_BYTES);
    if (peakBytes > MAX_BUILDER_BYTES || this.#pooledBytes + peakBytes > MAX_POOLED_BYTES) return;
    builder.reset();
    if (peakBytes !== knownBytes) this.#peakBytes.set(builder, peakBytes);
    this.#pooledBytes += peakBytes;
    this.#idle.push(builder);
  }
}
