// What most tests of this package begin with: keys, a serializer, and files of a few frames.
import { JSONEventSerializer } from '@relaykit/serializers';
import type { ByteSource, EventSerializer, SegmentContext } from '@relaykit/types';
import { EncryptedSerializer, type EncryptedSerializerOptions, type EncryptionKey } from '../src/index.ts';

export const SPOOL = '0123456789abcdef0123456789abcdef';
export const SEGMENT = '20260101T000000000Z-000000000000-aaaaaaaaaa';

/** Always the same 32 bytes for the same id. */
export function keyOf(id: string): EncryptionKey {
  const seed = [...id].reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7);
  return { id, key: Uint8Array.from({ length: 32 }, (_, index) => (seed * (index + 3) + index * index) & 0xff) };
}

export function encrypted<TEvent = unknown>(
  options: Partial<EncryptedSerializerOptions> = {},
): EncryptedSerializer<TEvent> {
  return new EncryptedSerializer(new JSONEventSerializer<TEvent>(), { keys: { current: keyOf('k1') }, ...options });
}

export interface FileOptions {
  readonly spoolId?: string;
  readonly segmentId?: string;
}

/** The frames of one sealed segment, the closing one last. */
export async function framesOf(
  serializer: EventSerializer<unknown>,
  batches: readonly (readonly unknown[])[],
  { spoolId = SPOOL, segmentId = SEGMENT }: FileOptions = {},
): Promise<readonly Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for (const [frameIndex, events] of batches.entries()) {
    frames.push((await serializer.encode(events, { spoolId, segmentId, frameIndex })).bytes.slice());
  }
  const context = { spoolId, segmentId, frameIndex: frames.length };
  const sizeBytes = join(frames).byteLength;
  const closing = await serializer.closingFrame?.({ ...context, eventCount: batches.flat().length, sizeBytes });
  return closing ? [...frames, closing] : frames;
}

export async function fileOf(
  serializer: EventSerializer<unknown>,
  batches: readonly (readonly unknown[])[],
  options?: FileOptions,
): Promise<Uint8Array> {
  return join(await framesOf(serializer, batches, options));
}

export function join(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (positionBytes, lengthBytes) => bytes.slice(positionBytes, positionBytes + lengthBytes),
  };
}

export function segment(context: Partial<SegmentContext> = {}): SegmentContext {
  return { spoolId: SPOOL, segmentId: SEGMENT, isSealed: true, ...context };
}

/** Events up to the end or the first error, and that error. */
export async function read(
  serializer: EventSerializer<unknown>,
  bytes: Uint8Array,
  context: SegmentContext = segment(),
): Promise<{ readonly events: readonly unknown[]; readonly error: unknown }> {
  const events: unknown[] = [];
  try {
    for await (const event of serializer.decode(sourceOf(bytes), context)) events.push(event);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}
