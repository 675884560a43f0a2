import type {
  BatchAddOutcome,
  EncodedFrame,
  EncodeLimits,
  EventSerializer,
  FrameBuilder,
  FrameContext,
} from '@relaykit/types';

/** Encoding an event by itself needs a place; plain formats do not look at it. */
const NOWHERE: FrameContext = { spoolId: '', segmentId: '', frameIndex: 0 };

/**
 * Builds frames for a serializer that has no builder of its own. Each event is encoded by itself when it is added, so
 * that it is checked, measured and recorded as it was then; the frame is their concatenation, which every format allows.
 *
 * Formats that bind frames to a place must bring their own builder: `encodeSync` is called without one.
 */
export class CollectingFrameBuilder<TEvent> implements FrameBuilder<TEvent> {
  readonly #encode: (event: TEvent) => EncodedFrame;
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(serializer: EventSerializer<TEvent>, limits: EncodeLimits) {
    const { encodeSync } = serializer;
    if (!encodeSync) {
      throw new TypeError(
        `serializer must have createFrameBuilder or encodeSync, got neither (format ${serializer.format.name})`,
      );
    }
    this.#encode = (event) => encodeSync.call(serializer, [event], NOWHERE, limits);
  }

  add(event: TEvent): BatchAddOutcome {
    const { bytes, rejected } = this.#encode(event);
    const [refused] = rejected;
    if (refused) return { rejected: refused.cause };
    this.#pieces.push(bytes.slice());
    this.#sizeBytes += bytes.byteLength;
    return 'added';
  }

  get eventCount(): number {
    return this.#pieces.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  finish(): EncodedFrame {
    return this.finishSync();
  }

  finishSync(): EncodedFrame {
    const bytes = new Uint8Array(this.#sizeBytes);
    let position = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, position);
      position += piece.byteLength;
    }
    return { bytes, eventCount: this.#pieces.length, rejected: [] };
  }

  reset(): void {
    this.#pieces = [];
    this.#sizeBytes = 0;
  }
}
