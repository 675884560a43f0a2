import { describe, expect, it } from 'vitest';
import { LineMultiset } from '../src/line-multiset.ts';

function multisetOf(...lines: readonly string[]): LineMultiset {
  const multiset = new LineMultiset();
  for (const line of lines) multiset.add(line);
  return multiset;
}

describe('LineMultiset', () => {
  it('is equal for the same lines in any order, as text or as bytes', () => {
    const bytes = new LineMultiset();
    for (const line of ['ü', 'b', 'a', 'b']) bytes.add(Buffer.from(line));
    expect(multisetOf('a', 'b', 'b', 'ü').equals(bytes)).toBe(true);
    expect(bytes).toMatchObject({ count: 4, bytes: 5 });
  });

  it.each([
    ['a line is missing', ['a', 'b']],
    ['a line is there twice', ['a', 'b', 'c', 'c']],
    ['a line stands for another', ['a', 'b', 'b']],
    ['one line is changed', ['a', 'b', 'C']],
    ['lines are joined', ['ab', 'c']],
  ])('differs where %s', (_, lines) => {
    expect(multisetOf(...lines).equals(multisetOf('a', 'b', 'c'))).toBe(false);
  });

  it('merges', () => {
    const merged = multisetOf('a');
    merged.merge(multisetOf('c', 'b'));
    expect(merged.equals(multisetOf('a', 'b', 'c'))).toBe(true);
  });
});
