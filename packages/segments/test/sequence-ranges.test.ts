// Goal: ranges of numbers behave as the sets they stand for.
// Method: random additions beside a plain set; a failure prints its seed.
import { mixSeed, seededRandom } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { addRange, countEvents, gapsIn, type SequenceRange } from '../src/sequence-ranges.ts';

const numbersIn = (ranges: readonly SequenceRange[]): number[] =>
  ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, index) => first + index));

describe('sequence ranges', () => {
  it.for([
    ['nothing', [[2, 3]], [9, 0], [[2, 3]]],
    ['less than nothing', [[2, 3]], [9, -1], [[2, 3]]],
    ['what touches from behind', [[2, 3]], [5, 1], [[2, 4]]],
    ['what touches from before', [[2, 3]], [1, 1], [[1, 4]]],
    ['what lies within', [[2, 3]], [3, 1], [[2, 3]]],
    ['what lies around', [[2, 3]], [0, 9], [[0, 9]]],
    [
      'what closes a hole',
      [
        [0, 2],
        [4, 2],
      ],
      [2, 2],
      [[0, 6]],
    ],
    [
      'what stands apart',
      [
        [0, 1],
        [9, 1],
      ],
      [4, 2],
      [
        [0, 1],
        [4, 2],
        [9, 1],
      ],
    ],
  ] as [string, SequenceRange[], SequenceRange, SequenceRange[]][])('add %s', ([, ranges, added, expected]) => {
    expect(addRange(ranges, added)).toEqual(expected);
  });

  it('are sets, whatever is added in whatever order', () => {
    for (let seed = 1; seed <= 2000; seed += 1) {
      const random = seededRandom(mixSeed(seed, 17));
      const below = (limit: number): number => Math.floor(random() * limit);
      const model = new Set<number>();
      let ranges: readonly SequenceRange[] = [];
      for (let turn = below(12); turn >= 0; turn -= 1) {
        const added: SequenceRange = [below(40), below(8)];
        ranges = addRange(ranges, added);
        for (const number of numbersIn([added])) model.add(number);
      }
      const expected = [...model].sort((a, b) => a - b);
      const end = (expected.at(-1) ?? -1) + 1;
      const missing = Array.from({ length: end }, (_, number) => number).filter((number) => !model.has(number));
      expect(numbersIn(ranges), `seed ${seed}`).toEqual(expected);
      expect(countEvents(ranges), `seed ${seed}`).toBe(model.size);
      expect(numbersIn(gapsIn(ranges)), `seed ${seed}`).toEqual(missing);
      // As few as can be: none empty, no two that touch.
      for (const [index, [first, count]] of ranges.entries()) {
        expect(count, `seed ${seed}`).toBeGreaterThan(0);
        const before = ranges[index - 1];
        if (before) expect(first, `seed ${seed}`).toBeGreaterThan(before[0] + before[1]);
      }
    }
  });
});
