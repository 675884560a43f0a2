import type { BatchAddOutcome, EncodedFrame, FrameBuilder, FrameContext } from '@relaykit/types';

/** What makes a frame of the inner format's frame. */
export interface FrameWrapper {
  wrap(inner: EncodedFrame): EncodedFrame | Promise<EncodedFrame>;
  wrapSync(inner: EncodedFrame): EncodedFrame;
}

/** Collects events in the inner format's builder, and does its own work when a frame is asked for. */
export class FramedBuilder<TEvent> implements FrameBuilder<TEvent> {
  readonly #inner: FrameBuilder<TEvent>;
  readonly #wrapper: FrameWrapper;
  /** Missing where the inner format's builder has none. */
  readonly finishSync?: (context: FrameContext) => EncodedFrame;

  constructor(inner: FrameBuilder<TEvent>, wrapper: FrameWrapper) {
    this.#inner = inner;
    this.#wrapper = wrapper;
    if (inner.finishSync) {
      const finishSync = inner.finishSync.bind(inner);
      this.finishSync = (context) => wrapper.wrapSync(finishSync(context));
    }
  }

  get eventCount(): number {
    return this.#inner.eventCount;
  }

  get sizeBytes(): number {
    return this.#inner.sizeBytes;
  }

  get sizeBytesAtMost(): number {
    return this.#inner.sizeBytesAtMost ?? this.#inner.sizeBytes;
  }

  add(event: TEvent): BatchAddOutcome {
    return this.#inner.add(event);
  }

  finish(context: FrameContext): EncodedFrame | Promise<EncodedFrame> {
    const frame = this.#inner.finish(context);
    return frame instanceof Promise ? frame.then((inner) => this.#wrapper.wrap(inner)) : this.#wrapper.wrap(frame);
  }

  reset(): void {
    this.#inner.reset();
  }
}
