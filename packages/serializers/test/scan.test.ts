// Goal: recovery learns exactly which lines are whole, whatever happened to a file.
// Method: build files from pieces known to be good or bad, and compare; then cut and flip every place of a small one.
import { JSONEventSerializer } from '@relaykit/serializers';
import type { FrameScan } from '@relaykit/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, decodeAll, open, TestSource } from './source.ts';

const serializer = new JSONEventSerializer<unknown>();
const scan = (bytes: Uint8Array, maxDecodedBytes?: number): Promise<FrameScan> =>
  serializer.scan(new TestSource(bytes), open, maxDecodedBytes === undefined ? undefined : { maxDecodedBytes });

/** Ranges as `[position, length, events]` and `[position, length]`. */
async function outline(bytes: Uint8Array, maxDecodedBytes?: number) {
  const { intact, damaged, tornTailBytes, eventCount } = await scan(bytes, maxDecodedBytes);
  expect(intact.map(({ firstFrameIndex, frameCount }) => [firstFrameIndex, frameCount])).toEqual(
    intact.map((_, index) => [index, 1]),
  );
  for (const { reason } of damaged) expect(reason).toBe('syntax');
  expect(eventCount).toBe(intact.reduce((sum, range) => sum + range.eventCount, 0));
  return {
    intact: intact.map((range) => [range.positionBytes, range.lengthBytes, range.eventCount]),
    damaged: damaged.map((range) => [range.positionBytes, range.lengthBytes]),
    tornTailBytes,
  };
}

