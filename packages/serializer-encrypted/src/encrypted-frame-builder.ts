import type { BatchAddOutcome, EncodedFrame, FrameBuilder, FrameContext } from '@relaykit/types';
import { type FrameFormat, sealEvents } from './frame-format.ts';

/** Lets the inner builder gather events, and encrypts what it makes of them. Each `finish` takes a new nonce. */
export class EncryptedFrameBuilder<TEvent> implements FrameBuilder<TEvent> {
  readonly #format: FrameFormat<TEvent>;
  readonly #inner: FrameBuilder<TEvent>;
  /** Missing where the inner builder has none. */
  readonly finishSync?: (context: FrameContext) => EncodedFrame;

  constructor(format: FrameFormat<TEvent>, inner: FrameBuilder<TEvent>) {
    this.#format = format;
    this.#inner = inner;
    if (inner.finishSync) this.finishSync = (context) => this.#seal(finishInner(inner, context), context);
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
    const { store } = this.#format;
    return store.current ? this.#finish(context) : store.refresh().then(() => this.#finish(context));
  }

  #finish(context: FrameContext): EncodedFrame | Promise<EncodedFrame> {
    const frame = this.#inner.finish(context);
    return frame instanceof Promise
      ? frame.then((finished) => this.#seal(finished, context))
      : this.#seal(frame, context);
  }

  reset(): void {
    this.#inner.reset();
  }

  #seal(frame: EncodedFrame, context: FrameContext): EncodedFrame {
    return { ...frame, bytes: sealEvents(this.#format, frame, context) };
  }
}

function finishInner<TEvent>(inner: FrameBuilder<TEvent>, context: FrameContext): EncodedFrame {
  if (!inner.finishSync) throw new TypeError('finishSync of the inner builder is gone');
  return inner.finishSync(context);
}
