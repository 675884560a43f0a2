import { undecodable } from '@relaykit/segments';
import { type ByteSource, type FrameScan, isRelayError, type SegmentContext } from '@relaykit/types';
import type { Finding } from './findings.ts';
import { isEncrypted, type LineSerializer } from './formats.ts';

/** Whether frames hold anything that a scan does not look into: of plain lines it reads every one. */
export function isPacked({ format }: LineSerializer): boolean {
  return format.contentEncoding !== undefined || isEncrypted(format.fileExtension);
}

/**
 * Decodes what a scan took for whole by headers and checksums, frame after frame, and keeps nothing of it. Names frames that
 * decode to no events: rot does not make them, for checksums show it, but a program can.
 */
export async function* verifyDecoding(
  file: string,
  source: ByteSource,
  { intact }: FrameScan,
  serializer: LineSerializer,
  context: SegmentContext,
): AsyncGenerator<Finding> {
  for (const { positionBytes: startBytes, lengthBytes, firstFrameIndex } of intact) {
    const endBytes = startBytes + lengthBytes;
    const part = { ...context, isSealed: false, firstFrameIndex };
    for (let fromBytes = startBytes; fromBytes < endBytes; ) {
      const error = await firstError(serializer, part, within(source, fromBytes, endBytes));
      if (error === undefined) break;
      const found = undecodable(error, endBytes - fromBytes);
      if (!found) throw error;
      const positionBytes = fromBytes + found.positionBytes;
      const message = `a frame that its checksums vouch for decodes to no events (${found.reason}); relay cat leaves it out, and no repair mends it`;
      yield { severity: 'damage', code: 'frameUndecodable', file, positionBytes, message };
      fromBytes += found.nextBytes;
    }
  }
}

async function firstError(serializer: LineSerializer, context: SegmentContext, source: ByteSource): Promise<unknown> {
  try {
    for await (const _ of serializer.decode(source, context)) {
      // That it is there is all that counts.
    }
    return undefined;
  } catch (error) {
    if (!isRelayError(error)) throw error;
    return error;
  }
}

function within({ read }: ByteSource, fromBytes: number, toBytes: number): ByteSource {
  const sizeBytes = toBytes - fromBytes;
  return {
    sizeBytes,
    read: (positionBytes, lengthBytes) =>
      read(fromBytes + positionBytes, Math.max(0, Math.min(lengthBytes, sizeBytes - positionBytes))),
  };
}
