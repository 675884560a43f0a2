import { type ByteSource, type EventSerializer, isRelayError, RelayError, type SegmentContext } from '@relaykit/types';
import type { FrameCodec } from './frame-codec.ts';
import { FrameReader } from './frame-reader.ts';
import { OFF_THREAD_BYTES } from './off-thread.ts';

export interface DecodeOptions<TEvent> {
  readonly inner: EventSerializer<TEvent>;
  readonly codec: FrameCodec;
  readonly maxDecodedBytes: number;
}

/** Yields the events of each frame, in order, with the errors of `EventSerializer.decode`. */
export async function* decodeFrames<TEvent>(
  source: ByteSource,
  context: SegmentContext,
  { inner, codec, maxDecodedBytes }: DecodeOptions<TEvent>,
): AsyncGenerator<TEvent, void, void> {
  const { segmentId } = context;
  const reader = new FrameReader(source, codec, maxDecodedBytes);
  let frameIndex = context.firstFrameIndex ?? 0;
  for (let position = 0; position < source.sizeBytes; frameIndex += 1) {
    const found = await reader.frameAt(position);
    if (found.kind === 'truncated') {
      if (context.isSealed) throw truncated(segmentId, position);
      return;
    }
    if (found.kind === 'tooLarge') throw tooLarge(segmentId, position, maxDecodedBytes);
    const place = { position, lengthBytes: found.lengthBytes };
    if (found.kind === 'damaged') throw damaged(segmentId, place, found.reason);

    let content: Uint8Array;
    try {
      content = found.kind === 'foreign' ? found.content : await decompressed(codec, found.body, found.decodedBytes);
    } catch (cause) {
      throw damaged(segmentId, place, 'checksum', cause);
    }
    let eventCount = 0;
    try {
      // A frame is whole or damaged; the inner format has no say in where the segment ends.
      const frameContext = { ...context, isSealed: true, firstFrameIndex: frameIndex };
      for await (const event of inner.decode(sourceOf(content), frameContext, { maxDecodedBytes })) {
        eventCount += 1;
        yield event;
      }
    } catch (error) {
      if (isRelayError(error, 'RELAY_SEGMENT_DAMAGED') || isRelayError(error, 'RELAY_SEGMENT_TRUNCATED')) {
        throw damaged(segmentId, place, 'syntax', error);
      }
      throw error;
    }
    if (found.kind === 'own' && eventCount !== found.eventCount) throw damaged(segmentId, place, 'counts');
    position += found.lengthBytes;
  }
}

async function decompressed(codec: FrameCodec, body: Uint8Array, decodedBytes: number): Promise<Uint8Array> {
  return codec.decompressOffThread && decodedBytes >= OFF_THREAD_BYTES
    ? codec.decompressOffThread(body, decodedBytes)
    : codec.decompress(body, decodedBytes);
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.subarray(positionBytes, positionBytes + lengthBytes),
  };
}

const explanations = {
  checksum: 'is not what was written: its checksum does not fit',
  authentication: 'is not what was written',
  syntax: 'is no frame of this format',
  counts: 'holds another number of events than it says',
} as const;

function damaged(
  segmentId: string,
  { position: positionBytes, lengthBytes }: { readonly position: number; readonly lengthBytes: number | undefined },
  reason: keyof typeof explanations,
  cause?: unknown,
): RelayError<'RELAY_SEGMENT_DAMAGED'> {
  const message = `What stands at byte ${positionBytes} of segment ${segmentId} ${explanations[reason]}; scan the segment to find what is intact behind it.`;
  const facts = { segmentId, positionBytes, reason, ...(lengthBytes === undefined ? {} : { lengthBytes }) };
  return new RelayError('RELAY_SEGMENT_DAMAGED', message, facts, { cause });
}

function truncated(segmentId: string, positionBytes: number): RelayError<'RELAY_SEGMENT_TRUNCATED'> {
  const message = `Sealed segment ${segmentId} ends inside the frame at byte ${positionBytes}: it was cut off. The frames before it are whole.`;
  return new RelayError('RELAY_SEGMENT_TRUNCATED', message, { segmentId, positionBytes });
}

function tooLarge(segmentId: string, positionBytes: number, maximum: number): RelayError<'RELAY_LIMIT_EXCEEDED'> {
  const message = `The frame at byte ${positionBytes} of segment ${segmentId} decodes to more than maxDecodedBytes, ${maximum}; raise it if you trust the file.`;
  return new RelayError('RELAY_LIMIT_EXCEEDED', message, { limit: 'maxDecodedBytes', maximum });
}
