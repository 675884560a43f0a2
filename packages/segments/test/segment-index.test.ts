import { mixSeed, seededRandom } from '@relaykit/testing';
import { describe, expect, it } from 'vitest';
import { type IndexedSegment, SegmentIndex } from '../src/segment-index.ts';

const segment = (number: number, sizeBytes = 1): IndexedSegment => ({
  name: {
    id: String(number).padStart(4, '0'),
    createdAtMs: number,
    firstSequence: 0,
    writerId: 'w',
    fileExtension: 'x',
  },
  sizeBytes,
  ageMs: 100,
  seenAtMs: 10,
});
const all = () => true;

describe('SegmentIndex', () => {
  it('keeps sums, and counts a segment once', () => {
    const index = new SegmentIndex();
    index.add(segment(1, 5));
    index.add(segment(1, 7));
    index.add(segment(2, 9));
    expect(index.totals).toEqual({ fileCount: 2, totalBytes: 14 });
    index.remove('0001');
    index.remove('0001');
    expect(index.totals).toEqual({ fileCount: 1, totalBytes: 9 });
    expect([index.has('0001'), index.has('0002'), [...index.ids()]]).toEqual([false, true, ['0002']]);
    expect(index.get('0002')).toEqual(segment(2, 9));
  });

  it('offers what it is told to, with the age it has by now', () => {
    const index = new SegmentIndex();
    for (const number of [1, 2, 3]) index.add(segment(number, number));
    expect([...index.oldestFirst(25, (id) => id !== '0002')]).toEqual([
      { ...segment(1).name, sizeBytes: 1, ageMs: 115, isDelivered: false },
      { ...segment(3).name, sizeBytes: 3, ageMs: 115, isDelivered: false },
    ]);
  });

  it('does not keep what was removed for ever', () => {
    const index = new SegmentIndex();
    for (let number = 0; number < 100; number += 1) index.add(segment(number));
    for (let number = 0; number < 95; number += 1) index.remove(segment(number).name.id);
    expect([...index.oldestFirst(0, all)].map(({ id }) => id)).toEqual(['0095', '0096', '0097', '0098', '0099']);
  });

  it('is in order whatever comes and goes', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(mixSeed(seed, 3));
      const index = new SegmentIndex();
      const model = new Map<string, number>();
      for (let turn = 0; turn < 200; turn += 1) {
        const added = segment(Math.floor(random() * 60), Math.floor(random() * 9));
        const { id } = added.name;
        if (random() < 0.5) {
          index.remove(id);
          model.delete(id);
        } else {
          index.add(added);
          if (!model.has(id)) model.set(id, added.sizeBytes);
        }
        if (turn % 10 > 0) continue;
        const expected = [...model].sort(([first], [second]) => (first < second ? -1 : 1));
        const found = [...index.oldestFirst(0, all)].map(({ id: offered, sizeBytes }) => [offered, sizeBytes]);
        expect(found, `seed ${seed}`).toEqual(expected);
        const totalBytes = expected.reduce((sum, [, sizeBytes]) => sum + sizeBytes, 0);
        expect(index.totals, `seed ${seed}`).toEqual({ fileCount: model.size, totalBytes });
      }
    }
  });
});
