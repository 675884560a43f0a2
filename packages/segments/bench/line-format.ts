import type { ByteSource, EventSerializer, FrameScan } from '@relaykit/types';

const LINE_FEED = 0x0a;
const READ_BYTES = 256 * 1024;

/**
 * Lines, taken for whole without a look at what is in them: what a benchmark then shows is the cost of the storage, not
 * that of a format.
 */
export const lineFormat: EventSerializer<unknown> = {
  format: { name: 'jsonl', fileExtension: 'ndjson', mediaType: 'application/x-ndjson' },
  encode: () => {
    throw new Error('benchmarks bring their own bytes');
  },
  // biome-ignore lint/correctness/useYield: nothing here is decoded.
  async *decode() {
    throw new Error('benchmarks decode nothing');
  },
  scan: scanLines,
};

async function scanLines(source: ByteSource): Promise<FrameScan> {
  let eventCount = 0;
  let endBytes = 0;
  for (let position = 0; position < source.sizeBytes; position += READ_BYTES) {
    const bytes = await source.read(position, Math.min(READ_BYTES, source.sizeBytes - position));
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
      eventCount += 1;
      endBytes = position + at + 1;
    }
  }
  const intact = [{ positionBytes: 0, lengthBytes: endBytes, eventCount, firstFrameIndex: 0, frameCount: 1 }];
  return { intact, damaged: [], tornTailBytes: source.sizeBytes - endBytes, eventCount };
}