describe('scan', () => {
  it.each<[string, Uint8Array, object]>([
    ['an empty file', bytesOf(''), { intact: [], damaged: [], tornTailBytes: 0 }],
    ['a whole file', bytesOf('1\n"ü"\n3\n'), { intact: [[0, 9, 3]], damaged: [], tornTailBytes: 0 }],
    ['a torn tail', bytesOf('1\n{"a"'), { intact: [[0, 2, 1]], damaged: [], tornTailBytes: 4 }],
    ['a last event without its line feed', bytesOf('1\n2'), { intact: [[0, 2, 1]], damaged: [], tornTailBytes: 1 }],
    ['nothing but a torn tail', bytesOf('{"a"'), { intact: [], damaged: [], tornTailBytes: 4 }],
    ['a tail of zeros', bytesOf('1\n', [0, 0, 0]), { intact: [[0, 2, 1]], damaged: [], tornTailBytes: 3 }],
    ['a file of zeros', new Uint8Array(9), { intact: [], damaged: [], tornTailBytes: 9 }],
    [
      'a tail cut inside a character',
      bytesOf('1\n"', [0xe2, 0x82]),
      { intact: [[0, 2, 1]], damaged: [], tornTailBytes: 3 },
    ],
    [
      'a damaged middle',
      bytesOf('1\nxx\n3\n'),
      {
        intact: [
          [0, 2, 1],
          [5, 2, 1],
        ],
        damaged: [[2, 3]],
        tornTailBytes: 0,
      },
    ],
    ['a damaged start', bytesOf('xx\n2\n3\n'), { intact: [[3, 4, 2]], damaged: [[0, 3]], tornTailBytes: 0 }],
    [
      'damaged neighbours',
      bytesOf('1\nx\n\ny\n3\n'),
      {
        intact: [
          [0, 2, 1],
          [7, 2, 1],
        ],
        damaged: [[2, 5]],
        tornTailBytes: 0,
      },
    ],
    ['a damaged last line', bytesOf('1\nxx\n'), { intact: [[0, 2, 1]], damaged: [], tornTailBytes: 3 }],
    [
      'damaged last lines and more',
      bytesOf('1\nx\n', [0, 0], '\n{'),
      { intact: [[0, 2, 1]], damaged: [], tornTailBytes: 6 },
    ],
    [
      'zeros in front of whole lines',
      bytesOf('1\n', [0, 0], '}\n2\n'),
      {
        intact: [
          [0, 2, 1],
          [6, 2, 1],
        ],
        damaged: [[2, 4]],
        tornTailBytes: 0,
      },
    ],
    ['carriage returns', bytesOf('1\r\n2\r\n'), { intact: [[0, 6, 2]], damaged: [], tornTailBytes: 0 }],
    [
      'a byte order mark',
      bytesOf([0xef, 0xbb, 0xbf], '1\n2\n'),
      { intact: [[5, 2, 1]], damaged: [[0, 5]], tornTailBytes: 0 },
    ],
  ])('finds its way in %s', async (_name, bytes, expected) => {
    expect(await outline(bytes)).toEqual(expected);
  });

  it('passes over a line beyond the limit, without holding it', async () => {
    // Any part of it would pass for a number; its last piece is short enough to be a line.
    const long = bytesOf('1'.repeat(2 * 131_072 + 5), '\n');
    const bytes = bytesOf('1\n', long, '2\n', long, '3\n');
    const [first, second] = [2, 2 + long.byteLength + 2];
    expect(await outline(bytes, 1_000)).toEqual({
      intact: [
        [0, 2, 1],
        [second - 2, 2, 1],
        [second + long.byteLength, 2, 1],
      ],
      damaged: [
        [first, long.byteLength],
        [second, long.byteLength],
      ],
      tornTailBytes: 0,
    });
    expect(await outline(bytesOf('1\n', long.subarray(0, -1)), 1_000)).toMatchObject({
      intact: [[0, 2, 1]],
      tornTailBytes: long.byteLength - 1,
    });
    expect((await outline(bytesOf('1\n"345"\n2\n'), 5)).damaged).toEqual([[2, 6]]);
    expect((await outline(bytesOf('1\n"345"\n2\n'), 6)).damaged).toEqual([]);
  });

  it('covers any file without gap or overlap, and agrees with decode', async () => {
    const piece = fc.oneof(
      fc.json({ maxDepth: 2 }).map((text) => bytesOf(`${text}\n`)),
      fc.constantFrom(bytesOf('\n'), bytesOf('x\n'), bytesOf('{"a":1'), bytesOf([0, 0]), bytesOf('"', [0xff], '"\n')),
      fc.uint8Array({ maxLength: 12 }),
      fc.integer({ min: 100_000, max: 140_000 }).map((size) => bytesOf(`"${'y'.repeat(size)}"\n`)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const bytes = bytesOf(...pieces);
        const { intact, damaged, tornTailBytes, eventCount } = await scan(bytes);

        let positionBytes = 0;
        const ranges = [...intact, ...damaged].sort((left, right) => left.positionBytes - right.positionBytes);
        for (const range of ranges) {
          expect(range.positionBytes).toBe(positionBytes);
          expect(range.lengthBytes).toBeGreaterThan(0);
          positionBytes += range.lengthBytes;
        }
        expect(positionBytes + tornTailBytes).toBe(bytes.byteLength);

        for (const range of intact) {
          const part = bytes.subarray(range.positionBytes, range.positionBytes + range.lengthBytes);
          const { events, error } = await decodeAll(serializer, part);
          expect([error, events.length]).toEqual([undefined, range.eventCount]);
        }
        const lines = splitLines(bytes).filter(isWhole);
        expect(eventCount).toBe(lines.length);
      }),
      { numRuns: 60 },
    );
  });

  it('finds all whole lines of a file that is cut anywhere', async () => {
    const bytes = bytesOf('{"a":"ü"}\n[1,2]\n"x"\n');
    for (let cut = 0; cut <= bytes.byteLength; cut += 1) {
      const part = bytes.subarray(0, cut);
      const { intact, damaged, tornTailBytes } = await scan(part);
      const whole = part.lastIndexOf(0x0a) + 1;
      expect([damaged, tornTailBytes]).toEqual([[], cut - whole]);
      expect(intact.map(({ lengthBytes }) => lengthBytes)).toEqual(whole > 0 ? [whole] : []);
    }
  });

  it('loses no other line to a flipped bit, and sees each that breaks the syntax', async () => {
    const bytes = bytesOf('{"a":"ü"}\n[1,2]\n"x"\n');
    for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
      const flipped = bytes.slice();
      const index = bit >> 3;
      flipped[index] = (flipped[index] ?? 0) ^ (1 << (bit & 7));
      const { eventCount } = await scan(flipped);
      expect(eventCount, `bit ${bit}`).toBe(splitLines(flipped).filter(isWhole).length);
      expect(eventCount).toBeGreaterThanOrEqual(1);
    }
  });

  it('reads each byte once, though every line is damaged', async () => {
    const source = new TestSource(new Uint8Array(400_000).fill(0x0a));
    expect((await serializer.scan(source, open)).tornTailBytes).toBe(400_000);
    expect(source.reads.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBe(400_000);
  });
});

/** Lines with their line feed, found the slow way. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (const [index, byte] of bytes.entries()) {
    if (byte !== 0x0a) continue;
    lines.push(bytes.subarray(start, index + 1));
    start = index + 1;
  }
  return lines;
}

function isWhole(line: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line));
    return true;
  } catch {
    return false;
  }
}
