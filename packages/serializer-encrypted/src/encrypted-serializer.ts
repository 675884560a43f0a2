import type {
  ByteSource,
  DecodeLimits,
  EncodedFrame,
  EncodeLimits,
  EventSerializer,
  FrameBuilder,
  FrameContext,
  FrameScan,
  IntactRange,
  SealContext,
  SegmentContext,
  SegmentFormat,
} from '@relaykit/types';
import { chooseEngine, type EngineName } from './aead-engine.ts';
import { encodeTotals } from './closing-totals.ts';
import { decodeFrames } from './decode-frames.ts';
import { EncryptedFrameBuilder } from './encrypted-frame-builder.ts';
import { sealFrame } from './frame-cipher.ts';
import { type FrameFormat, requireCurrent, sealEvents } from './frame-format.ts';
import { readHeader } from './frame-header.ts';
import { type KeyProvider, KeyRing, type KeySet, storeOf } from './key-ring.ts';
import { reframeRange } from './reframe-range.ts';
import { scanFrames } from './scan-frames.ts';

/** Keys and engine of an `EncryptedSerializer`. */
export interface EncryptedSerializerOptions {
  /** A ring, to rotate or refresh it later, or what one is made of. */
  readonly keys: KeyRing | KeySet | KeyProvider;
  /** Which implementation of the cipher; the bytes are the same. Defaults to `native` where that works. */
  readonly engine?: EngineName;
}

/**
 * Encrypts the frames of another serializer with XChaCha20-Poly1305: compress first, then encrypt.
 *
 * Each frame is bound to its spool, its segment and its index, and a sealed segment ends with a frame that vouches for
 * all before it. What was changed, moved, swapped, repeated, dropped or cut off is refused and gives no plaintext.
 */
export class EncryptedSerializer<TEvent> implements EventSerializer<TEvent> {
  readonly format: SegmentFormat;
  /** Keys of this serializer, to rotate or refresh. */
  readonly keys: KeyRing;
  /** Missing where the inner serializer has none. */
  readonly encodeSync?: (events: readonly TEvent[], context: FrameContext, limits?: EncodeLimits) => EncodedFrame;
  readonly #format: FrameFormat<TEvent>;
  readonly #createInnerBuilder: (limits?: EncodeLimits) => FrameBuilder<TEvent>;

  /** @throws TypeError, RangeError - an option breaks its rule. */
  constructor(inner: EventSerializer<TEvent>, options: EncryptedSerializerOptions) {
    const { createFrameBuilder, encodeSync, closingFrame, format } = inner;
    if (closingFrame) throw new TypeError(`inner must not be bound to a place already, got format ${format.name}`);
    if (!createFrameBuilder) throw new TypeError(`inner must have createFrameBuilder, got format ${format.name}`);
    this.keys = options.keys instanceof KeyRing ? options.keys : new KeyRing(options.keys);
    this.#format = { inner, store: storeOf(this.keys), engine: chooseEngine(options.engine) };
    this.#createInnerBuilder = (limits) => createFrameBuilder.call(inner, limits);
    this.format = Object.freeze({
      name: `${format.name}+encrypted`,
      fileExtension: `${format.fileExtension}.enc`,
      mediaType: 'application/octet-stream',
    });
    if (encodeSync) {
      this.encodeSync = (events, context, limits) =>
        this.#seal(encodeSync.call(inner, events, context, limits), context);
    }
  }

  /** Which implementation of the cipher is at work. */
  get engine(): EngineName {
    return this.#format.engine.name;
  }

  /** @throws RelayError `RELAY_KEY_MISSING` - there is no key to encrypt with. */
  async encode(events: readonly TEvent[], context: FrameContext, limits?: EncodeLimits): Promise<EncodedFrame> {
    const { inner, store } = this.#format;
    const frame = await inner.encode(events, context, limits);
    if (!store.current && frame.eventCount > 0) await store.refresh();
    return this.#seal(frame, context);
  }

  createFrameBuilder(limits?: EncodeLimits): FrameBuilder<TEvent> {
    return new EncryptedFrameBuilder(this.#format, this.#createInnerBuilder(limits));
  }

  /** Without waiting once there is a key. */
  closingFrame(context: SealContext): Uint8Array | Promise<Uint8Array> {
    const { store } = this.#format;
    return store.current ? this.#close(context) : store.refresh().then(() => this.#close(context));
  }

  keyIdOf(frame: Uint8Array): string | undefined {
    const header = readHeader(frame);
    return typeof header === 'object' ? header.keyId : undefined;
  }

  decode(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): AsyncGenerator<TEvent, void, void> {
    return decodeFrames(this.#format, source, context, limits);
  }

  scan(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): Promise<FrameScan> {
    return scanFrames(this.#format, source, context, limits);
  }

  reframe(
    source: ByteSource,
    range: IntactRange,
    from: SegmentContext,
    to: FrameContext,
  ): AsyncGenerator<EncodedFrame, void, void> {
    return reframeRange(this.#format, source, range, from, to);
  }

  #close(context: SealContext): Uint8Array {
    const { engine, store } = this.#format;
    const plaintext = encodeTotals(context);
    return sealFrame(engine, requireCurrent(store, context), { isClosing: true, eventCount: 0, plaintext }, context);
  }

  #seal(frame: EncodedFrame, context: FrameContext): EncodedFrame {
    return { ...frame, bytes: sealEvents(this.#format, frame, context) };
  }
}
