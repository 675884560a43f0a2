import type {
  ByteSource,
  DecodeLimits,
  EncodedFrame,
  EncodeLimits,
  EventSerializer,
  FrameBuilder,
  FrameContext,
  FrameScan,
  SegmentContext,
  SegmentFormat,
} from '@relaykit/types';
import { decodeLimit } from '../decode-limit.ts';
import { decodeFrames, sourceOf } from './decode-frames.ts';
import type { FrameCodec } from './frame-codec.ts';
import { assembleFrame } from './frame-header.ts';
import { FramedBuilder, type FrameWrapper } from './framed-builder.ts';
import { OFF_THREAD_BYTES } from './off-thread.ts';
import { scanFrames } from './scan-frames.ts';

/**
 * A compressed format over another one: each frame of the inner format becomes the body of one frame here, with a header
 * that carries its lengths, the number of its events and checksums, so that a scan walks frames without decoding them and
 * every flipped bit is noticed. `GzipSerializer` and `ZstdSerializer` are this with their codecs.
 */
export class FramedSerializer<TEvent> implements EventSerializer<TEvent> {
  readonly format: SegmentFormat;
  /** Missing where the inner serializer has none; so is `createFrameBuilder`. */
  readonly encodeSync?: (events: readonly TEvent[], context: FrameContext, limits?: EncodeLimits) => EncodedFrame;
  readonly createFrameBuilder?: (limits?: EncodeLimits) => FrameBuilder<TEvent>;
  readonly #inner: EventSerializer<TEvent>;
  readonly #codec: FrameCodec;
  readonly #wrapper: FrameWrapper;

  /**
   * @param contentEncoding - Its name is put behind the inner format's, `fileExtension` behind the inner extension.
   * @throws TypeError - the inner format binds frames to their places, as encryption does: compress first, encrypt then.
   */
  constructor(
    inner: EventSerializer<TEvent>,
    codec: FrameCodec,
    { contentEncoding, fileExtension }: { readonly contentEncoding: string; readonly fileExtension: string },
  ) {
    if (inner.closingFrame || inner.reframe || inner.format.contentEncoding !== undefined) {
      throw new TypeError(
        `inner must be a serializer of plain events, got ${inner.format.name}; compress once, and before you encrypt`,
      );
    }
    this.format = Object.freeze({
      name: `${inner.format.name}+${contentEncoding}`,
      fileExtension: `${inner.format.fileExtension}.${fileExtension}`,
      mediaType: inner.format.mediaType,
      contentEncoding,
    });
    this.#inner = inner;
    this.#codec = codec;
    const wrapper: FrameWrapper = {
      wrap: (frame) => wrap(codec, frame),
      wrapSync: (frame) => wrapSync(codec, frame),
    };
    this.#wrapper = wrapper;
    if (inner.encodeSync) {
      const encodeSync = inner.encodeSync.bind(inner);
      this.encodeSync = (events, context, limits) => wrapper.wrapSync(encodeSync(events, context, limits));
    }
    if (inner.createFrameBuilder) {
      const createFrameBuilder = inner.createFrameBuilder.bind(inner);
      this.createFrameBuilder = (limits) => new FramedBuilder(createFrameBuilder(limits), wrapper);
    }
  }

  /** Compressed off the thread where the platform can and the frame is large. The bytes are the caller's own. */
  encode(
    events: readonly TEvent[],
    context: FrameContext,
    limits?: EncodeLimits,
  ): EncodedFrame | Promise<EncodedFrame> {
    const frame = this.#inner.encode(events, context, limits);
    return frame instanceof Promise ? frame.then((inner) => this.#wrapper.wrap(inner)) : this.#wrapper.wrap(frame);
  }

  decode(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): AsyncGenerator<TEvent, void, void> {
    const options = { inner: this.#inner, codec: this.#codec, maxDecodedBytes: decodeLimit(limits) };
    return decodeFrames(source, context, options);
  }

  async scan(source: ByteSource, context: SegmentContext, limits?: DecodeLimits): Promise<FrameScan> {
    return scanFrames(source, {
      codec: this.#codec,
      maxDecodedBytes: decodeLimit(limits),
      firstFrameIndex: context.firstFrameIndex ?? 0,
      countEvents: async (content) => {
        const scan = await this.#inner.scan(sourceOf(content), { ...context, isSealed: true }, limits);
        return scan.damaged.length > 0 || scan.tornTailBytes > 0 ? undefined : scan.eventCount;
      },
    });
  }
}

function wrap(codec: FrameCodec, inner: EncodedFrame): EncodedFrame | Promise<EncodedFrame> {
  if (!codec.compressOffThread || inner.bytes.byteLength < OFF_THREAD_BYTES) return wrapSync(codec, inner);
  // The inner bytes may be used again before the other thread is done with them.
  const { eventCount, rejected } = inner;
  const content = inner.bytes.slice();
  return codec.compressOffThread(content).then((body) => {
    const bytes = assembleFrame(codec.prefix, body, { eventCount, decodedBytes: content.byteLength });
    return { bytes, eventCount, rejected };
  });
}

function wrapSync(codec: FrameCodec, inner: EncodedFrame): EncodedFrame {
  const { bytes: content, eventCount, rejected } = inner;
  if (content.byteLength === 0) return inner;
  const bytes = assembleFrame(codec.prefix, codec.compress(content), { eventCount, decodedBytes: content.byteLength });
  return { bytes, eventCount, rejected };
}
