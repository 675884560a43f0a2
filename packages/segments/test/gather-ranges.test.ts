import type { ByteSource, IntactRange } from '@relaykit/types';
import { expect, it } from 'vitest';
import { gatherRanges } from '../src/gather-ranges.ts';
import { READ_BYTES } from '../src/handle-source.ts';

function sourceOf(bytes: Uint8Array, sizeBytes = bytes.byteLength): ByteSource & { reads: number } {
  const source = {
    reads: 0,
    sizeBytes,
    read: async (positionBytes: number, lengthBytes: number) => {
      source.reads += 1;
      return bytes.slice(positionBytes, Math.min(positionBytes + lengthBytes, sizeBytes));
    },
  };
  return source;
}

const rangeOf = ([positionBytes, lengthBytes]: readonly [number, number], index: number): IntactRange => {
  return { positionBytes, lengthBytes, eventCount: 2, frameCount: 1, firstFrameIndex: index };
};

async function gathered(source: ByteSource, ranges: readonly IntactRange[]) {
  const bytes: Uint8Array[] = [];
  let [eventCount, frameCount, pieces] = [0, 0, 0];
  for await (const piece of gatherRanges(source, ranges)) {
    bytes.push(piece.bytes.slice());
    eventCount += piece.eventCount;
    frameCount += piece.frameCount;
    pieces += 1;
  }
  return { bytes: new Uint8Array(Buffer.concat(bytes)), eventCount, frameCount, pieces };
}

const content = Uint8Array.from({ length: 3 * READ_BYTES + 7 }, (_, index) => (index * 31) % 251);

it.for([
  ['none', []],
  ['one', [[0, 5]]],
  [
    'some in one read',
    [
      [3, 4],
      [7, 1],
      [20, 9],
    ],
  ],
  ['one across reads', [[5, 2 * READ_BYTES + 100]]],
  [
    'some across a border',
    [
      [READ_BYTES - 3, 6],
      [READ_BYTES + 3, 2],
      [3 * READ_BYTES, 7],
    ],
  ],
  ['everything', [[0, content.byteLength]]],
] as const)('ranges come one behind the other, with what they hold: %s', async ([, places]) => {
  const ranges = places.map(rangeOf);
  const expected = places.flatMap(([from, length]) => [...content.subarray(from, from + length)]);
  const { bytes, eventCount, frameCount } = await gathered(sourceOf(content), ranges);
  expect(bytes).toEqual(Uint8Array.from(expected));
  expect({ eventCount, frameCount }).toEqual({ eventCount: 2 * ranges.length, frameCount: ranges.length });
});

it('ten thousand ranges in one read are one read and one piece', async () => {
  const ranges = Array.from({ length: 10_000 }, (_, index) => rangeOf([index * 3, 2], index));
  const source = sourceOf(content);
  expect(await gathered(source, ranges)).toMatchObject({ eventCount: 20_000, pieces: 1 });
  expect(source.reads).toBe(1);
});

it('ends with the source, and counts nothing that is not there', async () => {
  const found = await gathered(sourceOf(content, 10), [rangeOf([0, 4], 0), rangeOf([8, 4], 1), rangeOf([20, 4], 2)]);
  expect(found.bytes).toEqual(Uint8Array.from([...content.subarray(0, 4), ...content.subarray(8, 10)]));
  expect(found.eventCount).toBe(2);
});
