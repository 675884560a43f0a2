import { type ByteSource, type DecodeLimits, RelayError, type SegmentContext } from '@relaykit/types';
import { decodeLimit } from './decode-limit.ts';
import { type JudgedLine, judgeLines } from './judge-lines.ts';
import { readLineBlocks } from './line-blocks.ts';

/** A line that is one event. */
export type WholeLine = JudgedLine & { readonly text: string };

/** Yields what `eventOf` makes of each whole line, in order, with the errors of `EventSerializer.decode`. */
export async function* decodeLines<TEvent>(
  source: ByteSource,
  { segmentId, isSealed }: SegmentContext,
  limits: DecodeLimits | undefined,
  eventOf: (line: WholeLine) => TEvent,
): AsyncGenerator<TEvent, void, void> {
  const maximum = decodeLimit(limits);
  for await (const { kind, positionBytes, bytes } of readLineBlocks(source, maximum)) {
    if (kind === 'overlong') throw overlong(segmentId, positionBytes, maximum);
    if (kind === 'tail') {
      if (isSealed) throw truncated(segmentId, positionBytes);
      return;
    }
    for (const line of judgeLines(bytes, maximum)) {
      const lineBytes = positionBytes + line.offsetBytes;
      if (line.lengthBytes > maximum) throw overlong(segmentId, lineBytes, maximum);
      if (line.text === undefined) throw damaged(segmentId, lineBytes);
      yield eventOf(line as WholeLine);
    }
  }
}

function overlong(segmentId: string, positionBytes: number, maximum: number): RelayError<'RELAY_LIMIT_EXCEEDED'> {
  const message = `The line at byte ${positionBytes} of segment ${segmentId} is longer than maxDecodedBytes, ${maximum}; raise it if you trust the file.`;
  return new RelayError('RELAY_LIMIT_EXCEEDED', message, { limit: 'maxDecodedBytes', maximum });
}

function truncated(segmentId: string, positionBytes: number): RelayError<'RELAY_SEGMENT_TRUNCATED'> {
  const message = `Sealed segment ${segmentId} ends inside the line at byte ${positionBytes}: it was cut off. The lines before it are whole.`;
  return new RelayError('RELAY_SEGMENT_TRUNCATED', message, { segmentId, positionBytes });
}

function damaged(segmentId: string, positionBytes: number): RelayError<'RELAY_SEGMENT_DAMAGED'> {
  const message = `The line at byte ${positionBytes} of segment ${segmentId} is not one JSON value in valid UTF-8; scan the segment to find what is intact behind it.`;
  return new RelayError('RELAY_SEGMENT_DAMAGED', message, { segmentId, positionBytes, reason: 'syntax' });
}
